//! Documents that are signed as a whole, in their parts, or both: a Response and its Assertions.
use postern_refusal::Refusal;
use postern_signature::Verifier;
use uppsala::{Document, NodeId};

use super::verify::{copy, verify};
use super::{DSIG, ID, Place, Trust};
use crate::element::Node;
use crate::{Element, Limits};

/// What of a document may be read whose parts are signed, or which is signed as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedParts {
    /// The root without its signature and without the parts. To be believed only when `is_whole`.
    pub frame: Element,
    /// Whether the root is signed, and with it everything.
    pub is_whole: bool,
    /// The parts without their signatures: each covered by its own, or by the root's.
    pub parts: Vec<Element>,
}

pub(crate) fn verify_parts(
    tree: &Document<'_>,
    root: NodeId,
    (namespace, local): (&str, &str),
    place: Place<'_>,
    trust: &Trust<'_>,
    verifier: &dyn Verifier,
    limits: &Limits,
) -> Result<SignedParts, Refusal> {
    let everywhere = tree.get_elements_by_tag_name_ns(namespace, local);
    if everywhere.iter().any(|part| tree.parent(*part) != Some(root)) {
        return Err(misplaced().at(local).expected("a child of the root"));
    }
    let mut signed = Vec::new();
    for signature in tree.get_elements_by_tag_name_ns(DSIG, "Signature") {
        let owner = tree.parent(signature).filter(|owner| *owner == root || everywhere.contains(owner));
        let owner = owner.ok_or_else(|| misplaced().at("Signature").expected("a child of what it signs"))?;
        if signed.contains(&owner) {
            return Err(Refusal::misbehaved("xml.signature.several")
                .at("Signature")
                .expected("one signature of one element"));
        }
        signed.push(owner);
    }
    let is_whole = signed.contains(&root);
    if !is_whole && (everywhere.is_empty() || signed.len() < everywhere.len()) {
        return Err(Refusal::misbehaved("xml.signature.missing")
            .at("Signature")
            .expected("a signature of the whole, or of each part"));
    }
    let mut parts = Vec::new();
    for part in everywhere.iter().filter(|part| signed.contains(part)) {
        parts.push(verify(tree, *part, ID, place, trust, verifier, limits)?.into_element());
    }
    let mut frame = if is_whole {
        let whole = verify(tree, root, ID, place, trust, verifier, limits)?.into_element();
        parts = whole.elements_named(namespace, local).cloned().map(without_signature).collect();
        whole
    } else {
        copy(tree, root)?
    };
    frame.children.retain(|child| !matches!(child, Node::Element(child) if child.name.is(namespace, local)));
    Ok(SignedParts { frame, is_whole, parts })
}

/// Its signature was verified before, and stands nowhere else in it.
fn without_signature(mut part: Element) -> Element {
    part.children.retain(|child| !matches!(child, Node::Element(child) if child.name.is(DSIG, "Signature")));
    part
}

fn misplaced() -> Refusal {
    Refusal::misbehaved("xml.signature.misplaced")
}
