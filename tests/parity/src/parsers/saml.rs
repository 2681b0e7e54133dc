//! Messages of SAML and WS-Federation: see `mod.rs`.
use std::rc::Rc;

use postern_endpoint::RequestTarget;
use postern_saml::{
    Addressed, Arrival, Decoded, Decoder, DecoderConfiguration, Decryptor, EdgeRelyingParty,
    EncryptedContent, ExpectedSignOn, IdentityProvider, Incoming, Judged, Message, OtherPaths, Policy,
    RegisteredKey, RequestHead, Service, SignOnAnswer, addresses, judge, judge_sign_on, read_registration,
};
use postern_signature::PublicKey;

use super::{AnythingIsGood, BASE_URL, NOW, NothingIsGood};

/// A query at `/samlsso`.
pub fn saml_redirect(bytes: &[u8]) {
    saml(Incoming::Get(bytes));
}

/// A body at `/samlsso`.
pub fn saml_post(bytes: &[u8]) {
    let content_type = Some("application/x-www-form-urlencoded");
    saml(Incoming::Post { query: b"", content_type, body: bytes });
}

/// Nothing is answered to anywhere but a registered URL, and no signature counts as good: without one
/// nobody is signed out.
fn saml(incoming: Incoming<'_>) {
    let party: EdgeRelyingParty = serde_json::from_str(
        r#"{"entity_id":"https://unsigned.example.com/metadata",
            "assertion_consumer_services":[{"url":"https://unsigned.example.com/acs"}]}"#,
    )
    .expect("a relying party");
    let party = Rc::new(party);
    let lookup = |entity_id: &str| Ok((entity_id == party.entity_id).then(|| Rc::clone(&party)));
    let policy = Policy { single_logout: true, ..Policy::for_destination(&format!("{BASE_URL}/samlsso")) };
    match judge(incoming, &lookup, &policy, NOW, &NothingIsGood) {
        Ok(Judged::AuthnRequest(request)) => {
            assert_eq!(request.acs.url, "https://unsigned.example.com/acs");
            assert!(!request.signed);
        }
        Ok(Judged::LogoutRequest(_) | Judged::LogoutResponse(_)) => panic!("a logout without a signature"),
        Ok(Judged::IdpInitiated(_)) | Err(_) => {}
    }
}

/// A request target: what passes unjudged has one reading, and that is not the judged path.
pub fn saml_arrival(bytes: &[u8]) {
    let policy = Policy::for_destination(&format!("{BASE_URL}/samlsso"));
    let configuration = DecoderConfiguration::new(policy, Vec::new());
    let head = RequestHead { method: b"GET", target: bytes, has_body: false, content_encoding: None };
    let path = bytes.split(|byte| *byte == b'?').next().unwrap_or_default();
    match configuration.arrival(&head) {
        Ok(Arrival::Elsewhere) => {
            assert!(RequestTarget::parse(path).is_ok());
            assert_eq!(addresses(path, "/samlsso"), Addressed::No);
        }
        Ok(Arrival::Get(..)) => assert_eq!(path, b"/samlsso"),
        Ok(Arrival::Post(..)) => panic!("a GET is no POST"),
        Err(_) => {}
    }
    let lenient = DecoderConfiguration { other_paths: OtherPaths::AnyUnambiguous, ..configuration };
    if lenient.arrival(&head) == Ok(Arrival::Elsewhere) {
        assert_eq!(addresses(path, "/samlsso"), Addressed::No);
    }
}

/// What an operator hands in to register a service provider.
pub fn saml_metadata(bytes: &[u8]) {
    if let Ok((party, _)) = read_registration(bytes, NOW) {
        party.check().expect("what was accepted is in order");
    }
}

/// A SOAP envelope at `/samlartresolve`: without a good signature, and without a certificate, no artifact
/// is resolved.
pub fn saml_artifact_resolve(bytes: &[u8]) {
    let message = federated(Service::ArtifactResolution, "text/xml", bytes);
    if let Ok(decoded) = federation().decode(&message, NOW, &NothingIsGood, &mut |_| {}) {
        panic!("nobody vouches for {decoded:?}");
    }
}

/// A form at `/commonauth`: without a good signature nobody is signed in, and a form that passes unjudged
/// carries no message.
pub fn saml_response(bytes: &[u8]) {
    let message = federated(Service::AssertionConsumer(0), "application/x-www-form-urlencoded", bytes);
    match federation().decode(&message, NOW, &NothingIsGood, &mut |_| {}) {
        Ok(Decoded::OtherForm) => {
            let form = String::from_utf8_lossy(bytes).to_ascii_lowercase();
            assert!(!form.starts_with("samlresponse=") && !form.contains("&samlresponse="), "{form}");
        }
        Ok(decoded) => panic!("nobody vouches for {decoded:?}"),
        Err(_) => {}
    }
}

/// The ID of our request, a line end, the form of its Response, and behind a NUL what its Assertion is in the
/// clear: nobody is vouched for without a signature, and whoever is has values without control characters.
pub fn saml_sign_on(bytes: &[u8]) {
    let (request_id, rest) = split(bytes, b'\n');
    let (body, clear) = split(rest, 0);
    let key = RegisteredKey(PublicKey::from_spki(vec![1; 294]));
    let provider = IdentityProvider::new("https://idp.example.com/metadata", vec![key]);
    let consumer_url = format!("{BASE_URL}/commonauth");
    let policy = Policy::for_destination(&consumer_url);
    let decryptor = Clear(clear);
    let expected = |verifier| ExpectedSignOn {
        entity_id: "https://sso.example.com/identity/metadata/saml2",
        consumer_url: &consumer_url,
        provider: &provider,
        request_id: core::str::from_utf8(request_id).unwrap_or_default(),
        authenticated_since: None,
        max_age: None,
        policy: &policy,
        now: NOW,
        verifier,
        decryptor: Some(&decryptor),
    };
    if let Ok(answer) = judge_sign_on(body, &expected(&NothingIsGood)) {
        panic!("nobody vouches for {answer:?}");
    }
    if let Ok(SignOnAnswer::Person(person)) = judge_sign_on(body, &expected(&AnythingIsGood)) {
        let values =
            person.attributes.values().flatten().chain(person.name_id.iter().map(|name| &name.value));
        for value in values {
            assert!(!value.is_empty() && !value.chars().any(char::is_control), "{value:?}");
        }
    }
}

fn split(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == at).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

/// What an Assertion is in the clear, whatever was encrypted.
struct Clear<'c>(&'c [u8]);

impl Decryptor for Clear<'_> {
    fn decrypt(&self, _: &EncryptedContent) -> Option<Vec<u8>> {
        Some(self.0.to_vec())
    }
}

/// A `wresult` at `/passivests` whose token has to be signed: without a good signature none passes.
pub fn wsfed_token(bytes: &[u8]) {
    let form = format!("wa=wsignin1.0&wresult={}", postern_form::encode(&String::from_utf8_lossy(bytes)));
    let message = federated(Service::WsFederation, "application/x-www-form-urlencoded", form.as_bytes());
    if let Ok(decoded) = federation().decode(&message, NOW, &NothingIsGood, &mut |_| {}) {
        panic!("nobody vouches for {decoded:?}");
    }
}

/// A query or a form at `/passivests`: both are judged alike, and an answer goes to a registered address.
pub fn wsfed(bytes: &[u8]) {
    let realm = postern_wsfed::Realm {
        realm: "urn:example:app".into(),
        replies: vec!["https://app.example.com/wsfed".into()],
        sign_out_replies: vec!["https://app.example.com/bye".into()],
    };
    let policy = postern_wsfed::Policy { accepts_requests: true, ..Default::default() };
    let realms = [Rc::new(realm)];
    let judged = |incoming| postern_wsfed::judge(incoming, realms.as_slice(), &policy, NOW);
    let content_type = Some("application/x-www-form-urlencoded");
    let query = judged(postern_wsfed::Incoming::Get(bytes));
    let form = judged(postern_wsfed::Incoming::Post { query: b"", content_type, body: bytes });
    if bytes.len() <= policy.limits.max_query {
        assert_eq!(query, form);
    }
    let reply = match query {
        Ok(postern_wsfed::Judged::SignIn(request)) => Some(request.reply),
        Ok(postern_wsfed::Judged::SignOut(request) | postern_wsfed::Judged::CleanUp(request)) => {
            request.reply
        }
        Ok(postern_wsfed::Judged::Result(_)) => panic!("a token in a query"),
        Err(_) => None,
    };
    if let Some(reply) = reply {
        assert!(realms[0].takes_sign_outs_at(&reply), "{reply}");
    }
}

fn federated<'m>(service: Service, content_type: &'m str, body: &'m [u8]) -> Message<'m> {
    let incoming = Incoming::Post { query: b"", content_type: Some(content_type), body };
    Message { service, incoming, soap_action: None, client_certificate: None }
}

/// Everybody is known, and no signature is good.
fn federation() -> Decoder {
    let party = |entity_id: &str, artifacts: &str| {
        format!(
            r#"{{"entity_id":"{entity_id}","assertion_consumer_services":[{{"url":"https://sp.example.com/acs"}}],
                "artifact_resolution":{artifacts}}}"#
        )
    };
    let certificate = format!(r#"{{"certificate":["{}"]}}"#, "0".repeat(64));
    let json = format!(
        r#"{{"policy":{{"destinations":["{BASE_URL}/samlsso"]}},
            "relying_parties":[{},{},{}],
            "artifact_resolution":{{"destinations":["{BASE_URL}/samlartresolve"],
                "entity_id":"{BASE_URL}/identity/metadata/saml2"}},
            "assertion_consumers":[{{"paths":["/commonauth"],"urls":["{BASE_URL}/commonauth"],
                "entity_id":"{BASE_URL}/identity/metadata/saml2","serves_other_forms":true,
                "identity_providers":[]}}],
            "wsfed":{{"policy":{{"accepts_results":true}},"realms":[]}},
            "wsfed_tokens":{{"audiences":["urn:example:edge"],"identity_providers":[]}}}}"#,
        party("https://sp.example.com/metadata", "\"signed\""),
        party("https://unsigned.example.com/metadata", "\"refused\""),
        party("https://certificate.example.com/metadata", &certificate),
    );
    let mut configuration: DecoderConfiguration = serde_json::from_str(&json).expect("a configuration");
    let provider = IdentityProvider {
        entity_id: "https://idp.example.com/metadata".into(),
        signing_keys: vec![RegisteredKey(PublicKey::from_spki(vec![0x30]))],
        allows_unsolicited: true,
        accepts_encrypted_assertions: true,
        max_assertions: 8,
    };
    let issuer = IdentityProvider::new(&provider.entity_id, provider.signing_keys.clone());
    configuration.wsfed_tokens.iter_mut().for_each(|tokens| tokens.identity_providers.push(issuer.clone()));
    configuration
        .assertion_consumers
        .iter_mut()
        .for_each(|own| own.identity_providers.push(provider.clone()));
    Decoder::new(configuration)
}
