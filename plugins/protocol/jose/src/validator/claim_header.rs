//! Verified claims as headers for the servers behind the filter.

use super::configuration::Route;
use crate::access_token::AccessToken;
use crate::json::Value;

/// `sub`.
pub const SUBJECT_HEADER: &str = "x-postern-subject";
/// `client_id`.
pub const CLIENT_ID_HEADER: &str = "x-postern-client-id";
/// `scope`, tokens divided by spaces.
pub const SCOPE_HEADER: &str = "x-postern-scope";

/// The headers of a token: subject, client, scopes, and the claims that the route asks for.
/// A claim that the token lacks, or that is no string, number or boolean, has no header.
pub fn headers(token: &AccessToken, route: &Route) -> Vec<(String, String)> {
    let mut headers = vec![
        (SUBJECT_HEADER.to_owned(), header_value(&token.subject)),
        (CLIENT_ID_HEADER.to_owned(), header_value(&token.client_id)),
        (SCOPE_HEADER.to_owned(), header_value(&token.scopes.to_string())),
    ];
    for (claim, header) in &route.claims_to_headers {
        let value = match token.claims.get(claim) {
            Some(Value::String(text)) => header_value(text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => continue,
        };
        headers.push((header.clone(), value));
    }
    headers
}

/// A text as a header value: UTF-8, percent-encoded where it is not printable ASCII, a percent
/// sign, or a space at either end. What comes out can't end a header.
pub fn header_value(text: &str) -> String {
    let last = text.len().saturating_sub(1);
    let mut value = String::with_capacity(text.len());
    for (position, byte) in text.bytes().enumerate() {
        let edge = position == 0 || position == last;
        if (byte.is_ascii_graphic() && byte != b'%') || (byte == b' ' && !edge) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    value
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
}
