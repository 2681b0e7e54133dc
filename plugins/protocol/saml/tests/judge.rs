//! One message, one verdict: what is accepted at `/samlsso`, and every reason not to.

#[path = "../../xml/tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use postern_form::encode;
use postern_refusal::Refusal;
use postern_saml::{
    EdgeRelyingParty, Incoming, Judged, JudgedAuthnRequest, Policy, RegisteredKey, judge, parse_instant,
};
use support::{Key, Native, xmlsec_sign};

const NOW: &str = "2026-11-22T12:00:00Z";
const SSO: &str = "https://sso.example.com/samlsso";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

struct Scene {
    parties: Vec<Rc<EdgeRelyingParty>>,
    policy: Policy,
    now: u64,
}

impl Scene {
    fn new() -> Self {
        let sp = serde_json::json!({
            "entity_id": "https://sp.example",
            "assertion_consumer_services": [
                {"url": "https://sp.example/acs", "index": 1},
                {"url": "https://sp.example/other", "index": 2, "default": true}],
            "idp_initiated": {"allowed": true, "targets": ["https://sp.example/home"]},
        });
        let quiet = serde_json::json!({
            "entity_id": "https://quiet.example",
            "assertion_consumer_services": [{"url": "https://quiet.example/acs"}],
        });
        let parties = [sp, quiet].map(|json| Rc::new(serde_json::from_value(json).unwrap())).to_vec();
        Self { parties, policy: Policy::for_destination(SSO), now: parse_instant(NOW).unwrap() }
    }

    /// The same, with keys for the first party.
    fn with_keys(keys: &[&Key], required: bool) -> Self {
        let mut scene = Self::new();
        let mut party = (*scene.parties[0]).clone();
        party.signing_keys = keys.iter().map(|key| RegisteredKey(key.public.clone())).collect();
        party.requires_signed_requests = required;
        scene.parties[0] = Rc::new(party);
        scene
    }

    fn judge(&self, incoming: Incoming<'_>) -> Result<Judged, Refusal> {
        let lookup = |id: &str| Ok(self.parties.iter().find(|party| party.entity_id == id).map(Rc::clone));
        judge(incoming, &lookup, &self.policy, self.now, &Native)
    }

    fn get(&self, query: &str) -> Result<JudgedAuthnRequest, Refusal> {
        match self.judge(Incoming::Get(query.as_bytes()))? {
            Judged::AuthnRequest(request) => Ok(request),
            other => panic!("not an AuthnRequest: {other:?}"),
        }
    }

    fn redirect(&self, xml: &str) -> Result<JudgedAuthnRequest, Refusal> {
        self.get(&format!("SAMLRequest={}", deflated(xml)))
    }

    fn post(&self, xml: &str) -> Result<JudgedAuthnRequest, Refusal> {
        let body = format!("SAMLRequest={}", encode(&BASE64_STANDARD.encode(xml)));
        match self.judge(post_of(b"", body.as_bytes()))? {
            Judged::AuthnRequest(request) => Ok(request),
            other => panic!("not an AuthnRequest: {other:?}"),
        }
    }

    fn code(&self, query: &str) -> &'static str {
        code(self.judge(Incoming::Get(query.as_bytes())))
    }
}

fn post_of<'a>(query: &'a [u8], body: &'a [u8]) -> Incoming<'a> {
    Incoming::Post { query, content_type: Some("application/x-www-form-urlencoded"), body }
}

fn code<T>(verdict: Result<T, Refusal>) -> &'static str {
    verdict.map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflated(xml: &str) -> String {
    encode(&BASE64_STANDARD.encode(deflate(xml.as_bytes())))
}

const HEAD: &str = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
    xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
const ISSUER: &str = "<saml:Issuer>https://sp.example</saml:Issuer>";

fn request(attributes: &str, children: &str) -> String {
    format!(
        "{HEAD} ID=\"_0123456789\" Version=\"2.0\" IssueInstant=\"{NOW}\"{attributes}>{ISSUER}{children}</samlp:AuthnRequest>"
    )
}

fn plain() -> String {
    request(&format!(" Destination=\"{SSO}\""), "")
}

fn signed_query(xml: &str, relay_state: Option<&str>, method: &str, key: &Key) -> String {
    let mut query = format!("SAMLRequest={}", deflated(xml));
    if let Some(state) = relay_state {
        query.push_str(&format!("&RelayState={}", encode(state)));
    }
    query.push_str(&format!("&SigAlg={}", encode(method)));
    let signature = BASE64_STANDARD.encode(key.sign(query.as_bytes()));
    query.push_str(&format!("&Signature={}", encode(&signature)));
    query
}

fn enveloped(xml: &str, key: &Key) -> String {
    const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let signature = format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{EXC}\"/><ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/>\
         <ds:Reference URI=\"#_0123456789\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"{EXC}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/>\
         </ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    );
    let at = xml.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
    let template = format!("{}{signature}{}", &xml[..at], &xml[at..]);
    // xmlsec1 writes an XML declaration, as relying parties do.
    xmlsec_sign(&template, key, "AuthnRequest")
}

#[test]
fn an_unsigned_request_is_read_whole() {
    let scene = Scene::new();
    let xml = request(
        " ForceAuthn=\"true\" IsPassive=\"1\" AssertionConsumerServiceURL=\"https://sp.example/acs\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"",
        "<samlp:Extensions><x xmlns=\"urn:x\"/></samlp:Extensions>\
         <samlp:NameIDPolicy AllowCreate=\"true\" Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\"/>\
         <samlp:RequestedAuthnContext Comparison=\"minimum\"><saml:AuthnContextClassRef>urn:c</saml:AuthnContextClassRef>\
         </samlp:RequestedAuthnContext><samlp:Scoping ProxyCount=\"0\"/>",
    );
    let query = format!("RelayState=a%26b+c&SAMLRequest={}", deflated(&xml));
    let judged = scene.get(&query).unwrap();
    assert_eq!(judged.id, "_0123456789");
    assert_eq!(judged.acs.url, "https://sp.example/acs");
    assert_eq!(judged.relay_state.as_deref(), Some("a&b c"));
    assert!(judged.force && judged.passive && !judged.signed);
    assert_eq!(judged.context.unwrap().classes, ["urn:c"]);
    assert!(judged.name_id_policy.unwrap().format.unwrap().ends_with("transient"));
    assert_eq!(judged.until, scene.now + 360);
    assert_eq!(scene.post(&xml).unwrap().acs.url, "https://sp.example/acs");
}

#[test]
fn the_consumer_service_is_a_registered_one() {
    let scene = Scene::new();
    let acs = |attributes: &str| scene.redirect(&request(attributes, "")).map(|judged| judged.acs.url);
    assert_eq!(acs("").unwrap(), "https://sp.example/other");
    assert_eq!(acs(" AssertionConsumerServiceIndex=\"1\"").unwrap(), "https://sp.example/acs");
    for attributes in [
        " AssertionConsumerServiceIndex=\"3\"",
        " AssertionConsumerServiceURL=\"https://evil.example/acs\"",
        " AssertionConsumerServiceURL=\"https://sp.example/acs/\"",
        " AssertionConsumerServiceURL=\"https://SP.example/acs\"",
        " AssertionConsumerServiceURL=\"\"",
    ] {
        assert_eq!(code(acs(attributes)), "saml.acs.not-registered", "{attributes}");
    }
    let both = " AssertionConsumerServiceIndex=\"1\" AssertionConsumerServiceURL=\"https://sp.example/acs\"";
    assert_eq!(code(acs(both)), "saml.acs.ambiguous");
    assert_eq!(code(acs(" AssertionConsumerServiceIndex=\"-1\"")), "saml.authn-request.value");
    assert_eq!(code(acs(" AssertionConsumerServiceIndex=\"65536\"")), "saml.authn-request.value");
}

#[test]
fn parameters_are_judged_before_the_message() {
    let scene = Scene::new();
    let message = deflated(&plain());
    for (query, expected) in [
        (format!("SAMLRequest={message}"), "accepted"),
        (
            format!(
                "SAMLRequest={message}&SAMLEncoding={}",
                encode("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE")
            ),
            "accepted",
        ),
        (format!("SAMLRequest={message}&SAMLEncoding=x"), "saml.encoding.unsupported"),
        (format!("SAMLRequest={message}&SAMLRequest={message}"), "form.duplicate"),
        (format!("%53AMLRequest={message}"), "form.name.encoded"),
        (format!("SAMLRequest={message}&SAMLResponse=x"), "saml.request.with-response"),
        ("SAMLResponse=x".to_owned(), "saml.response.unsolicited"),
        (format!("SAMLRequest={message}&samlRequest=x"), "saml.parameter.unknown"),
        (format!("SAMLRequest={message}&RelayState={}", "x".repeat(1_024)), "accepted"),
        (format!("SAMLRequest={message}&RelayState={}", "x".repeat(1_025)), "saml.relay-state.too-long"),
        (format!("SAMLRequest={message}&SigAlg=x"), "saml.signature.incomplete"),
        (format!("SAMLRequest={message}&Signature=x"), "saml.signature.incomplete"),
        ("".to_owned(), "saml.request.missing"),
        ("SAMLRequest=".to_owned(), "saml.request.missing"),
        ("SAMLRequest=a".to_owned(), "saml.base64.broken"),
        ("SAMLRequest=YQ%3D%3D%0A".to_owned(), "saml.base64.broken"),
        ("SAMLRequest=YR%3D%3D".to_owned(), "saml.base64.broken"),
        ("SAMLRequest=YQ".to_owned(), "saml.base64.broken"),
        (format!("SAMLRequest={}", encode(&BASE64_STANDARD.encode(plain()))), "saml.deflate.broken"),
        (
            format!(
                "SAMLRequest={}",
                encode(&BASE64_STANDARD.encode([deflate(plain().as_bytes()), vec![0]].concat()))
            ),
            "saml.deflate.trailing",
        ),
        (
            format!("SAMLRequest={}", encode(&BASE64_STANDARD.encode(deflate(&vec![b' '; 5_000_000])))),
            "saml.message.too-large",
        ),
        (format!("SAMLRequest={}", "A".repeat(20_000)), "saml.message.too-large"),
    ] {
        assert_eq!(scene.code(&query), expected, "{}", &query[..query.len().min(80)]);
    }
    let post = |query: &[u8], body: &str| code(scene.judge(post_of(query, body.as_bytes())));
    let body = format!("SAMLRequest={}", encode(&BASE64_STANDARD.encode(plain())));
    assert_eq!(post(b"", &body), "accepted");
    assert_eq!(post(b"x=1", &body), "saml.post.query");
    assert_eq!(post(b"", &format!("{body}&Signature=x&SigAlg=y")), "saml.parameter.unknown");
    assert_eq!(post(b"", &format!("{body}&{body}")), "form.duplicate");
    assert_eq!(post(b"", &format!("SAMLRequest={}", deflated(&plain()))), "saml.post.deflated");
    assert_eq!(post(b"", &"A".repeat(100_000)), "saml.message.too-large");
    let lines = |width: usize, line_break: &str| {
        let text = BASE64_STANDARD.encode(plain());
        let lines: Vec<&str> =
            text.as_bytes().chunks(width).map(|line| core::str::from_utf8(line).unwrap()).collect();
        format!("SAMLRequest={}", encode(&lines.join(line_break)))
    };
    for (width, line_break, expected) in [
        (76, "\r\n", "accepted"),
        (64, "\n", "accepted"),
        (60, "\n", "saml.base64.broken"),
        (76, " ", "saml.base64.broken"),
        (76, "\t", "saml.base64.broken"),
        (76, "\r\n ", "saml.base64.broken"),
        (76, "\r", "saml.base64.broken"),
    ] {
        assert_eq!(post(b"", &lines(width, line_break)), expected, "{width} {line_break:?}");
    }
    for (content_type, expected) in [
        (Some("application/x-www-form-urlencoded; charset=UTF-8"), "accepted"),
        (Some("Application/x-www-form-urlencoded"), "accepted"),
        (Some("application/x-www-form-urlencoded; charset=utf-16"), "saml.post.content-type"),
        (Some("multipart/form-data; boundary=x"), "saml.post.content-type"),
        (Some("application/x-www-form-urlencoded, text/plain"), "saml.post.content-type"),
        (None, "saml.post.content-type"),
    ] {
        let post = Incoming::Post { query: b"", content_type, body: body.as_bytes() };
        assert_eq!(code(scene.judge(post)), expected, "{content_type:?}");
    }
}

#[test]
fn the_message_is_judged_strictly() {
    let scene = Scene::new();
    let swap = |from: &str, to: &str| {
        let xml = plain();
        assert!(xml.contains(from), "{from}");
        code(scene.redirect(&xml.replace(from, to)))
    };
    for (from, to, expected) in [
        ("AuthnRequest", "LogoutRequest", "saml.message.unsupported"),
        ("SAML:2.0:protocol", "SAML:1.0:protocol", "saml.message.unsupported"),
        (SSO, "https://sso.example.com/samlsso/", "saml.destination.mismatch"),
        (SSO, "https://evil.example/samlsso", "saml.destination.mismatch"),
        (SSO, "", "saml.destination.mismatch"),
        ("Version=\"2.0\"", "Version=\"1.1\"", "saml.version.unsupported"),
        ("ID=\"_0123456789\"", "ID=\"0123456789\"", "saml.id.malformed"),
        ("ID=\"_0123456789\"", "ID=\"_1\"", "saml.id.malformed"),
        ("ID=\"_0123456789\"", "ID=\"_01234 56789\"", "saml.id.malformed"),
        (" ID=\"_0123456789\"", "", "saml.id.malformed"),
        ("12:00:00Z", "12:00:00", "saml.issue-instant.malformed"),
        ("12:00:00Z", "12:01:01Z", "saml.issue-instant.future"),
        ("12:00:00Z", "12:01:00Z", "accepted"),
        ("12:00:00Z", "11:54:00Z", "accepted"),
        ("12:00:00Z", "11:53:59Z", "saml.issue-instant.stale"),
        ("https://sp.example<", "https://unknown.example<", "saml.issuer.unknown"),
        ("https://sp.example<", "https://sp.example <", "saml.issuer.unknown"),
        ("https://sp.example<", "https://sp.example<x/><", "saml.issuer.unknown"),
        ("https://sp.example<", "https://sp.<!---->example<", "xml.comment"),
        ("<saml:Issuer>", "<saml:Issuer Format=\"urn:x\">", "saml.issuer.malformed"),
        (
            "<saml:Issuer>",
            "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">",
            "accepted",
        ),
        (" Version", " Evil=\"1\" Version", "saml.authn-request.attribute"),
        (" Version", " IsPassive=\"yes\" Version", "saml.authn-request.value"),
        (
            " Version",
            " ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\" Version",
            "saml.protocol-binding.unsupported",
        ),
    ] {
        assert_eq!(swap(from, to), expected, "{from} -> {to}");
    }
    let child = |children: &str| code(scene.redirect(&request("", children)));
    for (children, expected) in [
        ("<samlp:Scoping/><samlp:NameIDPolicy/>", "saml.authn-request.child"),
        ("<samlp:NameIDPolicy/><samlp:NameIDPolicy/>", "saml.authn-request.child"),
        ("<saml:Issuer>https://sp.example</saml:Issuer>", "saml.authn-request.child"),
        ("<evil/>", "saml.authn-request.child"),
        ("text", "saml.authn-request.text"),
        ("<saml:Subject/>", "saml.subject.unsupported"),
        ("<saml:Conditions/>", "saml.conditions.unsupported"),
        ("<samlp:NameIDPolicy>x</samlp:NameIDPolicy>", "saml.authn-request.value"),
        ("<samlp:RequestedAuthnContext/>", "saml.authn-context.malformed"),
        (
            "<samlp:RequestedAuthnContext><saml:AuthnContextDeclRef>x</saml:AuthnContextDeclRef></samlp:RequestedAuthnContext>",
            "saml.authn-context.declaration",
        ),
        (
            "<samlp:RequestedAuthnContext Comparison=\"most\"><saml:AuthnContextClassRef>x</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>",
            "saml.authn-context.malformed",
        ),
        ("<samlp:Extensions ID=\"_0123456789\"/>", "xml.id.duplicate"),
    ] {
        assert_eq!(child(children), expected, "{children}");
    }
    let deep = "<x>".repeat(10_000) + &"</x>".repeat(10_000);
    let scene = Scene {
        policy: Policy {
            limits: postern_saml::MessageLimits {
                max_ratio: 2_000,
                max_message: 1 << 20,
                ..Default::default()
            },
            ..scene.policy
        },
        ..scene
    };
    assert_eq!(
        code(scene.redirect(&request("", &format!("<samlp:Extensions>{deep}</samlp:Extensions>")))),
        "xml.depth.exceeded"
    );
    let dtd = format!("<!DOCTYPE x [<!ENTITY e 'x'>]>{}", plain());
    assert_eq!(code(scene.redirect(&dtd)), "xml.dtd");
}

#[test]
fn detached_signatures_cover_the_query_as_it_came() {
    let (key, ec, other) = (Key::rsa(), Key::p256(), Key::rsa());
    let scene = Scene::with_keys(&[&other, &ec, &key], true);
    let ecdsa = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    for (key, method) in [(&key, RSA_SHA256), (&ec, ecdsa)] {
        for relay_state in [None, Some("a b&c")] {
            let query = signed_query(&plain(), relay_state, method, key);
            assert!(scene.get(&query).unwrap().signed);
            // The order of the query does not matter, the order of what is signed is fixed.
            let turned: Vec<&str> = query.rsplit('&').collect();
            assert!(scene.get(&turned.join("&")).unwrap().signed);
        }
    }
    let query = signed_query(&plain(), Some("state"), RSA_SHA256, &key);
    for (from, to) in [("RelayState=state", "RelayState=other"), ("&RelayState=state", ""), ("%3A", "%3a")] {
        assert_eq!(scene.code(&query.replacen(from, to, 1)), "saml.signature.mismatch", "{from}");
    }
    assert_eq!(scene.code(&signed_query(&plain(), None, RSA_SHA256, &Key::rsa())), "saml.signature.mismatch");
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    assert_eq!(scene.code(&signed_query(&plain(), None, sha1, &key)), "xml.signature.sha1");
    assert_eq!(scene.code(&signed_query(&plain(), None, "urn:x", &key)), "xml.signature.algorithm.unknown");
    let no_destination = request("", "");
    assert_eq!(
        scene.code(&signed_query(&no_destination, None, RSA_SHA256, &key)),
        "saml.destination.missing"
    );
    assert_eq!(code(scene.redirect(&plain())), "saml.signature.required");
    assert_eq!(code(scene.post(&plain())), "saml.signature.required");
    // A signature is looked at even when none is asked for.
    let lax = Scene::with_keys(&[&other], false);
    assert_eq!(lax.code(&query), "saml.signature.mismatch");
    assert_eq!(Scene::new().code(&query), "saml.signature.no-key");
}

#[test]
fn enveloped_signatures_are_verified_and_what_they_cover_is_read() {
    let key = Key::rsa();
    let scene = Scene::with_keys(&[&key], true);
    let xml = enveloped(&plain(), &key);
    let judged = scene.post(&xml).unwrap();
    assert!(judged.signed);
    assert_eq!(
        code(scene.post(&xml.replace("_0123456789\" Version", "_9876543210\" Version"))),
        "xml.signature.reference.foreign"
    );
    assert_eq!(code(scene.post(&xml.replace(SSO, "https://x.example"))), "xml.digest.mismatch");
    assert_eq!(code(scene.post(&enveloped(&plain(), &Key::rsa()))), "xml.signature.mismatch");
    assert_eq!(code(scene.post(&enveloped(&request("", ""), &key))), "saml.destination.missing");
    // The Redirect binding carries no signature inside of the message.
    assert_eq!(scene.code(&signed_query(&xml, None, RSA_SHA256, &key)), "saml.redirect.signature-inside");
}

#[test]
fn a_relying_party_cannot_speak_for_another() {
    let (key, quiet) = (Key::rsa(), Key::rsa());
    let mut scene = Scene::with_keys(&[&key], true);
    let mut party = (*scene.parties[1]).clone();
    party.signing_keys = vec![RegisteredKey(quiet.public.clone())];
    scene.parties[1] = Rc::new(party);
    assert_eq!(code(scene.post(&enveloped(&plain(), &quiet))), "xml.signature.mismatch");
    let foreign = plain().replace("https://sp.example<", "https://quiet.example<");
    assert_eq!(code(scene.post(&enveloped(&foreign, &quiet))), "accepted");
    let acs = foreign.replace(" Version", " AssertionConsumerServiceURL=\"https://sp.example/acs\" Version");
    assert_eq!(code(scene.post(&enveloped(&acs, &quiet))), "saml.acs.not-registered");
}

#[test]
fn sign_on_that_begins_here_goes_to_registered_targets_only() {
    let scene = Scene::new();
    let sp = encode("https://sp.example");
    let target = encode("https://sp.example/home");
    match scene.judge(Incoming::Get(format!("spEntityID={sp}&RelayState={target}").as_bytes())).unwrap() {
        Judged::IdpInitiated(judged) => {
            assert_eq!(judged.acs.url, "https://sp.example/other");
            assert_eq!(judged.relay_state.as_deref(), Some("https://sp.example/home"));
        }
        other => panic!("not sign-on that begins here: {other:?}"),
    }
    for (query, expected) in [
        (format!("spEntityID={sp}"), "accepted"),
        (format!("spEntityID={sp}&RelayState={target}%2F"), "saml.relay-state.not-registered"),
        (format!("spEntityID={sp}&RelayState="), "saml.relay-state.not-registered"),
        (format!("spEntityID={}", encode("https://quiet.example")), "saml.idp-initiated.not-allowed"),
        ("spEntityID=x".to_owned(), "saml.issuer.unknown"),
        (format!("spEntityID={sp}&spEntityID={sp}"), "form.duplicate"),
        (format!("spEntityID={sp}&SAMLRequest=x"), "saml.parameter.unknown"),
        (format!("spEntityID={sp}&SAMLResponse=x"), "saml.response.unsolicited"),
    ] {
        assert_eq!(scene.code(&query), expected, "{query}");
    }
}
