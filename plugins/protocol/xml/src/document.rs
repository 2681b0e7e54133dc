use std::collections::BTreeSet;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use uppsala::{NodeId, Parser};

use crate::scan::{Author, scan};
use crate::signature::{DSIG, Place, Trust, Verified, verify};
use crate::{Element, Limits};

/// What a peer sent, well-formed and within its limits, but not to be believed.
///
/// It tells its root's name and whether it is signed. Its content is had by
/// [`Document::into_unsigned`] or [`Document::verify`] only.
pub struct Document<'a> {
    tree: uppsala::Document<'a>,
    root: NodeId,
    limits: Limits,
    signatures: usize,
}

impl<'a> Document<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// `xml.too-large`, `xml.encoding.not-utf8`, `xml.encoding.unsupported`, `xml.encoding.bom`,
    /// `xml.version.unsupported`, `xml.dtd`, `xml.comment`, `xml.cdata`, `xml.processing-instruction`, `xml.depth.exceeded`,
    /// `xml.elements.too-many`, `xml.attributes.too-many`, `xml.malformed`,
    /// `xml.namespace.too-long`, `xml.id.duplicate`.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let tree = parse(bytes, limits, Author::Peer)?;
        Self::new(tree, limits)
    }

    fn new(tree: uppsala::Document<'a>, limits: &Limits) -> Result<Self, Refusal> {
        let root = tree.document_element().ok_or_else(no_root)?;
        check_ids(&tree, root)?;
        let signatures = tree.get_elements_by_tag_name_ns(DSIG, "Signature").len();
        Ok(Self { tree, root, limits: *limits, signatures })
    }

    /// Whether the root is an element of that name.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.tree.element(self.root).is_some_and(|root| root.matches_name_ns(namespace, local))
    }

    /// The local name of the root, for a refusal.
    pub fn root_name(&self) -> String {
        self.tree.element(self.root).map(|root| root.name.local_name.to_string()).unwrap_or_default()
    }

    /// Whether a signature stands anywhere in the document.
    pub fn is_signed(&self) -> bool {
        self.signatures > 0
    }

    /// The text of the first child of that name, as the sender claims it. Only to choose the keys
    /// to verify with: compare it afterwards with what was verified.
    pub fn claimed_child_text(&self, namespace: &str, local: &str) -> Option<String> {
        let child = self.tree.first_child_element_by_name_ns(self.root, namespace, local)?;
        Element::copy(&self.tree, child)?.text()
    }

    /// The content of a document that carries no signature.
    ///
    /// # Errors
    /// `xml.signature.unexpected` when it does carry one.
    pub fn into_unsigned(self) -> Result<Element, Refusal> {
        if self.is_signed() {
            return Err(Refusal::misbehaved("xml.signature.unexpected")
                .at("Signature")
                .expected("no signature inside of the message"));
        }
        Element::copy(&self.tree, self.root).ok_or_else(no_root)
    }

    /// Verifies the signature over the root element and answers with what it covers, read again
    /// from the canonical bytes that were digested.
    ///
    /// # Errors
    /// See the list of `xml.signature.*` and `xml.digest.*` codes of [`Verified`].
    pub fn verify(
        self,
        place: Place<'_>,
        trust: &Trust<'_>,
        verifier: &dyn Verifier,
    ) -> Result<Verified, Refusal> {
        if self.signatures > 1 {
            return Err(Refusal::misbehaved("xml.signature.several")
                .at("Signature")
                .expected("one signature")
                .found(&self.signatures.to_string()));
        }
        verify(&self.tree, self.root, place, trust, verifier, &self.limits)
    }
}

/// Reads a file that the operator hands in, such as a peer's metadata. Comments and processing
/// instructions are skipped; a signature is not looked at, since it is the operator's word that
/// makes the file good.
///
/// # Errors
/// Those of [`Document::read`] but `xml.comment` and `xml.processing-instruction`.
pub fn read_operators_file(bytes: &[u8], limits: &Limits) -> Result<Element, Refusal> {
    let tree = parse(bytes, limits, Author::Operator)?;
    let root = tree.document_element().ok_or_else(no_root)?;
    check_ids(&tree, root)?;
    Element::copy(&tree, root).ok_or_else(no_root)
}

/// Parses without a check for who may see it: the callers are this crate's.
pub(crate) fn parse<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    author: Author,
) -> Result<uppsala::Document<'a>, Refusal> {
    if bytes.len() > limits.max_bytes {
        return Err(Refusal::misbehaved("xml.too-large")
            .expected(&format!("{} bytes at most", limits.max_bytes))
            .found(&bytes.len().to_string()));
    }
    let text = core::str::from_utf8(bytes)
        .map_err(|_| Refusal::misbehaved("xml.encoding.not-utf8").expected("UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(Refusal::misbehaved("xml.encoding.bom").expected("UTF-8 without a byte order mark"));
    }
    scan(text, limits, author)?;
    let depth = u32::try_from(limits.max_depth).unwrap_or(u32::MAX);
    Parser::new().with_forbid_dtd(true).with_forbid_entities(true).with_max_depth(depth).parse(text).map_err(
        |error| Refusal::misbehaved("xml.malformed").expected("well-formed XML").found(&error.to_string()),
    )
}

/// Every identifier stands once in the document, in whatever attribute a verifier may look for it.
fn check_ids(tree: &uppsala::Document<'_>, root: NodeId) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for id in core::iter::once(root).chain(tree.descendants(root)) {
        let Some(element) = tree.element(id) else { continue };
        for attribute in &element.attributes {
            if attribute.name.local_name.eq_ignore_ascii_case("id") && !seen.insert(attribute.value.as_ref())
            {
                return Err(Refusal::misbehaved("xml.id.duplicate")
                    .at(&attribute.name.local_name)
                    .expected("an identifier that stands once in the document")
                    .found(&attribute.value));
            }
        }
    }
    Ok(())
}

fn no_root() -> Refusal {
    Refusal::misbehaved("xml.malformed").expected("one root element")
}
