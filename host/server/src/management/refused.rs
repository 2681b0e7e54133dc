//! Heads that no HTTP/1.1 client sends.

use axum::http::StatusCode;
use axum::response::Response;
use postern_kernel::audit::Event;
use postern_kernel::services::Installation;
use postern_refusal::Refusal;

use super::api;
use crate::listener::Peer;

/// Writes the refusal down and answers.
pub(crate) fn refused(installation: &Installation, peer: Peer, refusal: &Refusal) -> Response {
    installation.audit.record(&Event {
        name: "request.refused",
        module: Some("management"),
        relying_party: None,
        subject: None,
        correlation: None,
        fields: &[
            ("code", refusal.code),
            ("fault", refusal.fault.as_str()),
            ("element", &refusal.element),
            ("expected", &refusal.expected),
            ("found", &refusal.found),
            ("address", &peer.address.ip().to_string()),
        ],
    });
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    api::error(status, "this is not HTTP/1.1, read strictly")
}
