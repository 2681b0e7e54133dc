use bergshamra_c14n::{C14nMode, C14nSink, canonicalize_doc_to};
use bergshamra_xml::NodeSet;
use postern_refusal::Refusal;
use uppsala::{Document, NodeId};

/// Exclusive C14N of the element, without the subtree of `except`, in `max_bytes` at most.
///
/// The bound matters before any signature is checked: a namespace declared once and used by many
/// siblings is written out at each of them, so that 64 KiB can grow to tens of megabytes.
///
/// # Errors
/// `xml.signature.too-large` when the canonical form is longer. `xml.signature.c14n`, ours: the
/// canonicaliser gives up for a broken tree only, and the parser makes none.
pub(crate) fn canonical(
    tree: &Document<'_>,
    element: NodeId,
    except: Option<NodeId>,
    prefixes: &[String],
    max_bytes: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut nodes = NodeSet::tree_without_comments(element, tree);
    if let Some(except) = except {
        nodes = nodes.subtract(&NodeSet::tree_with_comments(except, tree));
    }
    let mut sink = Bounded { bytes: Vec::new(), max_bytes, is_full: false };
    canonicalize_doc_to(tree, C14nMode::Exclusive, Some(&nodes), prefixes, &mut sink)
        .map_err(|error| Refusal::internal("xml.signature.c14n").found(&error.to_string()))?;
    if sink.is_full {
        return Err(Refusal::misbehaved("xml.signature.too-large")
            .expected(&format!("a canonical form of {max_bytes} bytes at most")));
    }
    Ok(sink.bytes)
}

/// Takes bytes up to a bound and drops the rest.
struct Bounded {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_full: bool,
}

impl C14nSink for Bounded {
    fn write(&mut self, bytes: &[u8]) {
        let fits = self.bytes.len().saturating_add(bytes.len()) <= self.max_bytes;
        if fits && !self.is_full {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.is_full = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_bounded() {
        let text = format!("<a xmlns:p=\"urn:{}\">{}</a>", "u".repeat(200), "<p:b/>".repeat(100));
        let tree = uppsala::parse(&text).unwrap();
        let root = tree.document_element().unwrap();
        let whole = canonical(&tree, root, None, &[], usize::MAX).unwrap();
        // The namespace stands at each of the children.
        assert!(whole.len() > 100 * 200);
        assert_eq!(canonical(&tree, root, None, &[], whole.len()).unwrap(), whole);
        let refusal = canonical(&tree, root, None, &[], whole.len() - 1).unwrap_err();
        assert_eq!(refusal.code, "xml.signature.too-large");
    }
}
