//! The XML declaration (XML 1.0 section 2.8), read by its grammar.
use postern_refusal::Refusal;

use crate::scan::malformed;

const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What follows the XML declaration, if there is one.
///
/// It says version 1.0, no encoding or UTF-8 (in any case, section 4.3.3), and standalone `yes` or
/// `no`: each at most once, in this order. XML 1.1 has other line ends and control characters; a
/// reader that takes it up would see another document.
///
/// # Errors
/// `xml.version.unsupported`, `xml.encoding.unsupported`, `xml.malformed`.
pub(crate) fn without_declaration(text: &str) -> Result<&str, Refusal> {
    let declaration = text.strip_prefix("<?xml");
    // `<?xml-stylesheet` is no declaration.
    let declaration = declaration.filter(|rest| rest.starts_with(WHITE_SPACE) || rest.starts_with('?'));
    let Some(declaration) = declaration else { return Ok(text) };
    let (declaration, rest) =
        declaration.split_once("?>").ok_or_else(|| malformed("an XML declaration that ends"))?;
    let (version, left) =
        pseudo_attribute(declaration, "version")?.ok_or_else(|| malformed("the version of XML"))?;
    if version != "1.0" {
        return Err(Refusal::misbehaved("xml.version.unsupported")
            .at("XML declaration")
            .expected("1.0")
            .found(version));
    }
    let left = match pseudo_attribute(left, "encoding")? {
        Some((encoding, left)) if encoding.eq_ignore_ascii_case("utf-8") => left,
        Some((encoding, _)) => {
            return Err(Refusal::misbehaved("xml.encoding.unsupported")
                .at("XML declaration")
                .expected("UTF-8")
                .found(encoding));
        }
        None => left,
    };
    let left = match pseudo_attribute(left, "standalone")? {
        Some(("yes" | "no", left)) => left,
        Some(_) => return Err(malformed("standalone yes or no")),
        None => left,
    };
    if !left.trim_matches(WHITE_SPACE).is_empty() {
        return Err(malformed("an XML declaration of version, encoding and standalone, in this order"));
    }
    Ok(rest)
}

/// White space, the name, `=` and a quoted value: the value and what follows it. None when another
/// name comes.
fn pseudo_attribute<'a>(text: &'a str, name: &str) -> Result<Option<(&'a str, &'a str)>, Refusal> {
    let wrong = || malformed("an XML declaration by its grammar");
    let trimmed = text.trim_start_matches(WHITE_SPACE);
    let Some(after) = trimmed.strip_prefix(name) else { return Ok(None) };
    if trimmed.len() == text.len() {
        return Err(wrong());
    }
    let after = after.trim_start_matches(WHITE_SPACE).strip_prefix('=').ok_or_else(wrong)?;
    let after = after.trim_start_matches(WHITE_SPACE);
    let quote = after.chars().next().filter(|first| matches!(first, '"' | '\'')).ok_or_else(wrong)?;
    let value = after.strip_prefix(quote).and_then(|rest| rest.split_once(quote));
    value.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        match without_declaration(text) {
            Ok("<a/>") => "accepted",
            Ok(other) => panic!("{text} leaves {other}"),
            Err(refusal) => refusal.code,
        }
    }

    #[test]
    fn what_the_grammar_has_is_accepted() {
        for declaration in [
            "",
            "<?xml version='1.0'?>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<?xml version = '1.0'\r\n\tencoding = \"utf-8\" ?>",
            "<?xml version='1.0' encoding='Utf-8' standalone='yes'?>",
            "<?xml version='1.0' standalone=\"no\" ?>",
        ] {
            assert_eq!(code(&format!("{declaration}<a/>")), "accepted", "{declaration}");
        }
    }

    #[test]
    fn everything_else_has_its_reason() {
        for (declaration, expected) in [
            ("<?xml version='1.1'?>", "xml.version.unsupported"),
            ("<?xml version='1.00'?>", "xml.version.unsupported"),
            ("<?xml version=''?>", "xml.version.unsupported"),
            ("<?xml version='1.1' encoding='UTF-16'?>", "xml.version.unsupported"),
            ("<?xml version='1.0' encoding='utf-8-evil'?>", "xml.encoding.unsupported"),
            ("<?xml version='1.0' encoding='UTF8'?>", "xml.encoding.unsupported"),
            ("<?xml version='1.0' encoding=' UTF-8'?>", "xml.encoding.unsupported"),
            ("<?xml version='1.0' encoding='UTF-16'?>", "xml.encoding.unsupported"),
            ("<?xml version='1.0' encoding='UTF-7'?>", "xml.encoding.unsupported"),
            ("<?xml version='1.0' encoding=''?>", "xml.encoding.unsupported"),
            ("<?xml version='1.0' standalone='YES'?>", "xml.malformed"),
            ("<?xml version='1.0' standalone='maybe'?>", "xml.malformed"),
            ("<?xml version='1.0' standalone='yes' encoding='UTF-7'?>", "xml.malformed"),
            ("<?xml version='1.0' encoding='UTF-8' encoding='UTF-7'?>", "xml.malformed"),
            ("<?xml version='1.0'encoding='UTF-7'?>", "xml.malformed"),
            ("<?xml version='1.0' version='1.0'?>", "xml.malformed"),
            ("<?xml version='1.0\"?>", "xml.malformed"),
            ("<?xml version=1.0?>", "xml.malformed"),
            ("<?xml version '1.0'?>", "xml.malformed"),
            ("<?xml version='1.0' Encoding='UTF-7'?>", "xml.malformed"),
            ("<?xml version='1.0' encoding='UTF-8' x='y'?>", "xml.malformed"),
            ("<?xml encoding='UTF-8'?>", "xml.malformed"),
            ("<?xml ?>", "xml.malformed"),
            ("<?xml?>", "xml.malformed"),
            ("<?xml version='1.0'>", "xml.malformed"),
        ] {
            assert_eq!(code(&format!("{declaration}<a/>")), expected, "{declaration}");
        }
        assert_eq!(without_declaration("<?xml-stylesheet?><a/>").unwrap(), "<?xml-stylesheet?><a/>");
    }
}
