use postern_signature::{Algorithm, PublicKey, VerifyError};

use super::*;

const PARTY: &str = r#"{"entity_id":"https://sp.example",
    "assertion_consumer_services":[{"url":"https://sp.example/acs"}]}"#;

fn configuration(more: &str) -> Result<DecoderConfiguration, Refusal> {
    let json = format!(
        r#"{{"policy":{{"destinations":["https://sso.example.com/samlsso"]}},"relying_parties":[{PARTY}]{more}}}"#
    );
    DecoderConfiguration::from_json(json.as_bytes())
}

#[test]
fn a_configuration_names_the_field_that_is_wrong() {
    let plain = configuration("").unwrap();
    assert_eq!(
        (plain.other_paths, plain.paths.as_slice()),
        (OtherPaths::Canonical, &["/samlsso".to_owned()][..])
    );
    let more = r#","paths":["/a/b"],"unjudged_paths":["/a/b/c"],"other_paths":"any-unambiguous","replay_slots":65536"#;
    assert_eq!(configuration(more).unwrap().other_paths, OtherPaths::AnyUnambiguous);
    for (more, field) in [
        (r#","paths":[]"#, "paths"),
        (r#","paths":["/"]"#, "paths"),
        (r#","paths":["samlsso"]"#, "paths"),
        (r#","paths":["/a/../samlsso"]"#, "paths"),
        (r#","paths":["/samlsso?x"]"#, "paths"),
        (r#","unjudged_paths":["/samlsso"]"#, "unjudged_paths"),
        (r#","unjudged_paths":["/x;y"]"#, "unjudged_paths"),
        (r#","replay_slots":0"#, "replay_slots"),
        (r#","replay_slots":65537"#, "replay_slots"),
        (r#","other_paths":"any""#, "saml-decoder"),
        (r#","unknown":1"#, "saml-decoder"),
        (r#","wsfed":{"realms":[],"paths":[]}"#, "wsfed.paths"),
        (r#","wsfed":{"realms":[],"paths":["/a;b"]}"#, "wsfed.paths"),
        (r#","wsfed":{"realms":[],"paths":["/samlsso"]}"#, "paths"),
        (r#","wsfed":{"realms":[]},"unjudged_paths":["/passivests"]"#, "unjudged_paths"),
        (
            r#","wsfed":{"realms":[{"realm":"urn:a","replies":["http://a.example/"]}]}"#,
            "wsfed.realms[0].replies",
        ),
        (r#","wsfed":{"realms":[],"policy":{"clock_skew":601}}"#, "wsfed.policy"),
        (r#","wsfed":{"realms":[],"unknown":1}"#, "saml-decoder"),
        (
            r#","artifact_resolution":{"destinations":[],"entity_id":"urn:a"}"#,
            "artifact_resolution.destinations",
        ),
        (
            r#","artifact_resolution":{"destinations":["https://a/"],"entity_id":"a b"}"#,
            "artifact_resolution.entity_id",
        ),
        (
            r#","artifact_resolution":{"destinations":["https://a/"],"entity_id":"a","paths":["/samlsso"]}"#,
            "paths",
        ),
        (
            r#","assertion_consumer":{"paths":[],"urls":["https://a/"],"entity_id":"a"}"#,
            "assertion_consumer.paths",
        ),
        (
            r#","assertion_consumer":{"paths":["/acs"],"urls":["http://a/"],"entity_id":"a"}"#,
            "assertion_consumer.urls",
        ),
        (
            r#","assertion_consumer":{"paths":["/acs"],"urls":["https://a/"],"entity_id":""}"#,
            "assertion_consumer.entity_id",
        ),
        (
            r#","assertion_consumer":{"paths":["/acs"],"urls":["https://a/"],"entity_id":"a"},"identity_providers":[{"entity_id":"b","signing_keys":[]}]"#,
            "identity_providers[0].signing_keys",
        ),
        (r#","identity_providers":[{"entity_id":"b","signing_keys":[]}]"#, "assertion_consumer"),
    ] {
        let refusal = configuration(more).unwrap_err();
        assert_eq!((refusal.code, refusal.element.as_str()), ("saml.decoder.configuration", field), "{more}");
    }
}

struct Nothing;

impl Verifier for Nothing {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Err(VerifyError::Mismatch)
    }
}

impl SharedMemory for Nothing {
    fn read(&self, _: &str) -> Result<Option<(Vec<u8>, u32)>, String> {
        Err("none".to_owned())
    }

    fn write(&self, _: &str, _: &[u8], _: Option<u32>) -> Result<bool, String> {
        Err("none".to_owned())
    }

    fn random(&self) -> Option<[u8; 32]> {
        None
    }
}

#[test]
fn without_a_clock_nothing_is_accepted() {
    let decoder = Decoder::new(configuration("").unwrap());
    let message = Message {
        service: Service::SingleSignOn,
        incoming: Incoming::Get(b"SAMLRequest=x"),
        soap_action: None,
        client_certificate: None,
    };
    let refusal = decoder.judge(&message, None, &Nothing, &Nothing).unwrap_err();
    assert_eq!((refusal.code, refusal.status), ("saml.clock.absent", 503));
}
