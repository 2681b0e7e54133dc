use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use postern_refusal::Refusal;
use uppsala::{Document, NodeId};

/// Exclusive C14N of the element, without the subtree of `except`.
pub(crate) fn canonical(
    tree: &Document<'_>,
    element: NodeId,
    except: Option<NodeId>,
    prefixes: &[String],
) -> Result<Vec<u8>, Refusal> {
    let mut nodes = NodeSet::tree_without_comments(element, tree);
    if let Some(except) = except {
        nodes = nodes.subtract(&NodeSet::tree_with_comments(except, tree));
    }
    canonicalize_doc(tree, C14nMode::Exclusive, Some(&nodes), prefixes)
        .map_err(|error| Refusal::misbehaved("xml.signature.c14n").found(&error.to_string()))
}
