use std::collections::BTreeSet;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use uppsala::{NodeId, NodeKind, Parser};

use crate::scan::{Author, scan};
use crate::signature::{DSIG, ID, Place, SignedParts, Trust, Verified, verify, verify_parts};
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
    /// `xml.namespace.too-long`, `xml.namespaces.too-many`, `xml.name.unsupported`,
    /// `xml.id.duplicate`.
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

    /// Whether the root has a child of that name.
    pub fn has_child(&self, namespace: &str, local: &str) -> bool {
        self.tree.first_child_element_by_name_ns(self.root, namespace, local).is_some()
    }

    /// How many elements of that name stand anywhere in the document.
    pub fn count(&self, namespace: &str, local: &str) -> usize {
        self.tree.get_elements_by_tag_name_ns(namespace, local).len()
    }

    /// The same document, seen from the root's only child element: what an envelope carries. None
    /// when the root has attributes, text, or another number of child elements. A signature anywhere
    /// in the document is still a signature of this one.
    pub fn into_only_child(self) -> Option<Self> {
        let is_bare = self.tree.element(self.root)?.attributes.is_empty();
        let mut only = None;
        for child in self.tree.children_iter(self.root) {
            match self.tree.node_kind(child)? {
                NodeKind::Element(_) if only.is_none() => only = Some(child),
                NodeKind::Text(text) if is_white_space(text) => {}
                _ => return None,
            }
        }
        only.filter(|_| is_bare).map(|root| Self { root, ..self })
    }

    /// The same document, seen from the element at the end of a path of names, each of which has one child of
    /// the next name, and others beside it. None when one of them has none, or several. A signature anywhere
    /// in the document is still a signature of this one.
    pub fn into_descendant(self, path: &[(&str, &str)]) -> Option<Self> {
        let mut root = self.root;
        for (namespace, local) in path {
            let is_named = |child: &NodeId| {
                self.tree.element(*child).is_some_and(|element| element.matches_name_ns(namespace, local))
            };
            let mut named = self.tree.children_iter(root).filter(is_named);
            let only = named.next()?;
            if named.next().is_some() {
                return None;
            }
            root = only;
        }
        Some(Self { root, ..self })
    }

    /// An attribute of the root in no namespace, as the sender claims it: as [`Self::claimed_child_text`].
    pub fn claimed_attribute(&self, local: &str) -> Option<String> {
        Element::copy(&self.tree, self.root)?.attribute(local).map(str::to_owned)
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
        self.verify_by(ID, place, trust, verifier)
    }

    /// The same of an element whose identifier is in another attribute than `ID`, such as the `AssertionID` of
    /// SAML 1.1. It is the only attribute that the signature's Reference can name.
    ///
    /// # Errors
    /// As [`Document::verify`].
    pub fn verify_by(
        self,
        id_attribute: &str,
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
        verify(&self.tree, self.root, id_attribute, place, trust, verifier, &self.limits)
    }

    /// Verifies a document that is signed as a whole, or in each of its parts, or both. Parts are the
    /// root's children of that name. Every signature in the document is one of these, and is verified:
    /// there is no element of that name, and no signature, in any other place.
    ///
    /// # Errors
    /// `xml.signature.missing` when neither the root nor every part is signed, `xml.signature.misplaced`,
    /// and those of [`Verified`].
    pub fn verify_parts(
        self,
        part: (&str, &str),
        place: Place<'_>,
        trust: &Trust<'_>,
        verifier: &dyn Verifier,
    ) -> Result<SignedParts, Refusal> {
        verify_parts(&self.tree, self.root, part, place, trust, verifier, &self.limits)
    }
}

fn is_white_space(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
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
            let is_id = ID_ATTRIBUTES.iter().any(|name| attribute.name.local_name.eq_ignore_ascii_case(name));
            if is_id && !seen.insert(attribute.value.as_ref()) {
                return Err(Refusal::misbehaved("xml.id.duplicate")
                    .at(&attribute.name.local_name)
                    .expected("an identifier that stands once in the document")
                    .found(&attribute.value));
            }
        }
    }
    Ok(())
}

/// SAML 2.0, XML-DSig and WS-Security; SAML 1.1.
const ID_ATTRIBUTES: [&str; 4] = ["id", "AssertionID", "ResponseID", "RequestID"];

fn no_root() -> Refusal {
    Refusal::misbehaved("xml.malformed").expected("one root element")
}
