use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_refusal::Refusal;
use postern_signature::Algorithm;

use super::canonical::canonical;
use super::methods::{SHA256, digest, method_uri};
use super::{DSIG, ENVELOPED, EXC_C14N, ID, Place, plain_id};
use crate::document::parse;
use crate::scan::Author;
use crate::{Limits, Writer, Written};

/// A document that carries its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedXml(String);

impl SignedXml {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, to keep.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A document of ours that is to be signed: [`Unsigned::to_sign`] goes to whoever holds the key,
/// what comes back goes to [`Unsigned::with_signature`].
#[derive(Debug)]
pub struct Unsigned {
    /// What comes before the signature.
    head: String,
    /// What comes after it.
    tail: String,
    signed_info: Written,
}

impl Unsigned {
    /// Digests the document, whose root has an `ID`, and prepares a signature at the place.
    ///
    /// # Errors
    /// `xml.sign.document`, `xml.sign.algorithm`: ours, both.
    pub fn new(document: Written, place: Place<'_>, algorithm: Algorithm) -> Result<Self, Refusal> {
        let text = document.into_string();
        let ours = |what: &str| Refusal::internal("xml.sign.document").expected(what);
        let method = method_uri(algorithm)
            .ok_or_else(|| Refusal::internal("xml.sign.algorithm").found(algorithm.jwa_name()))?;
        let limits = Limits { max_depth: 64, max_elements: 65_536, ..Limits::METADATA };
        let (signed_info, at) = {
            let tree = parse(text.as_bytes(), &limits, Author::Peer)?;
            let root = tree.document_element().ok_or_else(|| ours("a root"))?;
            let id = plain_id(&tree, root, ID).ok_or_else(|| ours("an ID"))?;
            let covered = canonical(&tree, root, None, &[], usize::MAX)?;
            let first = tree
                .children_iter(root)
                .next()
                .and_then(|child| tree.node_range(child))
                .ok_or_else(|| ours("a child"))?;
            let at = match place {
                Place::First => first.start,
                Place::Last => {
                    let last = tree.children_iter(root).next_back().and_then(|child| tree.node_range(child));
                    last.ok_or_else(|| ours("a child"))?.end
                }
                Place::After { namespace, local } => {
                    tree.first_child_element_by_name_ns(root, namespace, local)
                        .and_then(|child| tree.node_range(child))
                        .ok_or_else(|| ours(local))?
                        .end
                }
            };
            (write_signed_info(id, method, &digest(SHA256, &covered)?), at)
        };
        let (head, tail) = text.split_at_checked(at).ok_or_else(|| ours("a place for the signature"))?;
        Ok(Self { head: head.to_owned(), tail: tail.to_owned(), signed_info })
    }

    /// The bytes to sign: SignedInfo in its canonical form.
    pub fn to_sign(&self) -> &[u8] {
        self.signed_info.as_str().as_bytes()
    }

    /// Puts the signature in. ECDSA signatures are r||s. With a certificate (DER), KeyInfo names it.
    pub fn with_signature(self, signature: &[u8], certificate: Option<&[u8]>) -> SignedXml {
        let mut writer = Writer::new();
        writer.start("ds:Signature").attribute("xmlns:ds", DSIG);
        // SignedInfo stands there exactly as it was signed: it is text of ours, in canonical form.
        writer.embed_own(self.signed_info);
        writer.leaf("ds:SignatureValue", &BASE64_STANDARD.encode(signature));
        if let Some(certificate) = certificate {
            writer.start("ds:KeyInfo").start("ds:X509Data");
            writer.leaf("ds:X509Certificate", &BASE64_STANDARD.encode(certificate));
        }
        SignedXml([self.head, writer.finish().into_string(), self.tail].concat())
    }
}

/// SignedInfo in exclusive canonical form, so that its bytes are what is signed.
fn write_signed_info(id: &str, method: &str, digest: &[u8]) -> Written {
    let mut writer = Writer::new();
    writer.start("ds:SignedInfo").attribute("xmlns:ds", DSIG);
    empty(&mut writer, "ds:CanonicalizationMethod", EXC_C14N);
    empty(&mut writer, "ds:SignatureMethod", method);
    writer.start("ds:Reference").attribute("URI", &format!("#{id}")).start("ds:Transforms");
    empty(&mut writer, "ds:Transform", ENVELOPED);
    empty(&mut writer, "ds:Transform", EXC_C14N);
    writer.end();
    empty(&mut writer, "ds:DigestMethod", SHA256);
    writer.leaf("ds:DigestValue", &BASE64_STANDARD.encode(digest));
    writer.finish()
}

/// An element without content in canonical form, which has an end tag.
fn empty(writer: &mut Writer, name: &'static str, algorithm: &str) {
    writer.start(name).attribute("Algorithm", algorithm).text("").end();
}
