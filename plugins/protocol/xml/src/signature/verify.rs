use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use uppsala::{Document, NodeId};

use super::canonical::canonical;
use super::key_info::check_key_info;
use super::methods::{digest, method_for};
use super::structure::{Reference, reference, signature_parts};
use super::{DSIG, plain_id};
use crate::document::parse;
use crate::scan::Author;
use crate::{Element, Limits};

/// Where the signature has to stand among the children of what it signs.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// The first child.
    First,
    /// The last child (SAML 1.1).
    Last,
    /// Right after the child of this name, which is the first.
    After {
        /// Namespace.
        namespace: &'a str,
        /// Local name.
        local: &'a str,
    },
}

/// What the caller trusts: the peer's keys, from its registration, and the allowlist.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// Keys of the peer: any of them will do.
    pub keys: &'a [PublicKey],
    /// Signature algorithms that are accepted.
    pub algorithms: &'a [Algorithm],
}

/// What a good signature covers, read again from the canonical bytes that were digested.
///
/// Making one may be refused with `xml.signature.missing`, `.several`, `.misplaced`,
/// `.structure`, `.base64`, `.sha1`, `.algorithm.unknown`, `.algorithm.not-allowed`, `.no-key`,
/// `.mismatch`, `.references`, `.reference.foreign`, `.transforms`, `.prefixes`, `.c14n`,
/// `.c14n.unsupported`, `.too-large`, `.key-info` (all of them `xml.signature.…`), `xml.id.missing`,
/// `xml.digest.sha1`, `xml.digest.algorithm.unknown`, `xml.digest.mismatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    element: Element,
    algorithm: Algorithm,
}

impl Verified {
    /// The signed element without its signature.
    pub fn element(&self) -> &Element {
        &self.element
    }

    /// The same, to keep.
    pub fn into_element(self) -> Element {
        self.element
    }

    /// How it was signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

pub(crate) fn verify(
    tree: &Document<'_>,
    root: NodeId,
    id_attribute: &str,
    place: Place<'_>,
    trust: &Trust<'_>,
    verifier: &dyn Verifier,
    limits: &Limits,
) -> Result<Verified, Refusal> {
    let signature = find_signature(tree, root, place)?;
    let id = plain_id(tree, root, id_attribute).filter(|id| !id.is_empty()).ok_or_else(|| {
        Refusal::misbehaved("xml.id.missing")
            .at(id_attribute)
            .expected("the identifier that the signature names")
    })?;
    let whole = copy(tree, signature)?;
    let parts = signature_parts(&whole)?;
    let algorithm = method_for(&parts.method, trust.algorithms)?;

    let signed_info = tree
        .first_child_element_by_name_ns(signature, DSIG, "SignedInfo")
        .ok_or_else(|| Refusal::misbehaved("xml.signature.structure").expected("SignedInfo"))?;
    // Its shape first: canonical XML repeats a namespace on every element that uses it, so that a
    // SignedInfo of any shape could be made to cost a thousand times its size. This shape has a
    // dozen elements. What is read here is dropped; it is read again below.
    reference(&copy(tree, signed_info)?)?;
    let signed_info = canonical(tree, signed_info, None, &parts.prefixes, limits.max_canonical())?;
    check_signature(algorithm, trust.keys, &signed_info, &parts.value, verifier)?;

    // From here on only what the signature covers is read.
    let reference = reference(&read_again(&signed_info, limits)?)?;
    if reference.uri.strip_prefix('#') != Some(id) {
        return Err(Refusal::misbehaved("xml.signature.reference.foreign")
            .at("Reference")
            .expected(&format!("#{id}"))
            .found(&reference.uri));
    }
    let covered = canonical(tree, root, Some(signature), &reference.prefixes, limits.max_canonical())?;
    check_digest(&reference, &covered)?;
    check_key_info(&whole)?;
    Ok(Verified { element: read_again(&covered, limits)?, algorithm })
}

/// The signature among the root's children, at the place where the schema has it.
fn find_signature(tree: &Document<'_>, root: NodeId, place: Place<'_>) -> Result<NodeId, Refusal> {
    if tree.get_elements_by_tag_name_ns(DSIG, "Signature").is_empty() {
        return Err(Refusal::misbehaved("xml.signature.missing").at("Signature").expected("a signature"));
    }
    let mut children = tree.children_iter(root).filter(|child| tree.element(*child).is_some());
    let is = |child: NodeId, namespace: &str, local: &str| {
        tree.element(child).is_some_and(|element| element.matches_name_ns(namespace, local))
    };
    let candidate = match place {
        Place::First => children.next(),
        Place::Last => children.next_back(),
        Place::After { namespace, local } => {
            let first = children.next().filter(|child| is(*child, namespace, local));
            first.and_then(|_| children.next())
        }
    };
    candidate.filter(|child| is(*child, DSIG, "Signature")).ok_or_else(|| {
        Refusal::misbehaved("xml.signature.misplaced").at("Signature").expected(match place {
            Place::First => "the first child of what it signs",
            Place::Last => "the last child of what it signs",
            Place::After { .. } => "a child of what it signs, right after the Issuer",
        })
    })
}

fn check_signature(
    algorithm: Algorithm,
    keys: &[PublicKey],
    message: &[u8],
    signature: &[u8],
    verifier: &dyn Verifier,
) -> Result<(), Refusal> {
    let mut fitting = false;
    for key in keys {
        match verifier.verify(algorithm, key, message, signature) {
            Ok(()) => return Ok(()),
            Err(VerifyError::Mismatch) => fitting = true,
            Err(VerifyError::UnfitKey) => {}
        }
    }
    if fitting {
        Err(Refusal::misbehaved("xml.signature.mismatch")
            .at("SignatureValue")
            .expected("a signature by a registered key"))
    } else {
        Err(Refusal::configuration("xml.signature.no-key")
            .with_status(400)
            .at("Signature")
            .expected("a registered key that fits the algorithm")
            .found(algorithm.jwa_name()))
    }
}

fn check_digest(reference: &Reference, covered: &[u8]) -> Result<(), Refusal> {
    // Not secret: a comparison in constant time would gain nothing.
    if digest(&reference.digest_method, covered)? == reference.digest {
        Ok(())
    } else {
        Err(Refusal::misbehaved("xml.digest.mismatch").at("DigestValue").expected("the digest of what came"))
    }
}

/// Reads canonical bytes; the other limits hold again.
fn read_again(bytes: &[u8], limits: &Limits) -> Result<Element, Refusal> {
    let limits = Limits { max_bytes: limits.max_canonical(), ..*limits };
    let tree = parse(bytes, &limits, Author::Peer)?;
    let root = tree.document_element().ok_or_else(|| Refusal::internal("xml.malformed"))?;
    copy(&tree, root)
}

pub(super) fn copy(tree: &Document<'_>, id: NodeId) -> Result<Element, Refusal> {
    Element::copy(tree, id).ok_or_else(|| Refusal::misbehaved("xml.malformed").expected("elements and text"))
}
