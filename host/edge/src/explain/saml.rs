//! The SAML decoder's part.

use postern_saml::{Arrival, Decoded, Decoder, DecoderConfiguration, Incoming, Judged, Message, RequestHead};

use postern_refusal::Refusal;

use super::{RawRequest, Stage, Surroundings};
use crate::policy::Guard;

/// What becomes of a request that a rule in `report_only` would refuse.
const REPORTED: &str = "logged, counted, let through";

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
    let (service, incoming) = match configuration.arrival(&head) {
        Err(refusal) if configuration.report_only.iter().any(|code| code == refusal.code) => {
            stage.field("report only", refusal.to_string(), REPORTED);
            return stage;
        }
        Ok(Arrival::Elsewhere) => return stage.noted("no message for it: not looked at"),
        Ok(Arrival::Get(service, query)) => (service, Incoming::Get(query)),
        Ok(Arrival::Post(service, query)) => {
            let content_type = content_type.as_deref();
            (service, Incoming::Post { query, content_type, body: &request.body })
        }
        Err(refusal) => return stage.refused(&refusal),
    };
    let soap_action = request.header(b"soapaction").map(String::from_utf8_lossy);
    // Nobody has a certificate here: what depends on one is refused.
    let message =
        Message { service, incoming, soap_action: soap_action.as_deref(), client_certificate: None };
    let decoder = Decoder::new(configuration);
    let mut reported = Vec::new();
    let mut report = |refusal: &Refusal| reported.push(refusal.to_string());
    let decoded = decoder.decode(&message, surroundings.now, surroundings.verifier, &mut report);
    for refusal in reported {
        stage.field("report only", refusal, REPORTED);
    }
    let judged = match decoded {
        Ok(Decoded::Saml(judged)) => judged,
        Ok(Decoded::Reported) => return stage,
        Ok(other) => {
            let Some((message, sender, _)) = other.names() else {
                return stage.noted("a form without a message");
            };
            stage.field("message", message, "a kind that is answered");
            stage.field("sender", sender, "registered");
            return stage;
        }
        Err(refusal) => return stage.refused(&refusal),
    };
    match judged {
        Judged::AuthnRequest(message) => {
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
        Judged::IdpInitiated(_) => {
            stage.field("message", "sign-on that begins here", "allowed by the registration");
            stage
        }
        Judged::LogoutRequest(_) => {
            stage.field("message", "LogoutRequest", "of a registered service provider");
            stage
        }
        Judged::LogoutResponse(_) => {
            stage.field("message", "LogoutResponse", "of a registered service provider");
            stage
        }
    }
}
