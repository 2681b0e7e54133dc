//! As a service provider: our AuthnRequest as an identity provider judges it, and our metadata as it reads
//! and the OASIS schemas have it.

#[path = "../../xml/tests/support/mod.rs"]
mod support;

use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_saml::{
    EdgeRelyingParty, IdpMetadata, Incoming, Judged, JudgedAuthnRequest, NameIdFormat, Policy,
    RequestBinding, SignOnRequest, Signing, SpMetadata, identifier, judge, read_federated_provider,
    read_sp_metadata,
};
use support::{Key, Native, validate};

const NOW: u64 = 1_795_311_200;
const OURS: &str = "https://postern.example.com/commonauth/return/corporate";
const THEIRS: &str = "https://idp.example.com/samlsso";

/// Our request, for the provider at [`THEIRS`].
fn request<'r>(id: &'r str, contexts: &'r [String]) -> SignOnRequest<'r> {
    SignOnRequest {
        id,
        issuer: OURS,
        destination: THEIRS,
        consumer_url: OURS,
        issued_at: NOW,
        name_id_format: Some(NameIdFormat::Persistent),
        force: true,
        contexts,
    }
}

/// The request by HTTP-Redirect as the provider judges it.
fn judged(key: &Key, changed: impl Fn(String) -> String) -> Result<JudgedAuthnRequest, String> {
    let id = identifier(&[3; 20]).unwrap();
    let contexts = ["https://refeds.org/profile/mfa".to_owned()];
    let sign = |message: &[u8]| Some(key.sign(message));
    let url = request(&id, &contexts).url("state+/=&", Some((key.algorithm, &sign))).unwrap();
    let url = changed(url);
    let (service, query) = url.split_once('?').unwrap();
    assert_eq!(service, THEIRS);
    at_provider(key, Incoming::Get(query.as_bytes()))
}

/// The request by HTTP-POST as the provider judges it, with what becomes of its XML on the way.
fn judged_by_post(key: &Key, changed: impl Fn(String) -> String) -> Result<JudgedAuthnRequest, String> {
    let id = identifier(&[3; 20]).unwrap();
    let contexts = ["https://refeds.org/profile/mfa".to_owned()];
    let sign = |message: &[u8]| Some(key.sign(message));
    let fields = request(&id, &contexts).form("state+/=&", (key.algorithm, &sign)).unwrap();
    let [(request, xml), (relay_state, state)] = &fields[..] else { panic!("{fields:?}") };
    assert_eq!(
        (request.as_str(), relay_state.as_str(), state.as_str()),
        ("SAMLRequest", "RelayState", "state+/=&")
    );
    let xml = String::from_utf8(BASE64_STANDARD.decode(xml).unwrap()).unwrap();
    validate(&xml, "saml-schema-protocol-2.0.xsd");
    let encoded = postern_form::encode(&BASE64_STANDARD.encode(changed(xml)));
    let body = format!("SAMLRequest={encoded}&RelayState={}", postern_form::encode(state));
    let content_type = Some("application/x-www-form-urlencoded");
    at_provider(key, Incoming::Post { query: b"", content_type, body: body.as_bytes() })
}

/// It knows us by our metadata.
fn at_provider(key: &Key, incoming: Incoming<'_>) -> Result<JudgedAuthnRequest, String> {
    let metadata = SpMetadata {
        entity_id: OURS,
        consumer_url: OURS,
        signing: core::slice::from_ref(&key.certificate),
        encryption: &[Key::rsa().certificate],
    };
    let (party, _) = read_sp_metadata(metadata.write().as_bytes(), NOW).unwrap();
    assert!(party.requires_signed_requests);
    let party: Rc<EdgeRelyingParty> = Rc::new(party.edge());
    let lookup = |entity: &str| Ok((entity == OURS).then(|| Rc::clone(&party)));
    let policy = Policy::for_destination(THEIRS);
    match judge(incoming, &lookup, &policy, NOW, &Native) {
        Ok(Judged::AuthnRequest(request)) => Ok(request),
        Ok(other) => Err(format!("{other:?}")),
        Err(refusal) => Err(refusal.code.into()),
    }
}

#[test]
fn our_request_is_taken_by_an_identity_provider() {
    for key in [Key::rsa(), Key::p256()] {
        for request in [judged(&key, |url| url).unwrap(), judged_by_post(&key, |xml| xml).unwrap()] {
            assert!(request.signed && request.force && !request.passive);
            assert_eq!(request.entity_id, OURS);
            assert_eq!(request.acs.url, OURS);
            assert_eq!(request.relay_state.as_deref(), Some("state+/=&"));
            assert_eq!(request.context.unwrap().classes, ["https://refeds.org/profile/mfa"]);
        }
    }
}

#[test]
fn the_signature_covers_the_request_and_the_relay_state() {
    let key = Key::rsa();
    let other_state = |url: String| url.replace("RelayState=state", "RelayState=stage");
    assert_eq!(judged(&key, other_state).unwrap_err(), "saml.signature.mismatch");
    // By HTTP-POST it covers the request alone, which says all but where the answer belongs.
    let unforced = |xml: String| xml.replace(" ForceAuthn=\"true\"", "");
    assert_eq!(judged_by_post(&key, unforced).unwrap_err(), "xml.digest.mismatch");
}

#[test]
fn our_metadata_is_the_schemas() {
    let certificate = Key::rsa().certificate;
    for (signing, encryption) in [(1, 1), (2, 0), (0, 0)] {
        let metadata = SpMetadata {
            entity_id: OURS,
            consumer_url: OURS,
            signing: &vec![certificate.clone(); signing],
            encryption: &vec![certificate.clone(); encryption],
        };
        validate(&metadata.write(), "saml-schema-metadata-2.0.xsd");
    }
}

#[test]
fn where_requests_go_is_in_the_providers_metadata() {
    let key = Key::rsa();
    let sign = |bytes: &[u8]| key.sign(bytes);
    let signing = Signing { algorithm: key.algorithm, certificate: &key.certificate, sign: &sign };
    let written = IdpMetadata {
        id: "_metadata",
        entity_id: "https://idp.example.com/metadata",
        sign_on_url: THEIRS,
        certificates: core::slice::from_ref(&key.certificate),
    };
    let metadata = written.write(&signing).unwrap();
    let read = read_federated_provider(metadata.as_bytes(), NOW).unwrap();
    assert_eq!(read.service(None), Ok((RequestBinding::Redirect, THEIRS)));
    assert_eq!(read.service(Some(RequestBinding::Post)), Ok((RequestBinding::Post, THEIRS)));
    assert_eq!(read.provider.entity_id, "https://idp.example.com/metadata");
    assert!(!read.wants_signed_requests);
    let in_the_clear = metadata.replace("https://idp.example.com/samlsso", "http://idp.example.com/samlsso");
    let refused = read_federated_provider(in_the_clear.as_bytes(), NOW).unwrap_err();
    assert_eq!(refused.code, "saml.metadata.role");

    // One binding alone. A URL that is in the clear is none.
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    let soap = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
    let service = format!("Binding=\"{redirect}\" Location=\"{THEIRS}\"");
    assert!(metadata.contains(&service));
    for other in [
        format!("Binding=\"{soap}\" Location=\"{THEIRS}\""),
        format!("Binding=\"{redirect}\" Location=\"http://idp.example.com/samlsso\""),
        format!("Binding=\"{redirect}\" Location=\"javascript:alert(1)\""),
    ] {
        let read = read_federated_provider(metadata.replace(&service, &other).as_bytes(), NOW).unwrap();
        assert_eq!(read.service(None), Ok((RequestBinding::Post, THEIRS)), "{other}");
        let refused = read.service(Some(RequestBinding::Redirect)).unwrap_err();
        assert_eq!(refused.code, "saml.metadata.binding");
    }
}
