//! The SAML decoder's part.

use postern_refusal::Refusal;
use postern_saml::{Addressed, DecoderConfiguration, Incoming, Judged, addresses, judge};

use super::{RawRequest, Stage, Surroundings};
use crate::policy::Guard;

pub(super) fn stage(guard: &Guard, request: &RawRequest, surroundings: &Surroundings<'_>) -> Stage {
    let mut stage = Stage::new("saml-decoder");
    let configuration = match DecoderConfiguration::from_json(guard.configuration.to_string().as_bytes()) {
        Ok(configuration) => configuration,
        Err(refusal) => return stage.refused(&refusal),
    };
    let mut parts = request.target.splitn(2, |byte| *byte == b'?');
    let (path, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match is_judged(path, &configuration) {
        Ok(true) => {}
        Ok(false) => return stage.noted("not one of its paths: not looked at"),
        Err(refusal) => return stage.refused(&refusal),
    }
    let content_type = request.header(b"content-type").map(String::from_utf8_lossy);
    let incoming = match request.method.as_slice() {
        b"POST" => Incoming::Post { query, content_type: content_type.as_deref(), body: &request.body },
        _ => Incoming::Get(query),
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
        Ok(_) => {
            stage.field("message", "sign-on that begins here", "allowed by the registration");
            stage
        }
        Err(refusal) => stage.refused(&refusal),
    }
}

fn is_judged(path: &[u8], configuration: &DecoderConfiguration) -> Result<bool, Refusal> {
    for judged in &configuration.paths {
        match addresses(path, judged) {
            Addressed::Exactly => return Ok(true),
            Addressed::Ambiguously => {
                return Err(Refusal::misbehaved("saml.path.ambiguous")
                    .at("path")
                    .expected(judged)
                    .found_bytes(path));
            }
            Addressed::No => {}
        }
    }
    Ok(false)
}
