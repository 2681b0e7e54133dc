use uppsala::{NodeId, NodeKind};

/// An expanded name: namespace and local part. The prefix has no meaning and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Namespace, empty when there is none.
    pub namespace: String,
    /// Local part.
    pub local: String,
}

impl Name {
    /// Whether this is that name.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }
}

/// An attribute with its normalised value. Namespace declarations are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Expanded name.
    pub name: Name,
    /// Value.
    pub value: String,
}

/// A child of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text.
    Text(String),
}

/// An element that may be trusted as far as the way it was come by says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Expanded name.
    pub name: Name,
    /// Attributes in document order.
    pub attributes: Vec<Attribute>,
    /// Children in document order.
    pub children: Vec<Node>,
}

impl Element {
    /// The value of the attribute of that name without a namespace.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.is("", local))
            .map(|attribute| attribute.value.as_str())
    }

    /// Child elements in order.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Child elements of that name in order.
    pub fn elements_named<'e>(
        &'e self,
        namespace: &'e str,
        local: &'e str,
    ) -> impl Iterator<Item = &'e Self> {
        self.elements().filter(move |child| child.name.is(namespace, local))
    }

    /// The text of an element that has no child elements: all of it. None when it has any.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        for child in &self.children {
            match child {
                Node::Text(part) => text.push_str(part),
                Node::Element(_) => return None,
            }
        }
        Some(text)
    }

    /// Whether there is text other than white space between the child elements.
    pub fn is_mixed(&self) -> bool {
        self.elements().next().is_some()
            && self.children.iter().any(|child| match child {
                Node::Text(text) => !text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n')),
                Node::Element(_) => false,
            })
    }

    /// Copies an element out of the parser's tree. Depth is bounded by the limits.
    pub(crate) fn copy(tree: &uppsala::Document<'_>, id: NodeId) -> Option<Self> {
        let source = tree.element(id)?;
        let attributes = source
            .attributes
            .iter()
            .map(|attribute| Attribute { name: name(&attribute.name), value: attribute.value.to_string() })
            .collect();
        let mut children = Vec::new();
        for child in tree.children_iter(id) {
            match tree.node_kind(child)? {
                NodeKind::Element(_) => children.push(Node::Element(Self::copy(tree, child)?)),
                NodeKind::Text(text) => children.push(Node::Text(text.to_string())),
                // Only in an operator's file: the scan has refused them in a peer's message.
                NodeKind::Comment(_) | NodeKind::ProcessingInstruction(_) => {}
                NodeKind::CData(_) | NodeKind::Document | NodeKind::Attribute(..) => return None,
            }
        }
        Some(Self { name: name(&source.name), attributes, children })
    }
}

fn name(name: &uppsala::QName<'_>) -> Name {
    Name {
        namespace: name.namespace_uri.as_deref().unwrap_or_default().to_owned(),
        local: name.local_name.to_string(),
    }
}
