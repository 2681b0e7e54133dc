//! Answers in the kernel's form.

use crate::bindings::kernel::{self, AuditField};
use crate::bindings::types::{self, Document, FormField, FormPost, Header, Response};
use postern_jose::validator::Denial;
use postern_oauth::{AuthorizationAnswer, AuthorizationError, TokenError};
use postern_refusal::{Fault, Refusal};

/// Why a machine's request fails: in the words of the token endpoint, or in nobody's.
pub(crate) enum Failed {
    Token(TokenError),
    Refused(Refusal),
}

impl From<TokenError> for Failed {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

/// Refusals without an OAuth error are our own or the operator's.
impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub(crate) fn refusal(refusal: &Refusal) -> types::Refusal {
    types::Refusal {
        code: refusal.code.to_owned(),
        fault: match refusal.fault {
            Fault::PeerMisbehaved => types::Fault::PeerMisbehaved,
            Fault::PeerIncompatible => types::Fault::PeerIncompatible,
            Fault::Configuration => types::Fault::Configuration,
            Fault::Internal => types::Fault::Internal,
        },
        element: refusal.element.clone(),
        expected: refusal.expected.clone(),
        found: refusal.found.clone(),
        status: refusal.status,
    }
}

pub(crate) fn refused(reason: &Refusal) -> Response {
    Response::Refused(refusal(reason))
}

/// JSON that may hold tokens: never cached.
pub(crate) fn json(status: u16, body: String) -> Document {
    Document {
        status,
        content_type: "application/json".to_owned(),
        headers: vec![header("cache-control", "no-store")],
        body: body.into_bytes(),
        refusal: None,
    }
}

/// JSON that is the same for everybody, for any origin, for five minutes.
pub(crate) fn public_json(body: String) -> Response {
    Response::Document(Document {
        headers: vec![
            header("cache-control", "public, max-age=300"),
            header("access-control-allow-origin", "*"),
        ],
        ..json(200, body)
    })
}

pub(crate) fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.to_owned() }
}

pub(crate) fn failed(failed: &Failed) -> Response {
    match failed {
        Failed::Refused(reason) => refused(reason),
        Failed::Token(error) => {
            let mut document = json(error.status(), error.body());
            document.headers.extend(error.challenge().map(|value| header("www-authenticate", value)));
            document.refusal = Some(refusal(&error.refusal));
            Response::Document(document)
        }
    }
}

/// A bearer token was turned down.
pub(crate) fn denied(denial: &Denial) -> Response {
    let mut document = json(denial.refusal.status, "{}".to_owned());
    document.headers.extend(denial.challenge.as_deref().map(|value| header("www-authenticate", value)));
    document.refusal = Some(refusal(&denial.refusal));
    Response::Document(document)
}

/// Code or error for the client, which is the kernel's `relying_party`.
pub(crate) fn authorization(
    answer: AuthorizationAnswer,
    reason: Option<&Refusal>,
    relying_party: &str,
) -> Response {
    if let Some(reason) = reason {
        audit_refusal(reason, relying_party);
    }
    match answer {
        AuthorizationAnswer::Redirect(url) => {
            // A redirect carries no refusal that the host could note.
            if let Some(reason) = reason {
                kernel::log(kernel::Level::Info, &reason.to_string());
            }
            Response::Redirect(url)
        }
        AuthorizationAnswer::FormPost { action, fields } => Response::FormPost(FormPost {
            action,
            fields: fields.into_iter().map(|(name, value)| FormField { name, value }).collect(),
            refusal: reason.map(refusal),
        }),
    }
}

pub(crate) fn authorization_error(error: &AuthorizationError, issuer: &str, relying_party: &str) -> Response {
    match error {
        AuthorizationError::Page(reason) => {
            audit_refusal(reason, relying_party);
            refused(reason)
        }
        AuthorizationError::Redirect(redirect) => {
            authorization(redirect.answer(issuer), Some(&redirect.refusal), relying_party)
        }
    }
}

/// One event for each refused authorization, however it is answered: why, and whose it was.
fn audit_refusal(reason: &Refusal, relying_party: &str) {
    let field = AuditField { name: "reason".to_owned(), value: reason.code.to_owned() };
    kernel::audit("authorization.refused", relying_party, None, &[field]);
}
