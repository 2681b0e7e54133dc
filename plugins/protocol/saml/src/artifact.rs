//! SAML artifacts of type 0x0004 (SAML bindings section 3.6.4).
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_refusal::Refusal;
use sha1::{Digest as _, Sha1};

/// Type 4: TypeCode, EndpointIndex, SourceID, MessageHandle.
const LENGTH: usize = 44;
const TYPE_CODE: [u8; 2] = [0, 4];

/// Checks that the artifact is one that the entity of this ID has issued for that endpoint. Whether it
/// still stands for a message only who issued it can tell.
///
/// # Errors
/// `saml.artifact.malformed`, `saml.artifact.type`, `saml.artifact.endpoint-index`,
/// `saml.artifact.source`.
pub(crate) fn check_artifact(text: &str, entity_id: &str, endpoint_index: u16) -> Result<(), Refusal> {
    let wrong = |code, expected: &str| Refusal::misbehaved(code).at("Artifact").expected(expected);
    let malformed = || wrong("saml.artifact.malformed", "base64 of 44 bytes");
    let artifact = BASE64_STANDARD.decode(text).map_err(|_| malformed())?;
    if artifact.first_chunk() != Some(&TYPE_CODE) {
        return Err(wrong("saml.artifact.type", "an artifact of type 0x0004"));
    }
    let (index, rest) = artifact
        .get(TYPE_CODE.len()..LENGTH)
        .filter(|_| artifact.len() == LENGTH)
        .and_then(|rest| rest.split_first_chunk::<2>())
        .ok_or_else(malformed)?;
    if *index != endpoint_index.to_be_bytes() {
        return Err(wrong("saml.artifact.endpoint-index", &endpoint_index.to_string())
            .found(&u16::from_be_bytes(*index).to_string()));
    }
    // SHA-1 is what section 3.6.4 says. It names the issuer here and protects nothing.
    let ours: [u8; 20] = Sha1::digest(entity_id.as_bytes()).into();
    if rest.first_chunk() != Some(&ours) {
        return Err(wrong("saml.artifact.source", "an artifact that was issued here"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTITY_ID: &str = "https://sso.example.com/identity/metadata/saml2";

    fn artifact(kind: [u8; 2], index: u16, source: &str, handle: usize) -> String {
        let source: [u8; 20] = Sha1::digest(source.as_bytes()).into();
        let bytes = [&kind[..], &index.to_be_bytes(), &source, &vec![7; handle]].concat();
        BASE64_STANDARD.encode(bytes)
    }

    fn code(text: &str) -> &'static str {
        check_artifact(text, ENTITY_ID, 1).map(|()| "accepted").unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn an_artifact_of_ours_has_one_form() {
        let good = artifact(TYPE_CODE, 1, ENTITY_ID, 20);
        assert_eq!(code(&good), "accepted");
        for (text, expected) in [
            (artifact([0, 1], 1, ENTITY_ID, 20), "saml.artifact.type"),
            (artifact([4, 0], 1, ENTITY_ID, 20), "saml.artifact.type"),
            (artifact(TYPE_CODE, 0, ENTITY_ID, 20), "saml.artifact.endpoint-index"),
            (artifact(TYPE_CODE, 256, ENTITY_ID, 20), "saml.artifact.endpoint-index"),
            (artifact(TYPE_CODE, 1, "https://other.example", 20), "saml.artifact.source"),
            (artifact(TYPE_CODE, 1, ENTITY_ID, 19), "saml.artifact.malformed"),
            (artifact(TYPE_CODE, 1, ENTITY_ID, 21), "saml.artifact.malformed"),
            (format!(" {good}"), "saml.artifact.malformed"),
            (good.trim_end_matches('=').to_owned() + "\n", "saml.artifact.malformed"),
            (BASE64_STANDARD.encode([0, 4]), "saml.artifact.malformed"),
            (String::new(), "saml.artifact.type"),
        ] {
            assert_eq!(code(&text), expected, "{text}");
        }
    }
}
