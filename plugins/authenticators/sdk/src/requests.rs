//! Short words for calls to hosts that are granted (`outbound`).

use crate::outbound::{Header, Method, Request, Response};

/// GET that URL. `cached`: an answer that is kept will do.
pub fn get(url: &str, accept: &str, cached: bool) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        headers: vec![header("accept", accept)],
        body: Vec::new(),
        credential: None,
        cached,
    }
}

/// POST a form, with the operator's secret of that name when there is one.
pub fn post_form(url: &str, fields: &[(&str, &str)], credential: Option<&str>) -> Request {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    Request {
        method: Method::Post,
        url: url.into(),
        headers: vec![
            header("accept", "application/json"),
            header("content-type", "application/x-www-form-urlencoded"),
        ],
        body: pairs.join("&").into_bytes(),
        credential: credential.map(Into::into),
        cached: false,
    }
}

/// A header; its name in lower case.
pub fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

/// The value of the header that came exactly once.
pub fn header_of<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let mut values = response.headers.iter().filter(|header| header.name == name);
    match (values.next(), values.next()) {
        (Some(header), None) => Some(&header.value),
        _ => None,
    }
}

/// As `application/x-www-form-urlencoded` has it, with `%20` for a space, so that it is good in a query too.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
