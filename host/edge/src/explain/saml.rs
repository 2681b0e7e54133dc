//! The SAML decoder's part.

use postern_saml::{Arrival, DecoderConfiguration, Incoming, Judged, RequestHead, judge};

use super::{RawRequest, Stage, Surroundings};
use crate::policy::Guard;

pub(super) fn stage(guard: &Guard, request: &RawRequest, surroundings: &Surroundings<'_>) -> Stage {
    let mut stage = Stage::new("saml-decoder");
    let configuration = match DecoderConfiguration::from_json(guard.configuration.to_string().as_bytes()) {
        Ok(configuration) => configuration,
        Err(refusal) => return stage.refused(&refusal),
    };
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        has_body: request.has_body(),
        content_encoding: request.header(b"content-encoding"),
    };
    let content_type = request.header(b"content-type").map(String::from_utf8_lossy);
    let incoming = match configuration.arrival(&head) {
        Ok(Arrival::Elsewhere) => return stage.noted("no message for it: not looked at"),
        Ok(Arrival::Get(query)) => Incoming::Get(query),
        Ok(Arrival::Post(query)) => {
            Incoming::Post { query, content_type: content_type.as_deref(), body: &request.body }
        }
        Err(refusal) => return stage.refused(&refusal),
    };
    let registry = configuration.registry();
    let lookup = |entity_id: &str| Ok(registry.get(entity_id).cloned());
    match judge(incoming, &lookup, &configuration.policy, surroundings.now, surroundings.verifier) {
        Ok(Judged::AuthnRequest(message)) => {
            stage.field("message", "AuthnRequest", "a kind that is answered");
            stage.field("Issuer", &message.entity_id, "a registered service provider");
            let signed = if message.signed { "signed by a registered key" } else { "none is demanded" };
            stage.field("Signature", if message.signed { "there" } else { "none" }, signed);
            stage.field("ID", &message.id, "remembered, so that it passes once");
            stage.field("ACS", &message.acs.url, "registered");
            if let Some(state) = &message.relay_state {
                stage.field("RelayState", format!("{} bytes", state.len()), "within its limit");
            }
            stage
        }
        Ok(Judged::IdpInitiated(_)) => {
            stage.field("message", "sign-on that begins here", "allowed by the registration");
            stage
        }
        Ok(Judged::LogoutRequest(_)) => {
            stage.field("message", "LogoutRequest", "of a registered service provider");
            stage
        }
        Ok(Judged::LogoutResponse(_)) => {
            stage.field("message", "LogoutResponse", "of a registered service provider");
            stage
        }
        Err(refusal) => stage.refused(&refusal),
    }
}
