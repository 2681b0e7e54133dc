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
