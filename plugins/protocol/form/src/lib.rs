//! `application/x-www-form-urlencoded`, read strictly.
//!
//! Query strings and POST bodies of every protocol are read by [`Form::parse`]. What two readers
//! could read in two ways is refused: an encoded parameter name, a broken or needless escape of
//! the name, an empty name, NUL or bytes that are not UTF-8. Duplicates are kept and seen:
//! [`Form::single`] refuses them.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod companions;
mod continuation;

use postern_refusal::Refusal;

pub use companions::{Companions, Standing};
pub use continuation::{Continuation, ContinuationForm, disjoint};

/// Most parameters that a form may have.
pub const MAX_PARAMETERS: usize = 64;

/// The parameters of a query string or of a POST body, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form<'a> {
    parameters: Vec<Parameter<'a>>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The name. It is literal in the form: a name is never percent-encoded.
    pub name: &'a str,
    /// The value as it came, still percent-encoded: what a detached signature covers.
    pub raw: &'a str,
    /// The value, decoded.
    pub value: String,
}

impl<'a> Form<'a> {
    /// Reads a query string (without `?`) or a body.
    ///
    /// # Errors
    /// `form.not-ascii`, `form.too-many`, `form.name.encoded`, `form.name.empty`,
    /// `form.escape.broken`, `form.value.nul`, `form.value.not-utf8`.
    pub fn parse(encoded: &'a [u8]) -> Result<Self, Refusal> {
        let text = core::str::from_utf8(encoded)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| not_ascii(encoded))?;
        let mut parameters = Vec::new();
        if text.is_empty() {
            return Ok(Self { parameters });
        }
        for pair in text.split('&') {
            if parameters.len() >= MAX_PARAMETERS {
                return Err(Refusal::misbehaved("form.too-many").expected("64 parameters at most"));
            }
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            if name.is_empty() {
                return Err(Refusal::misbehaved("form.name.empty").expected("a parameter name"));
            }
            if name.bytes().any(|byte| byte == b'%' || byte == b'+') {
                return Err(Refusal::misbehaved("form.name.encoded")
                    .at(name)
                    .expected("a literal parameter name"));
            }
            parameters.push(Parameter { name, raw, value: decode(name, raw)? });
        }
        Ok(Self { parameters })
    }

    /// The parameters in order.
    pub fn parameters(&self) -> &[Parameter<'a>] {
        &self.parameters
    }

    /// The parameter of that name, or none.
    ///
    /// # Errors
    /// `form.duplicate` when it stands there more than once.
    pub fn single(&self, name: &str) -> Result<Option<&Parameter<'a>>, Refusal> {
        let mut found = self.parameters.iter().filter(|parameter| parameter.name == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(Refusal::misbehaved("form.duplicate").at(name).expected("the parameter once"));
        }
        Ok(first)
    }

    /// Refuses the form when any name stands there more than once (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// `form.duplicate`.
    pub fn without_duplicates(self) -> Result<Self, Refusal> {
        for parameter in &self.parameters {
            self.single(parameter.name)?;
        }
        Ok(self)
    }
}

/// Names the place and the byte, and nothing around it: the form may hold a password.
fn not_ascii(encoded: &[u8]) -> Refusal {
    let refusal =
        Refusal::misbehaved("form.not-ascii").expected("printable ASCII, everything else percent-encoded");
    let culprit = encoded.iter().enumerate().find(|(_, byte)| !byte.is_ascii_graphic());
    match culprit {
        Some((place, byte)) => refusal.found(&format!("byte 0x{byte:02x} at {place}")),
        None => refusal,
    }
}

/// Decodes a value: `+` is a space, `%XX` a byte, the whole UTF-8 without NUL.
fn decode(name: &str, raw: &str) -> Result<String, Refusal> {
    let broken = || {
        Refusal::misbehaved("form.escape.broken")
            .at(name)
            .expected("a percent sign and two hexadecimal digits")
    };
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(hex_digit).ok_or_else(broken)?;
                let low = rest.next().and_then(hex_digit).ok_or_else(broken)?;
                (high << 4) | low
            }
            literal => literal,
        });
    }
    if bytes.contains(&0) {
        return Err(Refusal::misbehaved("form.value.nul").at(name).expected("a value without NUL"));
    }
    String::from_utf8(bytes)
        .map_err(|_| Refusal::misbehaved("form.value.not-utf8").at(name).expected("a value in UTF-8"))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a Content-Type is `application/x-www-form-urlencoded` with no charset but UTF-8. A reader
/// that took the form for another type, or another charset, would see another message.
pub fn is_form_type(content_type: &str) -> bool {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameters = parameters.trim();
    let is_utf8 = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
    essence.trim_end().eq_ignore_ascii_case("application/x-www-form-urlencoded") && is_utf8
}

/// Percent-encodes all but RFC 3986's unreserved characters, as form values and query strings want.
pub fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded
                    .extend(char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(encoded: &str) -> &'static str {
        Form::parse(encoded.as_bytes()).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn raw_and_decoded_values_are_both_kept() {
        let form = Form::parse(b"SAMLRequest=a%2Bb%3d&RelayState=x+y").unwrap();
        let request = form.single("SAMLRequest").unwrap().unwrap();
        assert_eq!((request.raw, request.value.as_str()), ("a%2Bb%3d", "a+b="));
        assert_eq!(form.single("RelayState").unwrap().unwrap().value, "x y");
        assert_eq!(form.single("Signature").unwrap(), None);
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        assert_eq!(code("%53AMLRequest=x"), "form.name.encoded");
        assert_eq!(code("=x"), "form.name.empty");
        assert_eq!(code("a=1&&b=2"), "form.name.empty");
        assert_eq!(code("a=%4"), "form.escape.broken");
        assert_eq!(code("a=%zz"), "form.escape.broken");
        assert_eq!(code("a=%00"), "form.value.nul");
        assert_eq!(code("a=%ff"), "form.value.not-utf8");
        assert_eq!(code("a=\u{e4}"), "form.not-ascii");
        assert_eq!(code("a=b c"), "form.not-ascii");
        assert_eq!(code(&"a=1&".repeat(70)), "form.too-many");
    }

    #[test]
    fn a_refusal_tells_nothing_of_the_values() {
        let bodies = [
            "f.password=s3cret x",
            "f.password=s3cret%zz",
            "f.password=s3cret%00",
            "f.password=s3cret%ff",
            "f.password=s3cret&f.password=s3cret",
            "f.%70assword=s3cret",
            "=s3cret",
        ];
        for body in bodies {
            let refusal = Form::parse(body.as_bytes()).and_then(Form::without_duplicates).unwrap_err();
            assert!(!refusal.to_string().contains("s3cret"), "{refusal}");
        }
        let refusal = Form::parse(b"a=b c").unwrap_err();
        assert_eq!(refusal.found, "byte 0x20 at 3");
    }

    #[test]
    fn duplicates_are_seen() {
        let form = Form::parse(b"a=1&a=2").unwrap();
        assert_eq!(form.single("a").unwrap_err().code, "form.duplicate");
        assert_eq!(form.without_duplicates().unwrap_err().code, "form.duplicate");
    }

    #[test]
    fn encoding_is_read_back() {
        let encoded = format!("v={}", encode("ä &=+%/~"));
        assert_eq!(Form::parse(encoded.as_bytes()).unwrap().single("v").unwrap().unwrap().value, "ä &=+%/~");
    }
}
