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
        (r#","report_only":["saml.base64.broken"]"#, "report_only"),
        (r#","report_only":["saml.replay.full"]"#, "report_only"),
        (r#","wsfed":{"realms":[],"policy":{"companions":{"wctx":["x"]}}}"#, "wsfed.policy.companions"),
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
            r#","assertion_consumers":[{"paths":[],"urls":["https://a/"],"entity_id":"a","identity_providers":[]}]"#,
            "assertion_consumers[0].paths",
        ),
        (
            r#","assertion_consumers":[{"paths":["/acs"],"urls":["http://a/"],"entity_id":"a","identity_providers":[]}]"#,
            "assertion_consumers[0].urls",
        ),
        (
            r#","assertion_consumers":[{"paths":["/acs"],"urls":["https://a/"],"entity_id":"","identity_providers":[]}]"#,
            "assertion_consumers[0].entity_id",
        ),
        (
            r#","assertion_consumers":[{"paths":["/acs"],"urls":["https://a/"],"entity_id":"a","identity_providers":[{"entity_id":"b","signing_keys":[]}]}]"#,
            "assertion_consumers[0].identity_providers[0].signing_keys",
        ),
        (r#","wsfed_tokens":{"audiences":["a"],"identity_providers":[]}"#, "wsfed_tokens"),
        (
            r#","wsfed":{"policy":{"accepts_results":true},"realms":[]},"wsfed_tokens":{"audiences":[],"identity_providers":[]}"#,
            "wsfed_tokens.audiences",
        ),
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
    let refusal = decoder.judge(&message, None, &Nothing, &Nothing, &mut |_| {}).unwrap_err();
    assert_eq!((refusal.code, refusal.status), ("saml.clock.absent", 503));
}

#[test]
fn where_something_else_is_judged_there_need_be_no_sign_on_service() {
    let json =
        |more: &str| format!(r#"{{"paths":[],"policy":{{"destinations":[]}},"relying_parties":[]{more}}}"#);
    let read = |more: &str| DecoderConfiguration::from_json(json(more).as_bytes());
    assert_eq!(read("").unwrap_err().element, "paths");
    let wsfed = read(r#","wsfed":{"realms":[]}"#).unwrap();
    assert_eq!(wsfed.judged_paths().map(|(path, _)| path).collect::<Vec<_>>(), ["/passivests"]);
    let message = r#"{"destinations":["https://a/"],"companions":{"RelayState":["x"]}}"#;
    let wrong = json("").replace(r#"{"destinations":[]}"#, message).replace("[]", r#"["/samlsso"]"#);
    let wrong = wrong.replace(r#""relying_parties":["/samlsso"]"#, r#""relying_parties":[]"#);
    let refusal = DecoderConfiguration::from_json(wrong.as_bytes()).unwrap_err();
    assert_eq!(refusal.element, "policy.companions", "{wrong}");
}

/// What a decoder with these rules for reports says, and what it told.
fn reported(report_only: &str, query: &str) -> (String, Vec<&'static str>) {
    let decoder = Decoder::new(configuration(&format!(r#","report_only":[{report_only}]"#)).unwrap());
    let mut told = Vec::new();
    let incoming = Incoming::Get(query.as_bytes());
    let message =
        Message { service: Service::SingleSignOn, incoming, soap_action: None, client_certificate: None };
    let decoded = decoder.decode(&message, 1_790_000_000, &Nothing, &mut |refusal| told.push(refusal.code));
    let verdict = match decoded {
        Ok(Decoded::Reported) => "let through".to_owned(),
        Ok(_) => "judged to the end".to_owned(),
        Err(refusal) => refusal.code.to_owned(),
    };
    (verdict, told)
}

/// `SAMLRequest` of the Redirect binding, in stored deflate blocks.
fn redirect(issuer: &str, destination: &str, instant: &str, more: &str) -> String {
    use base64::Engine as _;
    let xml = format!(
        "<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' \
         xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_0123456789abcdef' Version='2.0' \
         IssueInstant='{instant}' Destination='{destination}'{more}><saml:Issuer>{issuer}</saml:Issuer>\
         </samlp:AuthnRequest>"
    );
    let length = u16::try_from(xml.len()).unwrap();
    let mut deflated = vec![1];
    deflated.extend(length.to_le_bytes());
    deflated.extend((!length).to_le_bytes());
    deflated.extend(xml.as_bytes());
    let encoded = base64::prelude::BASE64_STANDARD.encode(deflated);
    format!("SAMLRequest={}", postern_form::encode(&encoded))
}

#[test]
fn a_rule_that_reports_lets_those_behind_it_decide() {
    const HERE: &str = "https://sso.example.com/samlsso";
    const NOW: &str = "2026-09-21T14:13:20Z";
    let codes = |codes: &[&str]| codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join(",");
    let good = redirect("https://sp.example", HERE, NOW, "");
    assert_eq!(reported("", &good), ("judged to the end".to_owned(), vec![]));
    let strange = redirect("https://sp.example", "https://other.example/", "2020-01-01T00:00:00Z", "");
    let switched = codes(&["saml.destination.mismatch", "saml.issue-instant.stale"]);
    assert_eq!(reported("", &strange).0, "saml.destination.mismatch");
    assert_eq!(
        reported(&codes(&["saml.destination.mismatch"]), &strange),
        ("saml.issue-instant.stale".to_owned(), vec!["saml.destination.mismatch"])
    );
    let both = vec!["saml.destination.mismatch", "saml.issue-instant.stale"];
    assert_eq!(reported(&switched, &strange), ("judged to the end".to_owned(), both.clone()));
    // The consumer service is still the registered one.
    let evil = " AssertionConsumerServiceURL='https://evil.example/acs'";
    let evil = redirect("https://sp.example", "https://other.example/", "2020-01-01T00:00:00Z", evil);
    assert_eq!(reported(&switched, &evil), ("saml.acs.not-registered".to_owned(), both));
    // Of whom nothing is known nothing can be judged; the form and the document are, all the same.
    let unknown = codes(&["saml.issuer.unknown"]);
    let nobody = redirect("https://nobody.example", HERE, NOW, "");
    assert_eq!(reported(&unknown, &nobody), ("let through".to_owned(), vec!["saml.issuer.unknown"]));
    assert_eq!(reported(&unknown, "SAMLRequest=%21").0, "saml.base64.broken");
    assert_eq!(reported(&unknown, "SAMLRequest=a&SAMLRequest=b").0, "form.duplicate");
    // No other signature algorithm, no tampered message.
    let signed = format!("{good}&SigAlg=urn%3Ax&Signature=AAAA");
    assert_eq!(reported(&unknown, &signed).0, "xml.signature.algorithm.unknown");
}

#[test]
fn a_tenant_stands_beside_a_message_once() {
    let json = format!(
        r#"{{"policy":{{"destinations":["https://sso.example.com/samlsso"],"companions":{{"tenantDomain":["a.example","b.example"]}}}},"relying_parties":[{PARTY}]}}"#
    );
    let decoder = Decoder::new(DecoderConfiguration::from_json(json.as_bytes()).unwrap());
    let code = |incoming: Incoming<'_>| {
        let service = Service::SingleSignOn;
        let message = Message { service, incoming, soap_action: None, client_certificate: None };
        let decoded = decoder.decode(&message, 1_790_000_000, &Nothing, &mut |_| {});
        decoded.map_or_else(|refusal| refusal.code, |_| "accepted")
    };
    let message =
        redirect("https://sp.example", "https://sso.example.com/samlsso", "2026-09-21T14:13:20Z", "");
    let get = |more: &str| code(Incoming::Get(format!("{message}{more}").as_bytes()));
    assert_eq!(get("&tenantDomain=a.example"), "accepted");
    assert_eq!(get("&tenantDomain=c.example"), "saml.parameter.value");
    assert_eq!(get("&tenantDomain=A.example"), "saml.parameter.value");
    assert_eq!(get("&tenantDomain=a.example&tenantDomain=b.example"), "form.duplicate");
    assert_eq!(get("&tenantdomain=a.example"), "saml.parameter.unknown");
    let post = |query: &str, body: &str| {
        let content_type = Some("application/x-www-form-urlencoded");
        code(Incoming::Post { query: query.as_bytes(), content_type, body: body.as_bytes() })
    };
    // What is behind: base64 of nothing that is XML.
    let behind = "xml.malformed";
    for (query, body) in
        [("tenantDomain=a.example", "SAMLRequest=PGE%2B"), ("", "SAMLRequest=PGE%2B&tenantDomain=a.example")]
    {
        assert_eq!(post(query, body), behind, "{query} {body}");
    }
    for (query, body, expected) in [
        ("tenantDomain=a.example", "SAMLRequest=PGE%2B&tenantDomain=a.example", "form.duplicate"),
        ("tenantDomain=a.example&tenantDomain=b.example", "SAMLRequest=PGE%2B", "form.duplicate"),
        ("tenantDomain=c.example", "SAMLRequest=PGE%2B", "saml.parameter.value"),
        ("SAMLRequest=x", "SAMLRequest=PGE%2B", "saml.post.query"),
        ("tenantDomain=a.example&RelayState=x", "SAMLRequest=PGE%2B", "saml.post.query"),
        ("", "SAMLRequest=PGE%2B&tenantDomain=c.example", "saml.parameter.value"),
    ] {
        assert_eq!(post(query, body), expected, "{query} {body}");
    }
}
