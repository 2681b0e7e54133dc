use crate::SignedXml;

/// A document that a [`Writer`] finished: well-formed, by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(String);

impl Written {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, to keep.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Writes one XML document in memory. Names are literals of the program; what is not is text or
/// an attribute value, and is escaped. End tags cannot be forgotten or crossed.
///
/// The output has no white space between elements and no declaration.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    open: Vec<&'static str>,
    in_tag: bool,
}

impl Writer {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens an element with this qualified name.
    pub fn start(&mut self, name: &'static str) -> &mut Self {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// Adds an attribute or a namespace declaration to the tag just opened.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        if self.in_tag {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(&mut self.out, value, true);
            self.out.push('"');
        }
        self
    }

    /// Adds the attribute when there is a value.
    pub fn optional(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.attribute(name, value);
        }
        self
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.close_tag();
        escape(&mut self.out, text, false);
        self
    }

    /// Adds a document that is signed already, as a child. Exclusive C14N keeps its signature good.
    pub fn embed(&mut self, signed: &SignedXml) -> &mut Self {
        self.close_tag();
        self.out.push_str(signed.as_str());
        self
    }

    /// Adds a document that another writer finished, as a child.
    pub fn embed_own(&mut self, document: Written) -> &mut Self {
        self.close_tag();
        self.out.push_str(&document.0);
        self
    }

    /// Closes the innermost element.
    pub fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.in_tag {
                self.out.push_str("/>");
                self.in_tag = false;
            } else {
                self.out.push_str("</");
                self.out.push_str(name);
                self.out.push('>');
            }
        }
        self
    }

    /// An element with nothing but text.
    pub fn leaf(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.start(name).text(text).end()
    }

    /// Closes what is open and gives the document.
    pub fn finish(mut self) -> Written {
        while !self.open.is_empty() {
            self.end();
        }
        Written(self.out)
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }
}

/// Escapes as Canonical XML does. A character that XML 1.0 cannot carry becomes U+FFFD: it stands
/// for itself in no document, so nothing is lost that could have arrived.
fn escape(out: &mut String, value: &str, attribute: bool) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' if !attribute => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\n' if attribute => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Limits};

    #[test]
    fn what_is_written_is_read_back() {
        let nasty = "a<b>&\"'\t\r\n]]>\u{e4}\u{1f600}";
        let mut writer = Writer::new();
        writer.start("a:r").attribute("xmlns:a", "urn:a").attribute("v", nasty).leaf("a:t", nasty);
        let text = writer.finish();
        let root =
            Document::read(text.as_str().as_bytes(), &Limits::default()).unwrap().into_unsigned().unwrap();
        assert!(root.name.is("urn:a", "r"));
        assert_eq!(root.attribute("v"), Some(nasty));
        assert_eq!(root.elements().next().unwrap().text().as_deref(), Some(nasty));
    }

    #[test]
    fn markup_cannot_be_smuggled_in() {
        let mut writer = Writer::new();
        writer.start("r").attribute("v", "\"/><evil/>").text("</r><evil/>\u{1}");
        assert_eq!(
            writer.finish().as_str(),
            "<r v=\"&quot;/>&lt;evil/>\">&lt;/r&gt;&lt;evil/&gt;\u{fffd}</r>"
        );
    }
}
