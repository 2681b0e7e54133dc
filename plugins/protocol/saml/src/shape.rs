//! What of a message the schema has: attributes and children by name, nothing else.
use postern_refusal::Refusal;
use postern_xml::Element;

/// The parts that an element may have.
pub(crate) struct Shape<'s> {
    /// Reason codes for an attribute, a child and text that are not the schema's.
    pub(crate) codes: [&'static str; 3],
    /// Attributes, in no namespace.
    pub(crate) attributes: &'s [&'s str],
    /// Children in the schema's order: namespace, local name, and how many there may be.
    pub(crate) children: &'s [(&'s str, &'s str, usize)],
    /// Children that may follow those in any order and number.
    pub(crate) then: &'s [(&'s str, &'s str)],
}

impl Shape<'_> {
    pub(crate) fn check(&self, element: &Element) -> Result<(), Refusal> {
        let at = element.name.local.as_str();
        let [attribute_code, child_code, text_code] = self.codes;
        let wrong = |code, expected: &str| Refusal::misbehaved(code).at(at).expected(expected);
        let known = |name: &postern_xml::Name| {
            name.namespace.is_empty() && self.attributes.contains(&name.local.as_str())
        };
        if let Some(unknown) = element.attributes.iter().find(|attribute| !known(&attribute.name)) {
            return Err(wrong(attribute_code, "an attribute of the schema").found(&unknown.name.local));
        }
        if element.is_mixed() {
            return Err(wrong(text_code, "no text"));
        }
        let mut left = self.children.iter().copied().peekable();
        for child in element.elements() {
            while left
                .next_if(|(namespace, local, most)| !child.name.is(namespace, local) || *most == 0)
                .is_some()
            {}
            match left.peek_mut() {
                Some((_, _, most)) => *most = most.saturating_sub(1),
                None if self.then.iter().any(|(namespace, local)| child.name.is(namespace, local)) => {}
                None => {
                    let expected = "the children of the schema, in its order";
                    return Err(wrong(child_code, expected).found(&child.name.local));
                }
            }
        }
        Ok(())
    }
}
