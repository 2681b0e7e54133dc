//! What a guest may return, and what it may not.

use crate::bindings::exports::postern::idp::protocol::{Demand, Outcome, Registration};
use crate::bindings::postern::idp::kernel;
use crate::bindings::postern::idp::types::{
    Document, Fault, FormField, FormPost, Header, Refusal, Request, Response,
};

/// The response of that name; unknown names are refused.
pub(crate) fn named(name: &str) -> Response {
    match name {
        "largest-body" => bytes(vec![b'x'; 1 << 20]),
        "too-large-body" => bytes(vec![b'x'; (1 << 20) + 1]),
        "enormous-body" => bytes(vec![b'x'; 8 << 20]),
        "repeated-header" => repeated_header(),
        "many-headers" => with_headers((0..100).map(|_| ("cache-control", "no-store")).collect()),
        "set-cookie" => with_headers(vec![("set-cookie", "__Host-postern=stolen")]),
        "split-header" => with_headers(vec![("www-authenticate", "Basic\r\nset-cookie: a=b")]),
        "html" => with_type("text/html"),
        "script" => with_type("text/javascript"),
        "svg" => with_type("image/svg+xml"),
        "status-0" => with_status(0),
        "status-302" => with_status(302),
        "redirect" => Response::Redirect("https://app.example.com/cb?code=1".into()),
        "redirect-control" => Response::Redirect("https://app.example.com/\r\nset-cookie: a=b".into()),
        "redirect-script" => Response::Redirect("javascript:alert(1)".into()),
        "redirect-relative" => Response::Redirect("//evil.example/".into()),
        "redirect-huge" => Response::Redirect(format!("https://a/{}", "x".repeat(100_000))),
        "form-post-script" => form_post("javascript:alert(1)", "value"),
        "form-post" => form_post("https://app.example.com/acs", "value"),
        "form-post-nul" => form_post("https://app.example.com/acs", "a\0b"),
        "refused-code" => refused("Not A Code\n", 400),
        "refused-status" => refused("guest.refused.anyway", 200),
        "refused" => refused("guest.refused.anyway", 400),
        _ => refused("guest.behaviour.unknown", 404),
    }
}

pub(crate) fn text(text: &str) -> Response {
    bytes(text.as_bytes().to_vec())
}

pub(crate) fn bytes(body: Vec<u8>) -> Response {
    Response::Document(document(body))
}

pub(crate) fn echo(request: Request) -> Response {
    let authorization = request.authorization.unwrap_or_default();
    let head = format!("{}?{} {authorization} ", request.path, request.query);
    bytes([head.as_bytes(), &request.body].concat())
}

pub(crate) fn found_nobody() -> Response {
    text(if kernel::find_relying_party("nobody").is_none() { "nobody" } else { "somebody" })
}

pub(crate) fn demand_with_state(size: usize) -> Outcome {
    Outcome::Authenticate(Demand {
        relying_party: "1".into(),
        force: false,
        passive: false,
        select_account: false,
        max_age: None,
        contexts: Vec::new(),
        login_hint: None,
        consent: Vec::new(),
        consent_anew: false,
        state: vec![7; size],
    })
}

pub(crate) fn registration(source: Vec<u8>) -> Result<Registration, Refusal> {
    match String::from_utf8(source) {
        Ok(settings) => Ok(Registration {
            identifier: "https://app.example.com".into(),
            name: None,
            settings,
            needs_secret: false,
        }),
        Err(_) => Err(refusal("guest.source.malformed", 400)),
    }
}

fn document(body: Vec<u8>) -> Document {
    Document { status: 200, content_type: "text/plain".into(), headers: Vec::new(), body, refusal: None }
}

fn with_type(content_type: &str) -> Response {
    let body = b"<script>alert(1)</script>".to_vec();
    Response::Document(Document { content_type: content_type.into(), ..document(body) })
}

fn with_status(status: u16) -> Response {
    Response::Document(Document { status, ..document(Vec::new()) })
}

fn with_headers(headers: Vec<(&str, &str)>) -> Response {
    let header = |(name, value): (&str, &str)| Header { name: name.into(), value: value.into() };
    let headers = headers.into_iter().map(header).collect();
    Response::Document(Document { headers, ..document(Vec::new()) })
}

/// A short list in the guest that is gigabytes in the host, when each item is copied: the same
/// megabyte a thousand times. The canonical ABI lets all items point to one place; safe Rust
/// doesn't, so the list is taken apart by hand.
fn repeated_header() -> Response {
    let value = "x".repeat(1 << 20);
    let headers = (0..4_000)
        .map(|_| {
            // SAFETY: the string is never dropped as this instance ends first; it is only read.
            let value =
                unsafe { String::from_raw_parts(value.as_ptr().cast_mut(), value.len(), value.len()) };
            Header { name: "cache-control".into(), value }
        })
        .collect();
    core::mem::forget(value);
    Response::Document(Document { headers, ..document(Vec::new()) })
}

fn form_post(action: &str, value: &str) -> Response {
    Response::FormPost(FormPost {
        action: action.into(),
        fields: vec![FormField { name: "SAMLResponse".into(), value: value.into() }],
        refusal: None,
    })
}

fn refused(code: &str, status: u16) -> Response {
    Response::Refused(refusal(code, status))
}

fn refusal(code: &str, status: u16) -> Refusal {
    Refusal {
        code: code.into(),
        fault: Fault::PeerMisbehaved,
        element: String::new(),
        expected: String::new(),
        found: String::new(),
        status,
    }
}
