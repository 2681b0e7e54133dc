//! Short words for addresses that people are sent to, and for calls to hosts that are granted (`outbound`).

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

/// The address with these parameters at its end, each encoded.
pub fn url_with(url: &str, parameters: &[(&str, &str)]) -> String {
    let between = if url.contains('?') { '&' } else { '?' };
    format!("{url}{between}{}", pairs(parameters))
}

/// POST a form, with the operator's secret of that name when there is one.
pub fn post_form(url: &str, fields: &[(&str, &str)], credential: Option<&str>) -> Request {
    Request {
        method: Method::Post,
        url: url.into(),
        headers: vec![
            header("accept", "application/json"),
            header("content-type", "application/x-www-form-urlencoded"),
        ],
        body: pairs(fields).into_bytes(),
        credential: credential.map(Into::into),
        cached: false,
    }
}

fn pairs(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", encoded(name), encoded(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
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
