//! One pass over the text before the parser sees it.
//!
//! Without DTD, comments, CDATA sections and processing instructions, `<` always opens a tag and
//! quotes inside of tags always delimit attribute values, so that depth and counts can be had
//! without a parser, and every construct that is not wanted has its own reason code.
use postern_refusal::Refusal;

use crate::Limits;
use crate::declaration::without_declaration;

/// Who wrote the document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// A peer: no comments, no processing instructions.
    Peer,
    /// The operator, who hands in a file: comments and processing instructions are skipped.
    Operator,
}

/// Refuses unwanted constructs and whatever is beyond the limits.
pub(crate) fn scan(text: &str, limits: &Limits, author: Author) -> Result<(), Refusal> {
    let mut depth = 0_usize;
    let mut elements = 0_usize;
    // Namespaces that each open element declares, and all of them together.
    let mut declared = Vec::new();
    let mut in_scope = 0_usize;
    let mut rest = without_declaration(text)?;
    while let Some((_, tag)) = rest.split_once('<') {
        if tag.starts_with('!') || tag.starts_with('?') {
            rest = skip_construct(tag, author)?;
            continue;
        }
        let (inside, after) = tag_end(tag)?;
        rest = after;
        if inside.starts_with('/') {
            depth = depth.saturating_sub(1);
            in_scope = in_scope.saturating_sub(declared.pop().unwrap_or(0));
            continue;
        }
        check_names(inside)?;
        elements = elements.saturating_add(1);
        if elements > limits.max_elements {
            return Err(too_many("xml.elements.too-many", limits.max_elements));
        }
        if count_attributes(inside) > limits.max_attributes {
            return Err(too_many("xml.attributes.too-many", limits.max_attributes));
        }
        let namespaces = check_namespaces(inside, limits)?;
        if in_scope.saturating_add(namespaces) > limits.max_namespaces {
            return Err(too_many("xml.namespaces.too-many", limits.max_namespaces));
        }
        if depth.saturating_add(1) > limits.max_depth {
            return Err(too_many("xml.depth.exceeded", limits.max_depth));
        }
        if !inside.ends_with('/') {
            depth = depth.saturating_add(1);
            declared.push(namespaces);
            in_scope = in_scope.saturating_add(namespaces);
        }
    }
    Ok(())
}

fn skip_construct(tag: &str, author: Author) -> Result<&str, Refusal> {
    let refuse = |code, what: &str| {
        Err(Refusal::misbehaved(code).expected(&format!("a document without {what}")).found(tag))
    };
    let (code, what, end) = if tag.starts_with("!--") {
        ("xml.comment", "comments", "-->")
    } else if tag.starts_with("![CDATA[") {
        return refuse("xml.cdata", "CDATA sections");
    } else if tag.starts_with('!') {
        return refuse("xml.dtd", "a document type declaration");
    } else {
        ("xml.processing-instruction", "processing instructions", "?>")
    };
    match author {
        Author::Peer => refuse(code, what),
        Author::Operator => {
            tag.split_once(end).map(|(_, rest)| rest).ok_or_else(|| malformed("markup that ends"))
        }
    }
}

/// Splits at the `>` that ends the tag: the first outside of quotes.
fn tag_end(tag: &str) -> Result<(&str, &str), Refusal> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (byte, quote) {
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if open == byte => quote = None,
            (b'>', None) => {
                let (inside, rest) = tag.split_at_checked(at).unwrap_or((tag, ""));
                return Ok((inside, rest.strip_prefix('>').unwrap_or(rest)));
            }
            _ => {}
        }
    }
    Err(malformed("a tag that ends"))
}

/// Attributes of a tag: each has one `=` outside of quotes.
fn count_attributes(inside: &str) -> usize {
    let mut quote = None;
    let mut count = 0_usize;
    for byte in inside.bytes() {
        match (byte, quote) {
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if open == byte => quote = None,
            (b'=', None) => count = count.saturating_add(1),
            _ => {}
        }
    }
    count
}

/// Refuses names that parsers differ in: beyond ASCII, where the editions of XML 1.0 do, and with a colon
/// that parts no two names (namespaces in XML 1.0 section 4), which the parser takes. No peer has any.
fn check_names(inside: &str) -> Result<(), Refusal> {
    let wrong = |found: &str| {
        Err(Refusal::misbehaved("xml.name.unsupported")
            .expected("ASCII, with a prefix or without")
            .found(found))
    };
    let mut quote = None;
    // What came before in the name, and whether there was a colon.
    let (mut before, mut parted) = (None, false);
    for byte in inside.bytes() {
        match (byte, quote) {
            (_, Some(open)) if open == byte => quote = None,
            (_, Some(_)) => {}
            (b' ' | b'\t' | b'\r' | b'\n' | b'=' | b'/' | b'"' | b'\'', None) => {
                if before == Some(b':') {
                    return wrong(inside);
                }
                (before, parted) = (None, false);
                quote = matches!(byte, b'"' | b'\'').then_some(byte);
            }
            (b':', None) if before.is_none() || parted => return wrong(inside),
            (_, None) => {
                let begins = byte.is_ascii_alphabetic() || byte == b'_';
                if !byte.is_ascii() || (before == Some(b':') && !begins) {
                    return wrong(inside);
                }
                parted |= byte == b':';
                before = Some(byte);
            }
        }
    }
    if before == Some(b':') { wrong(inside) } else { Ok(()) }
}

/// Bounds the namespaces that a tag declares, and refuses to take a prefix back, which namespaces
/// in XML 1.0 do not allow (section 5) and the parser does. What is not name, `=` and quoted value
/// is left to the parser, which refuses it right there. Tells how many there are.
fn check_namespaces(inside: &str, limits: &Limits) -> Result<usize, Refusal> {
    let mut declared = 0_usize;
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else { break };
        let mut parts = after.splitn(3, quote).skip(1);
        let (Some(value), Some(following)) = (parts.next(), parts.next()) else { break };
        let name = before.split_whitespace().next_back().unwrap_or_default();
        if name.starts_with("xmlns") && value.len() > limits.max_namespace {
            return Err(too_many("xml.namespace.too-long", limits.max_namespace).at(name));
        }
        if name.starts_with("xmlns:") && value.is_empty() {
            return Err(malformed("a namespace for each prefix").at(name));
        }
        if name == "xmlns" || name.starts_with("xmlns:") {
            declared = declared.saturating_add(1);
        }
        rest = following;
    }
    Ok(declared)
}

fn too_many(code: &'static str, limit: usize) -> Refusal {
    Refusal::misbehaved(code).expected(&format!("{limit} at most"))
}

pub(crate) fn malformed(expected: &str) -> Refusal {
    Refusal::misbehaved("xml.malformed").expected(expected)
}
