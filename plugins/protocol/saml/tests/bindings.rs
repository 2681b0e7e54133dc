//! Both bindings are equally strict: the same XML by HTTP-Redirect and by HTTP-POST has one verdict.
use std::io::Write as _;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use postern_form::encode;
use postern_saml::{EdgeRelyingParty, Incoming, Judged, Policy, judge, parse_instant};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

const NOW: &str = "2026-11-22T12:00:00Z";
const SSO: &str = "https://sso.example.com/samlsso";

/// What a message is put together from: what is good, and what is not.
const DECLARATIONS: [&str; 6] =
    ["", "", "<?xml version='1.0'?>", "<?xml version='1.1'?>", "<!DOCTYPE a>", "\u{feff}"];
const ROOTS: [&str; 5] = [
    "samlp:AuthnRequest",
    "samlp:AuthnRequest",
    "samlp:AuthnRequest",
    "samlp:LogoutRequest",
    "saml:AuthnRequest",
];
const ATTRIBUTES: [&str; 16] = [
    " ID='_0123456789'",
    " ID='_1'",
    " ID='_0123456789' id='_0123456789'",
    " Version='2.0'",
    " Version='1.1'",
    " IssueInstant='2026-11-22T12:00:00Z'",
    " IssueInstant='2026-11-22T11:00:00Z'",
    " IssueInstant='2026-11-22T13:00:00+01:00'",
    " Destination='https://sso.example.com/samlsso'",
    " Destination='https://sso.example.com/samlsso/'",
    " AssertionConsumerServiceURL='https://sp.example/acs'",
    " AssertionConsumerServiceURL='https://sp.example/acs/x'",
    " AssertionConsumerServiceIndex='1'",
    " ForceAuthn='yes'",
    " IsPassive='true'",
    " xmlns:x='urn:x' x:y='z'",
];
const CHILDREN: [&str; 11] = [
    "<saml:Issuer>https://sp.example</saml:Issuer>",
    "<saml:Issuer>https://nobody.example</saml:Issuer>",
    "<saml:Issuer>https://sp.exam<!-- -->ple</saml:Issuer>",
    "<samlp:NameIDPolicy AllowCreate='true'/>",
    "<saml:Subject/>",
    "<samlp:Extensions><a/></samlp:Extensions>",
    "<samlp:RequestedAuthnContext><saml:AuthnContextClassRef>urn:a</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>",
    "<![CDATA[x]]>",
    "&entity;",
    "text",
    "\u{1}\u{e4}",
];

struct NothingIsGood;

impl Verifier for NothingIsGood {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Err(VerifyError::Mismatch)
    }
}

/// The reason code, or what was accepted.
fn verdict(incoming: Incoming<'_>) -> Result<Judged, &'static str> {
    let party: EdgeRelyingParty = serde_json::from_str(
        r#"{"entity_id":"https://sp.example",
            "assertion_consumer_services":[{"url":"https://sp.example/acs","index":1}]}"#,
    )
    .unwrap();
    let party = Rc::new(party);
    let lookup = |id: &str| Ok((id == party.entity_id).then(|| Rc::clone(&party)));
    let policy = Policy::for_destination(SSO);
    judge(incoming, &lookup, &policy, parse_instant(NOW).unwrap(), &NothingIsGood)
        .map_err(|refusal| refusal.code)
}

fn by_redirect(xml: &[u8], relay_state: &str) -> Result<Judged, &'static str> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml).unwrap();
    let message = BASE64_STANDARD.encode(encoder.finish().unwrap());
    verdict(Incoming::Get(format!("SAMLRequest={}{relay_state}", encode(&message)).as_bytes()))
}

fn by_post(xml: &[u8], relay_state: &str) -> Result<Judged, &'static str> {
    let body = format!("SAMLRequest={}{relay_state}", encode(&BASE64_STANDARD.encode(xml)));
    let content_type = Some("application/x-www-form-urlencoded");
    verdict(Incoming::Post { query: b"", content_type, body: body.as_bytes() })
}

fn message() -> impl Strategy<Value = String> {
    let attributes = prop::sample::subsequence(ATTRIBUTES.to_vec(), 3..7);
    let children = prop::sample::subsequence(CHILDREN.to_vec(), 0..4);
    (0..DECLARATIONS.len(), 0..ROOTS.len(), attributes, children, any::<bool>()).prop_map(
        |(declaration, root, attributes, children, good)| {
            // Half of them begin as good ones do, so that the later rules are reached.
            let head = " ID='_0123456789' Version='2.0' IssueInstant='2026-11-22T12:00:00Z'";
            let attributes = if good {
                let rest = attributes.iter().filter(|text| {
                    ![" ID", " Version", " IssueInstant"].iter().any(|name| text.starts_with(name))
                });
                format!("{head}{}", rest.copied().collect::<String>())
            } else {
                attributes.concat()
            };
            let issuer = if good { CHILDREN[0] } else { "" };
            let most = if good { 1 } else { children.len() };
            let children = children.iter().filter(|text| !good || !text.contains("Issuer")).take(most);
            let children: String = children.copied().collect();
            let root = ROOTS[root];
            format!(
                "{}<{root} xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' \
                 xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'{attributes}>{issuer}{children}</{root}>",
                DECLARATIONS[declaration]
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_has_one_verdict_by_both_bindings(xml in message(), relay_state in "(&RelayState=[a-z%2]{0,8})?") {
        prop_assert_eq!(by_redirect(xml.as_bytes(), &relay_state), by_post(xml.as_bytes(), &relay_state));
    }

    #[test]
    fn so_has_one_that_was_tampered_with(
        xml in message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = xml.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (redirect, post) = (by_redirect(&bytes, ""), by_post(&bytes, ""));
        // A reason of its own for what only one binding can have.
        prop_assume!(post != Err("saml.post.deflated"));
        prop_assert_eq!(redirect, post);
    }
}

/// The messages above reach the end of the rules, too.
#[test]
fn good_messages_are_among_them() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let xml = message().new_tree(&mut runner).unwrap().current();
            by_post(xml.as_bytes(), "").is_ok()
        })
        .count();
    assert!(accepted > 20, "{accepted} of 2000 are accepted");
}

/// Single logout, which is always signed: beside the message by Redirect, inside of it by POST.
mod logout {
    use std::collections::BTreeSet;

    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use sha2::{Digest as _, Sha256};

    use super::*;

    const ES256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

    /// Attributes as exclusive C14N sorts them, so that a message is its own canonical form.
    const ATTRIBUTES: [&str; 14] = [
        " Consent=\"urn:x\"",
        " Destination=\"https://sso.example.com/samlsso\"",
        " Destination=\"https://sso.example.com/\"",
        " InResponseTo=\"_request-1234\"",
        " InResponseTo=\"x\"",
        " IssueInstant=\"2026-11-22T11:00:00Z\"",
        " IssueInstant=\"2026-11-22T12:00:00Z\"",
        " NotOnOrAfter=\"2026-11-22T11:00:00Z\"",
        " NotOnOrAfter=\"2026-11-22T12:05:00Z\"",
        " NotOnOrAfter=\"never\"",
        " Reason=\"urn:x\"",
        " Unknown=\"x\"",
        " Version=\"1.1\"",
        " Version=\"2.0\"",
    ];
    const CHILDREN: [&str; 8] = [
        "<samlp:Extensions></samlp:Extensions>",
        "<saml:NameID>person</saml:NameID>",
        "<saml:NameID></saml:NameID>",
        "<saml:EncryptedID></saml:EncryptedID>",
        "<samlp:SessionIndex>_s</samlp:SessionIndex>",
        "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>",
        "<samlp:Status></samlp:Status>",
        "text",
    ];

    struct EverythingIsGood;

    impl Verifier for EverythingIsGood {
        fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
            Ok(())
        }
    }

    fn verdict(incoming: Incoming<'_>, key: &PublicKey) -> Result<Judged, &'static str> {
        let mut party: EdgeRelyingParty = serde_json::from_str(
            r#"{"entity_id":"https://sp.example",
                "assertion_consumer_services":[{"url":"https://sp.example/acs"}]}"#,
        )
        .unwrap();
        party.signing_keys = vec![postern_saml::RegisteredKey(key.clone())];
        let party = Rc::new(party);
        let lookup = |id: &str| Ok((id == party.entity_id).then(|| Rc::clone(&party)));
        let policy = Policy { single_logout: true, ..Policy::for_destination(SSO) };
        judge(incoming, &lookup, &policy, parse_instant(NOW).unwrap(), &EverythingIsGood)
            .map_err(|refusal| refusal.code)
    }

    fn by_redirect(xml: &str, parameter: &str, key: &PublicKey) -> Result<Judged, &'static str> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(xml.as_bytes()).unwrap();
        let message = encode(&BASE64_STANDARD.encode(encoder.finish().unwrap()));
        let query = format!("{parameter}={message}&SigAlg={}&Signature=AAAA", encode(ES256));
        verdict(Incoming::Get(query.as_bytes()), key)
    }

    fn by_post(xml: &str, parameter: &str, key: &PublicKey) -> Result<Judged, &'static str> {
        let digest = BASE64_STANDARD.encode(Sha256::digest(xml));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
             <ds:CanonicalizationMethod Algorithm=\"{EXC}\"/><ds:SignatureMethod Algorithm=\"{ES256}\"/>\
             <ds:Reference URI=\"#_0123456789\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
             <ds:Transform Algorithm=\"{EXC}\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>\
             <ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>"
        );
        let signed = xml.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
        let body = format!("{parameter}={}", encode(&BASE64_STANDARD.encode(signed)));
        let content_type = Some("application/x-www-form-urlencoded");
        verdict(Incoming::Post { query: b"", content_type, body: body.as_bytes() }, key)
    }

    fn message() -> impl Strategy<Value = (&'static str, String)> {
        let attributes = prop::sample::subsequence(ATTRIBUTES.to_vec(), 1..7);
        let children = prop::sample::subsequence(CHILDREN.to_vec(), 0..4);
        (any::<bool>(), any::<bool>(), attributes, children).prop_map(|(request, good, attributes, children)| {
            let (root, parameter) =
                if request { ("LogoutRequest", "SAMLRequest") } else { ("LogoutResponse", "SAMLResponse") };
            let mut all = attributes;
            let mut content = children.concat();
            if good {
                all.retain(|text| !["Unknown", "Destination", "Issue", "Version", "NotOn", "Reason", "InRes"].iter().any(|bad| text.contains(bad)));
                all.extend([ATTRIBUTES[1], ATTRIBUTES[6], ATTRIBUTES[13]]);
                if request {
                    content = [CHILDREN[1], if children.len() > 1 { CHILDREN[4] } else { "" }].concat();
                } else {
                    all.push(ATTRIBUTES[3]);
                    content = CHILDREN[5].to_owned();
                }
            }
            all.push(" ID=\"_0123456789\"");
            // Each name once, sorted by name as C14N does.
            let mut names = BTreeSet::new();
            all.retain(|text| names.insert(text.split('=').next().unwrap_or_default().to_owned()));
            all.sort_by_key(|text| text.split('=').next().unwrap_or_default().to_owned());
            let xml = format!(
                "<samlp:{root} xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
                 xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"{}><saml:Issuer>https://sp.example</saml:Issuer>{content}</samlp:{root}>",
                all.concat()
            );
            // C14N declares a namespace where it is used: `saml` by the Issuer and not by the root.
            let xml = xml
                .replacen(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "", 1)
                .replace("<saml:", "<saml: ")
                .replace("<saml: Issuer", "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"")
                .replace("<saml: NameID", "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"")
                .replace("<saml: EncryptedID", "<saml:EncryptedID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"");
            (parameter, xml)
        })
    }

    fn key() -> PublicKey {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        PublicKey::from_spki(der.as_ref().to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_logout_has_one_verdict_by_both_bindings((parameter, xml) in message()) {
            let key = key();
            prop_assert_eq!(by_redirect(&xml, parameter, &key), by_post(&xml, parameter, &key));
        }
    }

    #[test]
    fn good_logouts_of_both_kinds_are_among_them() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let key = key();
        let mut accepted = [0, 0];
        for _ in 0..300 {
            let (parameter, xml) = message().new_tree(&mut runner).unwrap().current();
            match by_post(&xml, parameter, &key) {
                Ok(Judged::LogoutRequest(_)) => accepted[0] += 1,
                Ok(Judged::LogoutResponse(_)) => accepted[1] += 1,
                _ => {}
            }
        }
        assert!(accepted.iter().all(|count| *count > 10), "{accepted:?} of 300 are accepted");
    }
}
