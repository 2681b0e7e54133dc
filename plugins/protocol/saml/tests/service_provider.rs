//! As a service provider: our AuthnRequest as an identity provider judges it, and our metadata as it reads
//! and the OASIS schemas have it.

#[path = "../../xml/tests/support/mod.rs"]
mod support;

use std::rc::Rc;

use postern_saml::{
    EdgeRelyingParty, IdpMetadata, Incoming, Judged, JudgedAuthnRequest, NameIdFormat, Policy, SignOnRequest,
    Signing, SpMetadata, identifier, judge, read_federated_provider, read_sp_metadata,
};
use support::{Key, Native, validate};

const NOW: u64 = 1_795_311_200;
const OURS: &str = "https://postern.example.com/commonauth/return/corporate";
const THEIRS: &str = "https://idp.example.com/samlsso";

/// The request as the provider at [`THEIRS`] judges it, which knows us by our metadata.
fn judged(
    key: &Key,
    destination: &str,
    changed: impl Fn(String) -> String,
) -> Result<JudgedAuthnRequest, String> {
    let id = identifier(&[3; 20]).unwrap();
    let contexts = ["https://refeds.org/profile/mfa".to_owned()];
    let request = SignOnRequest {
        id: &id,
        issuer: OURS,
        destination,
        consumer_url: OURS,
        issued_at: NOW,
        name_id_format: Some(NameIdFormat::Persistent),
        force: true,
        contexts: &contexts,
    };
    let sign = |message: &[u8]| Some(key.sign(message));
    let url = changed(request.url("state+/=&", Some((key.algorithm, &sign))).unwrap());
    let (service, query) = url.split_once('?').unwrap();
    assert_eq!(service, THEIRS);
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
    match judge(Incoming::Get(query.as_bytes()), &lookup, &policy, NOW, &Native) {
        Ok(Judged::AuthnRequest(request)) => Ok(request),
        Ok(other) => Err(format!("{other:?}")),
        Err(refusal) => Err(refusal.code.into()),
    }
}

#[test]
fn our_request_is_taken_by_an_identity_provider() {
    for key in [Key::rsa(), Key::p256()] {
        let request = judged(&key, THEIRS, |url| url).unwrap();
        assert!(request.signed && request.force && !request.passive);
        assert_eq!(request.entity_id, OURS);
        assert_eq!(request.acs.url, OURS);
        assert_eq!(request.relay_state.as_deref(), Some("state+/=&"));
        assert_eq!(request.context.unwrap().classes, ["https://refeds.org/profile/mfa"]);
    }
}

#[test]
fn the_signature_covers_the_request_and_the_relay_state() {
    let key = Key::rsa();
    let other_state = |url: String| url.replace("RelayState=state", "RelayState=stage");
    assert_eq!(judged(&key, THEIRS, other_state).unwrap_err(), "saml.signature.mismatch");
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
    assert_eq!(read.sign_on_url, THEIRS);
    assert_eq!(read.provider.entity_id, "https://idp.example.com/metadata");
    assert!(!read.wants_signed_requests);
    let in_the_clear = metadata.replace("https://idp.example.com/samlsso", "http://idp.example.com/samlsso");
    let refused = read_federated_provider(in_the_clear.as_bytes(), NOW).unwrap_err();
    assert_eq!(refused.code, "saml.metadata.role");
}
