//! `/oidc/logout`: RP-initiated logout.

use super::parameters;
use crate::bindings::kernel;
use crate::bindings::protocol::{Logout, Outcome, Response};
use crate::bindings::types::Request;
use crate::client::Client;
use crate::issue::unwritable;
use crate::keys::{KernelVerifier, own_keys};
use crate::reply;
use postern_oauth::{SubjectType, unknown_client};
use postern_oidc::{LogoutRequest, LogoutTarget, SIGNING_ALGORITHMS, judge_id_token_hint};
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// What goes through the kernel and back.
#[derive(Serialize, Deserialize)]
struct LogoutState {
    target: Option<LogoutTarget>,
}

pub(crate) fn handle(request: &Request) -> Outcome {
    judge(request).map_or_else(|refusal| Outcome::Respond(reply::refused(&refusal)), Outcome::EndSession)
}

fn judge(request: &Request) -> Result<Logout, Refusal> {
    let form = parameters::read(request)?;
    let logout = LogoutRequest::read(&form)?;
    let hint = match &logout.id_token_hint {
        None => None,
        Some(hint) => {
            let (issuer, keys) = (kernel::base_url(), own_keys()?);
            let hint = judge_id_token_hint(hint, &issuer, &SIGNING_ALGORITHMS, &keys, &KernelVerifier)?;
            Some(hint.into_inner())
        }
    };
    let client = match logout.client_id(hint.as_ref())? {
        None => None,
        Some(client_id) => Some(Client::find(client_id)?.ok_or_else(|| unknown_client(client_id))?),
    };
    let target = logout.target(client.as_ref().map(|client| &client.registration))?;
    // A pairwise subject says nothing to the kernel; the session index does.
    let known = client.as_ref().is_some_and(|client| client.registration.subject_type == SubjectType::Public);
    let (session_index, subject) = match hint {
        None => (None, None),
        Some(hint) => (hint.session_index, known.then_some(hint.subject)),
    };
    Ok(Logout {
        session_index,
        subject,
        relying_party: client.map(|client| client.id),
        state: serde_json::to_vec(&LogoutState { target }).map_err(|_| unwritable())?,
    })
}

pub(crate) fn logged_out(state: &[u8], ended: bool) -> Response {
    let Ok(LogoutState { target }) = serde_json::from_slice(state) else {
        return reply::refused(&Refusal::internal("oidc.state.unreadable"));
    };
    match (target, ended) {
        // The application has ended its own session either way.
        (Some(target), _) => Response::Redirect(target.url()),
        (None, true) => Response::SignedOut,
        (None, false) => {
            reply::refused(&Refusal::misbehaved("oidc.logout.declined").with_status(403).at("session"))
        }
    }
}
