//! Every parser of what comes from outside, as functions of bytes that must not panic.
//!
//! The fuzz targets (`tests/fuzz`) and a bounded run over mutated vectors (`tests/mutations.rs`)
//! use the same table. Where a parser accepts, what it promises is checked.
use std::net::IpAddr;
use std::rc::Rc;

use postern_endpoint::{ClientAddress, Network, RateLimit, RateTable, RequestTarget};
use postern_form::{Form, encode};
use postern_jose::json::Value;
use postern_jose::validator::{JwksSource, Member, read_bearer, refresh_interval};
use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessTokenRule, DpopRule, IntrospectionAnswer, IntrospectionRule, KeySet,
    UnverifiedJws, judge_access_token, judge_dpop_proof, judge_introspection, read_dpop_header,
};
use postern_oauth::{
    AuthorizationClient, AuthorizationRequest, ClientCredentials, Registration, TokenRequest,
};
use postern_oidc::{AuthenticationRequest, LogoutRequest};
use postern_refusal::Refusal;
use postern_saml::{
    Addressed, Arrival, Decoded, Decoder, DecoderConfiguration, EdgeRelyingParty, IdentityProvider, Incoming,
    Judged, Message, OtherPaths, Policy, RegisteredKey, RequestHead, Service, addresses, judge,
    read_registration,
};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use postern_xml::{Document, Limits};

use crate::{host_parsers, wire_parsers};

/// A parser by the name of its fuzz target.
pub type Parser = (&'static str, fn(&[u8]));

/// All of them.
pub const PARSERS: [Parser; 28] = [
    ("form", form),
    ("endpoint_target", endpoint_target),
    ("endpoint_client", endpoint_client),
    ("xml", xml),
    ("saml_redirect", saml_redirect),
    ("saml_post", saml_post),
    ("saml_arrival", saml_arrival),
    ("saml_metadata", saml_metadata),
    ("saml_artifact_resolve", saml_artifact_resolve),
    ("saml_response", saml_response),
    ("wsfed", wsfed),
    ("jws", jws),
    ("access_token", access_token),
    ("bearer", bearer),
    ("jwks", jwks),
    ("dpop_proof", dpop_proof),
    ("introspection", introspection),
    ("cache_control", cache_control),
    ("authorization_request", authorization_request),
    ("token_request", token_request),
    ("client_registration", client_registration),
    ("feed", wire_parsers::feed),
    ("header_pairs", wire_parsers::header_pairs),
    ("connection", wire_parsers::connection),
    ("guard", wire_parsers::guard),
    ("guest_pairs", host_parsers::guest_pairs),
    ("verify_signature", host_parsers::verify_signature),
    ("call_response", host_parsers::call_response),
];

/// Seconds since 1970: any time will do.
pub(crate) const NOW: u64 = 1_790_000_000;
pub(crate) const BASE_URL: &str = "https://sso.example.com";

/// Parameter names stay literal, and what was read is read again when it is written.
pub fn form(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let written: Vec<_> = form
        .parameters()
        .iter()
        .map(|parameter| format!("{}={}", parameter.name, encode(&parameter.value)))
        .collect();
    let written = written.join("&");
    let again = Form::parse(written.as_bytes()).expect("what was accepted is accepted again");
    for (one, other) in form.parameters().iter().zip(again.parameters()) {
        assert_eq!((one.name, &one.value), (other.name, &other.value));
    }
}

/// An accepted path has no second reading.
pub fn endpoint_target(bytes: &[u8]) {
    let Ok(target) = RequestTarget::parse(bytes) else { return };
    let path = target.path();
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
    assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{path}");
    for forbidden in ["//", "\\", ";", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%00", "%25"] {
        assert!(!path.contains(forbidden), "{path}");
    }
}

/// `X-Forwarded-For`, a network, and what stands in a slot of shared data.
pub fn endpoint_client(bytes: &[u8]) {
    let connection = IpAddr::from([10, 0, 0, 1]);
    let trusted = "10.0.0.0/8".parse().expect("a network");
    for rule in [
        ClientAddress::TrustedHops(1),
        ClientAddress::TrustedHops(3),
        ClientAddress::TrustedProxies(vec![trusted]),
    ] {
        let values = bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        if let Ok(client) = rule.resolve(connection, values.into_iter()) {
            assert_eq!(client, client.to_canonical());
        }
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network));
    }
    let limit: RateLimit =
        serde_json::from_str(r#"{"path":"/a","requests":9,"seconds":1}"#).expect("a limit");
    let bucket = RateTable::new([7; 16]).bucket(connection, "/a");
    if let Ok(slot) = bucket.take(bytes, &limit, NOW) {
        assert!(slot.len() <= 96);
    }
}

/// An unsigned document.
pub fn xml(bytes: &[u8]) {
    if let Ok(document) = Document::read(bytes, &Limits::default()) {
        let _ = document.root_name();
        let _ = document.into_unsigned();
    }
}

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
    let message = federated(Service::AssertionConsumer, "application/x-www-form-urlencoded", bytes);
    match federation().decode(&message, NOW, &NothingIsGood, &mut |_| {}) {
        Ok(Decoded::OtherForm) => {
            let form = String::from_utf8_lossy(bytes).to_ascii_lowercase();
            assert!(!form.starts_with("samlresponse=") && !form.contains("&samlresponse="), "{form}");
        }
        Ok(decoded) => panic!("nobody vouches for {decoded:?}"),
        Err(_) => {}
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
            "assertion_consumer":{{"paths":["/commonauth"],"urls":["{BASE_URL}/commonauth"],
                "entity_id":"{BASE_URL}/identity/metadata/saml2","serves_other_forms":true}},
            "identity_providers":[]}}"#,
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
    configuration.identity_providers.push(provider);
    Decoder::new(configuration)
}

/// A JWS that nobody has verified.
pub fn jws(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(jws) = UnverifiedJws::read(text) {
        let _ = jws.claimed_issuer();
    }
}

/// No token is good when no signature is.
pub fn access_token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let keys = KeySet::read(
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"idp-ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    )
    .expect("a key set");
    let rule = AccessTokenRule {
        issuer: BASE_URL,
        audiences: &[BASE_URL],
        algorithms: &[Algorithm::EdDsa],
        types: &ACCESS_TOKEN_TYPES,
        max_lifetime: 3_600,
        skew: 30,
    };
    assert!(judge_access_token(text, &rule, &keys, NOW, &NothingIsGood).is_err());
}

/// An Authorization header.
pub fn bearer(bytes: &[u8]) {
    if let Ok(token) = read_bearer(&[bytes]) {
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{token}");
    }
}

/// A JWK Set.
pub fn jwks(bytes: &[u8]) {
    if let Ok(keys) = KeySet::read(bytes) {
        assert!(!keys.keys().is_empty());
    }
}

/// A DPoP proof, whose signature is of no help and then of no hindrance.
pub fn dpop_proof(bytes: &[u8]) {
    let Ok(text) = read_dpop_header(&[bytes]) else { return };
    let rule = DpopRule {
        method: "GET",
        uris: &[format!("{BASE_URL}/orders")],
        access_token: "token",
        algorithms: &[Algorithm::Es256, Algorithm::EdDsa],
        max_age: 60,
        skew: 30,
        nonces: None,
    };
    assert!(judge_dpop_proof(text, &rule, NOW, &NothingIsGood).is_err(), "accepted without a signature");
    if let Ok(proof) = judge_dpop_proof(text, &rule, NOW, &AnythingIsGood) {
        let proof = proof.into_inner();
        assert!(proof.thumbprint.len() == 43 && !proof.proof_id.is_empty());
        assert!(proof.until > NOW && proof.until <= NOW + 120, "{}", proof.until);
    }
}

/// What an issuer answers about a token: the first line is its content type, the rest its body. What is
/// accepted is an active access token of that issuer, for us, that is good now and for a bounded time;
/// what is refused is the token's fault or the answer's.
pub fn introspection(bytes: &[u8]) {
    let (content_type, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (&b"application/json"[..], bytes),
    };
    let answer = IntrospectionAnswer { status: 200, content_types: &[content_type], body };
    for may_lack in [&[][..], &[Member::Iss, Member::Aud, Member::Exp, Member::Iat, Member::Sub]] {
        let rule = IntrospectionRule {
            issuer: BASE_URL,
            audiences: &[BASE_URL],
            may_lack,
            max_lifetime: 3_600,
            max_cache: 30,
            skew: 30,
        };
        match judge_introspection(&answer, &rule, NOW) {
            Ok(token) => {
                let token = token.into_inner();
                assert_eq!(token.claims.get("active"), Some(&Value::Bool(true)));
                assert_eq!(token.issuer, BASE_URL);
                let for_us = token.audience.iter().any(|audience| audience == BASE_URL);
                assert!(for_us || (token.audience.is_empty() && !may_lack.is_empty()));
                assert!(token.expires_at + 30 > NOW && token.issued_at <= NOW + 30);
                assert!(!token.subject.is_empty() && !token.client_id.is_empty());
            }
            Err(refusal) => assert!([401, 503].contains(&refusal.status), "{refusal}"),
        }
    }
}

/// Whatever an issuer says of the time that its keys are good for, the operator's bounds hold.
pub fn cache_control(bytes: &[u8]) {
    let source = JwksSource::new("keys", "keys.example.com", "/jwks");
    let seconds = refresh_interval(Some(bytes), &source);
    assert!((source.min_refresh_seconds..=source.max_refresh_seconds).contains(&seconds), "{seconds}");
}

/// Nothing is sent anywhere but to a registered redirect URI.
pub fn authorization_request(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let registration = registration();
    if let Ok(request) = AuthorizationRequest::judge(&form, &AuthorizationClient::of(&registration)) {
        assert_eq!(request.target.redirect_uri(), registration.redirect_uris[0]);
        assert!(request.code_challenge.is_some(), "a public client without PKCE");
        let _ = AuthenticationRequest::judge(&form, &request.target);
    }
    let _ = LogoutRequest::read(&form);
}

/// Client authentication and the token request.
pub fn token_request(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let header = form.parameters().first().map(|parameter| parameter.value.clone());
    for authorization in [None, header.as_deref()] {
        if let Ok(credentials) = ClientCredentials::read(&form, authorization) {
            let _ = credentials.judge(&registration(), &[BASE_URL], NOW, &NothingIsGood);
        }
    }
    let _ = TokenRequest::read(&form, &registration());
}

/// What an operator hands in to register a client.
pub fn client_registration(bytes: &[u8]) {
    if let Ok(registration) = Registration::read(bytes) {
        let written = serde_json::to_vec(&registration).expect("JSON");
        assert_eq!(Registration::read(&written), Ok(registration));
    }
}

fn registration() -> Registration {
    let read: Result<Registration, Refusal> = Registration::read(
        br#"{"client_id":"public-client","redirect_uris":["https://public.example.com/callback"],
            "token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}"#,
    );
    read.expect("a registration")
}

/// So that whatever is accepted was accepted without a signature.
pub(crate) struct NothingIsGood;

impl Verifier for NothingIsGood {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Err(VerifyError::Mismatch)
    }
}

/// So that what stands behind a signature is reached.
struct AnythingIsGood;

impl Verifier for AnythingIsGood {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Ok(())
    }
}
