//! Responses and metadata: signed as xmlsec1 reads it, valid as the OASIS schemas have it.

#[path = "../../xml/tests/support/mod.rs"]
mod support;

use postern_saml::{
    ErrorResponse, IdpMetadata, NameFormat, NameIdFormat, RelyingParty, ResponseAttribute, ResponseNameId,
    Signing, Signs, Status, SuccessResponse, error_response, identifier, read_registration, read_sp_metadata,
    success_response,
};
use support::{Key, validate, xmlsec_verifies};

const PROTOCOL: &str = "saml-schema-protocol-2.0.xsd";
const METADATA: &str = "saml-schema-metadata-2.0.xsd";
const NOW: u64 = 1_795_311_200;

fn response(key: &Key, signs: Signs, format: NameIdFormat) -> String {
    let name_id = ResponseNameId { format, value: "a<b&\u{e4}".to_owned() };
    let attributes = [
        ResponseAttribute {
            name: "urn:oid:0.9.2342.19200300.100.1.3".to_owned(),
            name_format: NameFormat::Uri,
            friendly_name: Some("mail".to_owned()),
            values: vec!["a@example.com".to_owned(), "b@example.com".to_owned()],
        },
        ResponseAttribute {
            name: "none".to_owned(),
            name_format: NameFormat::Basic,
            friendly_name: None,
            values: Vec::new(),
        },
    ];
    let response = SuccessResponse {
        response_id: &identifier(&[1; 20]).unwrap(),
        assertion_id: &identifier(&[2; 20]).unwrap(),
        issuer: "https://sso.example.com/identity/metadata/saml2",
        audience: "https://sp.example",
        recipient: "https://sp.example/acs?a=1&b=2",
        in_response_to: Some("_0123456789"),
        issued_at: NOW,
        not_before: NOW - 60,
        not_on_or_after: NOW + 300,
        name_id: &name_id,
        authn_instant: NOW - 5,
        session_index: "_session",
        session_not_on_or_after: Some(NOW + 3_600),
        context_class: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        attributes: &attributes,
    };
    success_response(&response, signs, &signing(key, &|bytes| key.sign(bytes))).unwrap()
}

fn signing<'a>(key: &'a Key, sign: &'a dyn Fn(&[u8]) -> Vec<u8>) -> Signing<'a> {
    Signing { algorithm: key.algorithm, certificate: &key.certificate, sign }
}

#[test]
fn responses_verify_with_xmlsec_and_validate() {
    for key in [Key::rsa(), Key::p256()] {
        for (signs, parts) in [
            (Signs::Assertion, &["Assertion"][..]),
            (Signs::Response, &["Response"]),
            (Signs::Both, &["Assertion", "Response"]),
        ] {
            let text = response(&key, signs, NameIdFormat::Persistent);
            validate(&text, PROTOCOL);
            for part in ["Assertion", "Response"] {
                assert_eq!(xmlsec_verifies(&text, &key, part), parts.contains(&part), "{signs} {part}");
            }
            let tampered = text.replace("https://sp.example</saml:Audience>", "https://evil</saml:Audience>");
            assert_ne!(tampered, text);
            for part in parts {
                assert!(!xmlsec_verifies(&tampered, &key, part), "{signs} {part}");
            }
        }
    }
    for format in NameIdFormat::ALL {
        let text = response(&Key::p256(), Signs::Assertion, format);
        validate(&text, PROTOCOL);
        assert!(text.contains(format.uri()));
    }
}

#[test]
fn failures_are_signed_and_valid() {
    let key = Key::p256();
    for status in [
        Status::NoPassive,
        Status::AuthnFailed,
        Status::NoAuthnContext,
        Status::RequestDenied,
        Status::InvalidNameIdPolicy,
    ] {
        let response = ErrorResponse {
            id: "_00112233445566778899",
            issuer: "https://sso.example.com",
            destination: "https://sp.example/acs",
            in_response_to: Some("_0123456789"),
            issued_at: NOW,
            status,
        };
        let text = error_response(&response, &signing(&key, &|bytes| key.sign(bytes))).unwrap();
        validate(&text, PROTOCOL);
        assert!(xmlsec_verifies(&text, &key, "Response"), "{status:?}");
        assert!(!text.contains("Assertion "));
    }
}

#[test]
fn our_metadata_is_signed_and_valid() {
    let (key, old) = (Key::rsa(), Key::rsa());
    let metadata = IdpMetadata {
        id: "_00112233445566778899",
        entity_id: "https://sso.example.com/identity/metadata/saml2",
        sign_on_url: "https://sso.example.com/samlsso",
        certificates: &[key.certificate.clone(), old.certificate.clone()],
    };
    let text = metadata.write(&signing(&key, &|bytes| key.sign(bytes))).unwrap();
    validate(&text, METADATA);
    assert!(xmlsec_verifies(&text, &key, "EntityDescriptor"));
    assert!(!xmlsec_verifies(&text, &old, "EntityDescriptor"));
}

fn sp_metadata(key: &Key, more: &str) -> String {
    let certificate = key.certificate_pem();
    let certificate: String = certificate.lines().filter(|line| !line.starts_with('-')).collect();
    format!(
        "<?xml version=\"1.0\"?><!-- made by hand -->\n\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://sp.example\">\
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>\n{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\
         <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\" \
         Location=\"https://sp.example/artifact\" index=\"0\"/>\
         <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://sp.example/acs\" index=\"1\" isDefault=\"true\"/>\
         <md:AttributeConsumingService index=\"0\"><md:ServiceName xml:lang=\"en\">x</md:ServiceName>\
         <md:RequestedAttribute Name=\"urn:oid:2.5.4.4\" FriendlyName=\"sn\" \
         NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\"/>\
         <md:RequestedAttribute Name=\"shoeSize\"/></md:AttributeConsumingService>\
         </md:SPSSODescriptor>{more}\
         </md:EntityDescriptor>"
    )
}

#[test]
fn a_relying_party_is_registered_from_its_metadata() {
    let key = Key::rsa();
    let organization = "<md:Organization><md:OrganizationName xml:lang=\"en\">x</md:OrganizationName>\
        <md:OrganizationDisplayName xml:lang=\"en\">Wiki</md:OrganizationDisplayName>\
        <md:OrganizationURL xml:lang=\"en\">https://sp.example</md:OrganizationURL></md:Organization>";
    let text = sp_metadata(&key, organization);
    validate(&text, METADATA);
    let (party, name) = read_sp_metadata(text.as_bytes(), NOW).unwrap();
    assert_eq!(name.as_deref(), Some("Wiki"));
    assert_eq!(party.entity_id, "https://sp.example");
    assert_eq!(party.signing_keys[0].0, key.public);
    assert!(party.requires_signed_requests);
    assert_eq!(party.assertion_consumer_services.len(), 1);
    assert_eq!(party.name_id.default, NameIdFormat::Transient);
    let [surname] = party.attributes.as_slice() else { panic!("{:?}", party.attributes) };
    assert_eq!((surname.claim.as_str(), surname.name_format), ("family_name", NameFormat::Uri));
    let json = serde_json::to_vec(&party).unwrap();
    assert_eq!(RelyingParty::from_json(&json).unwrap(), party);
}

#[test]
fn metadata_that_cannot_be_used_is_refused() {
    let text = sp_metadata(&Key::rsa(), "");
    let code = |text: &str| {
        read_sp_metadata(text.as_bytes(), NOW).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
    };
    assert_eq!(code(&text), "accepted");
    let valid = |until: &str| text.replace(" entityID", &format!(" validUntil=\"{until}\" entityID"));
    assert_eq!(code(&valid("2099-01-01T00:00:00Z")), "accepted");
    assert_eq!(code(&valid("2020-01-01T00:00:00Z")), "saml.metadata.expired");
    assert_eq!(code(&valid("tomorrow")), "saml.metadata.value");
    assert_eq!(code(&text.replace("EntityDescriptor", "EntitiesDescriptor")), "saml.metadata.root");
    assert_eq!(code(&text.replace("SPSSODescriptor", "IDPSSODescriptor")), "saml.metadata.role");
    assert_eq!(code(&text.replace("HTTP-POST", "PAOS")), "saml.registration.acs.none");
    assert_eq!(
        code(&text.replace("https://sp.example/acs", "http://sp.example/acs")),
        "saml.registration.acs.url"
    );
    assert_eq!(
        code(&text.replace("<ds:X509Certificate>", "<ds:X509Certificate>AA")),
        "saml.metadata.certificate"
    );
    assert_eq!(code(&format!("<!DOCTYPE x>{}", &text["<?xml version=\"1.0\"?>".len()..])), "xml.dtd");
    let no_key = text.replace("<md:KeyDescriptor>", "<md:KeyDescriptor use=\"encryption\">");
    assert_eq!(code(&no_key), "saml.registration.keys.none");
}

#[test]
fn weak_and_unknown_keys_are_refused() {
    use aws_lc_rs::encoding::AsDer as _;
    let code = |spki: &[u8]| postern_saml::check_key(spki).map(|()| "good").unwrap_or_else(|r| r.code);
    assert_eq!(code(Key::rsa().public.spki()), "good");
    assert_eq!(code(Key::p256().public.spki()), "good");
    assert_eq!(code(b"nonsense"), "saml.key.malformed");
    // RSA-1024 from OpenSSL: aws-lc-rs makes none.
    let output = std::process::Command::new("sh")
        .args(["-c", "openssl genrsa 1024 2>/dev/null | openssl rsa -pubout -outform DER 2>/dev/null"])
        .output()
        .unwrap();
    assert!(!output.stdout.is_empty(), "the tests need openssl");
    assert_eq!(code(&output.stdout), "saml.key.weak");
    let ed = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    let spki = aws_lc_rs::signature::KeyPair::public_key(&ed).as_der().unwrap();
    assert_eq!(code(spki.as_ref()), "saml.key.unsupported");
}

#[test]
fn an_operator_may_add_to_the_metadata() {
    let metadata = sp_metadata(&Key::p256(), "");
    let source = serde_json::json!({
        "metadata": metadata,
        "signs": "response",
        "attributes": [{"claim": "groups", "name": "groups"}],
    });
    let (party, _) = read_registration(source.to_string().as_bytes(), NOW).unwrap();
    assert_eq!(party.entity_id, "https://sp.example");
    assert_eq!(party.signs, Signs::Response);
    assert_eq!(party.attributes[0].claim, "groups");
    let (plain, _) = read_registration(metadata.as_bytes(), NOW).unwrap();
    let json = serde_json::to_vec(&plain).unwrap();
    assert_eq!(read_registration(&json, NOW).unwrap().0, plain);
    for wrong in [
        serde_json::json!({"metadata": metadata, "sings": "response"}),
        serde_json::json!({"metadata": 1}),
        serde_json::json!({"entity_id": "x"}),
    ] {
        let refusal = read_registration(wrong.to_string().as_bytes(), NOW).unwrap_err();
        assert_eq!(refusal.code, "saml.registration.malformed");
    }
}
