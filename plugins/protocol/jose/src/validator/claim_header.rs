//! Verified claims as headers for the servers behind the filter, and for its access log.

use std::borrow::Cow;

use super::bearer::Denial;
use super::route_configuration::Route;
use crate::access_token::AccessToken;
use crate::json::{Object, Value};
use postern_refusal::Refusal;

/// `sub`.
pub const SUBJECT_HEADER: &str = "x-postern-subject";
/// `client_id`.
pub const CLIENT_ID_HEADER: &str = "x-postern-client-id";
/// `scope`, tokens divided by spaces.
pub const SCOPE_HEADER: &str = "x-postern-scope";

/// Longest value that a claim may become, in bytes.
const MAX_VALUE: usize = 4_096;

/// Longest text for the access log, in bytes.
const MAX_LOGGED: usize = 2_048;

/// The headers of a token: subject, client, scopes, and the claims that the route asks for: a
/// string as it is, a number or boolean as JSON, an array of those as JSON in ASCII.
/// A claim that the token lacks, or that is or has an object, has no header.
///
/// # Errors
/// `token.claim.too-long` (403): a header that is cut could say something else.
pub fn headers<'r>(token: &'r AccessToken, route: &'r Route) -> Result<Vec<(&'r str, Cow<'r, str>)>, Denial> {
    let scope = match token.scopes.tokens() {
        [scope] => header_value(scope),
        scopes => Cow::Owned(header_value(&scopes.join(" ")).into_owned()),
    };
    let mut headers = Vec::with_capacity(route.claims_to_headers.len().saturating_add(3));
    headers.push((SUBJECT_HEADER, header_value(&token.subject)));
    headers.push((CLIENT_ID_HEADER, header_value(&token.client_id)));
    headers.push((SCOPE_HEADER, scope));
    for entry in &route.claims_to_headers {
        let value = match entry.claim.find(&token.claims) {
            Some(Value::String(text)) => header_value(text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Cow::Owned(value.to_string()),
            Some(Value::Array(values)) if values.iter().all(is_plain) => {
                Cow::Owned(ascii_json(&Value::Array(values.clone())))
            }
            _ => continue,
        };
        if value.len() > MAX_VALUE {
            let refusal = Refusal::misbehaved("token.claim.too-long").with_status(403);
            let refusal = refusal.at(&entry.claim.to_string()).expected("4,096 bytes at most as a header");
            return Err(Denial { refusal, challenge: None, dpop_nonce: None });
        }
        headers.push((entry.header.as_str(), value));
    }
    Ok(headers)
}

/// The claims for the access log as a JSON object in ASCII, by their names; none when the route
/// asks for none. What is too long is left out.
pub fn logged(token: &AccessToken, route: &Route) -> Option<String> {
    if route.claims_to_log.is_empty() {
        return None;
    }
    let mut object = Object::new();
    let mut length: usize = 2;
    for claim in &route.claims_to_log {
        if let Some(value) = claim.find(&token.claims) {
            let name = claim.to_string();
            // Name, value, colon, comma and the quotes of the name, each byte escaped at most.
            let own = ascii_json(&Value::String(name.clone())).len().saturating_add(ascii_json(value).len());
            length = length.saturating_add(own).saturating_add(2);
            if length > MAX_LOGGED {
                break;
            }
            object.insert(name, value.clone());
        }
    }
    Some(ascii_json(&Value::Object(object)))
}

fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// JSON in printable ASCII: everything else is escaped, so that it can't end a header or a line.
fn ascii_json(value: &Value) -> String {
    let mut json = String::new();
    for character in value.to_string().chars() {
        // serde_json has escaped control characters but for DEL.
        if matches!(character, ' '..='~') {
            json.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                json.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    json
}

/// A text as a header value: UTF-8, percent-encoded where it is not printable ASCII, a percent
/// sign, or a space at either end. What comes out can't end a header.
pub fn header_value(text: &str) -> Cow<'_, str> {
    let stays = |byte: u8| byte.is_ascii_graphic() & (byte != b'%');
    let has_edge = text.starts_with(' ') || text.ends_with(' ');
    if text.bytes().fold(true, |all, byte| all & (stays(byte) | (byte == b' '))) && !has_edge {
        return Cow::Borrowed(text);
    }
    let last = text.len().saturating_sub(1);
    let mut value = String::with_capacity(text.len());
    for (position, byte) in text.bytes().enumerate() {
        let edge = position == 0 || position == last;
        if stays(byte) || (byte == b' ' && !edge) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_cannot_end_its_header() {
        assert_eq!(header_value("Ada Lovelace"), "Ada Lovelace");
        assert_eq!(header_value("a\r\nx-postern-subject: root"), "a%0D%0Ax-postern-subject: root");
        assert_eq!(header_value(" ä% "), "%20%C3%A4%25%20");
    }

    #[test]
    fn an_array_is_json_in_ascii() {
        let value: Value =
            serde_json::from_str("[\"a\\r\\nb\",\"ä\",\"\u{1f511}\",\"\u{7f}\",3,true]").unwrap();
        let json = ascii_json(&value);
        assert_eq!(json, r#"["a\r\nb","\u00e4","\ud83d\udd11","\u007f",3,true]"#);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }
}
