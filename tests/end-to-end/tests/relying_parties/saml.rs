//! pysaml2 and node-saml.
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::oracle;
use postern_end_to_end::script::Toolkit;
use postern_end_to_end::site::USER;
use postern_vectors::{Keys, sign_enveloped};
use serde_json::{Value, json};

use crate::world::{SP, World, saml_registration, world};

/// A bound for a test that waits, with room for a machine that is busy: the filters look every five
/// seconds.
const LATEST: Duration = Duration::from_secs(60);
/// Without a space: node-saml signs one as `%20` and sends it as `+`.
const RELAY_STATE: &str = "a&b=c/d";

/// A Response as the browser was about to post it.
struct Posted {
    action: String,
    relay_state: Option<String>,
    response: String,
}

impl Posted {
    fn read(page: &Page) -> Self {
        let form =
            page.automatic_form().unwrap_or_else(|| panic!("no Response at {}:\n{}", page.url, page.text()));
        let encoded = &form.fields["SAMLResponse"];
        let bytes = STANDARD.decode(encoded).expect("base64");
        Self {
            action: form.action.clone(),
            relay_state: form.fields.get("RelayState").cloned(),
            response: String::from_utf8(bytes).expect("text"),
        }
    }
}

#[test]
fn pysaml2_signs_in() {
    for signs in ["assertion", "response", "both"] {
        sign_in(Toolkit::Pysaml2, &format!("pysaml2-{signs}"), signs, "redirect");
    }
}

#[test]
fn pysaml2_signs_in_by_the_post_binding() {
    sign_in(Toolkit::Pysaml2, "pysaml2-both", "both", "post");
}

#[test]
fn node_saml_signs_in() {
    for signs in ["assertion", "response", "both"] {
        sign_in(Toolkit::NodeSaml, &format!("node-saml-{signs}"), signs, "redirect");
    }
}

#[test]
fn node_saml_signs_in_by_the_post_binding() {
    sign_in(Toolkit::NodeSaml, "node-saml-both", "both", "post");
}

#[test]
fn sign_on_can_begin_at_the_identity_provider_at_registered_targets_only() {
    let world = world();
    let entity = format!("{SP}/pysaml2-both");
    let mut browser = world.site.browser();
    let begin = |target: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("spEntityID", &entity)
            .append_pair("RelayState", target)
            .finish();
        format!("{}/samlsso?{query}", world.site.base_url())
    };
    let page = browser.open(&begin(&format!("{entity}/welcome"))).expect("a page");
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    let posted = Posted::read(&page);
    assert_eq!(posted.relay_state, Some(format!("{entity}/welcome")));
    assert!(!posted.response.contains("InResponseTo"), "{}", posted.response);
    let more = json!({ "samlResponse": STANDARD.encode(&posted.response), "allowUnsolicited": true });
    world.call(Toolkit::Pysaml2, &world.saml_input("pysaml2-both", "response", more)).expect("accepted");

    let page = browser.open(&begin("https://evil.example/")).expect("a page");
    assert_eq!(page.answer.status, 400, "{}", page.text());
    assert_eq!(world.site.proxy.logged_with("saml.relay-state.not-registered").status, 400);
}

/// No restart, no new configuration: the filter pulls what the LAN signs.
#[test]
#[expect(clippy::print_stdout, reason = "how long it took, for docs/edge.md")]
fn an_application_that_is_registered_later_reaches_the_running_proxy() {
    const NAME: &str = "late-pysaml2-both";
    let world = world();
    let request = || {
        let input = world.saml_input(NAME, "redirect", json!({ "relayState": RELAY_STATE }));
        let begun = world.call(Toolkit::Pysaml2, &input).expect("a request");
        world.site.browser().open(begun["url"].as_str().expect("a URL")).expect("a page").answer.status
    };
    assert_eq!(request(), 400);
    assert_eq!(world.site.proxy.logged_with("saml.issuer.unknown").status, 400);
    world.site.postern.add_application("saml2", NAME, &saml_registration(NAME).to_string());
    let begun = Instant::now();
    while request() == 400 {
        assert!(begun.elapsed() < LATEST, "not at the edge:\n{}", world.site.proxy.log());
        thread::sleep(Duration::from_millis(200));
    }
    println!("registered to accepted at the edge: {:.1} s", begun.elapsed().as_secs_f64());
    sign_in(Toolkit::Pysaml2, NAME, "both", "redirect");
}

#[test]
fn metadata_is_signed_and_valid() {
    let world = world();
    let metadata = world.site.fetch("/identity/metadata/saml2");
    oracle::validate(&metadata, "metadata").expect("valid metadata");
    let verified = certificates(world)
        .iter()
        .any(|certificate| oracle::verify_signature(&metadata, "EntityDescriptor", certificate).is_ok());
    assert!(verified, "no published key verifies {metadata}");
}

fn sign_in(toolkit: Toolkit, name: &str, signs: &str, binding: &str) {
    let world = world();
    let begun = world
        .call(toolkit, &world.saml_input(name, binding, json!({ "relayState": RELAY_STATE })))
        .expect("a request");
    let mut browser = world.site.browser();
    let page = send(&mut browser, &begun);
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    let posted = Posted::read(&page);
    assert_eq!(posted.action, format!("{SP}/{name}/acs"));
    assert_eq!(posted.relay_state.as_deref(), Some(RELAY_STATE), "RelayState comes back unchanged");
    check_with_oracles(world, &posted.response, signs);

    let judge = |response: &str| {
        let more = json!({ "samlResponse": STANDARD.encode(response), "requestId": begun["id"] });
        world.call(toolkit, &world.saml_input(name, "response", more))
    };
    let accepted =
        judge(&posted.response).unwrap_or_else(|error| panic!("{name}: {error}\n{}", posted.response));
    let person = person(&posted.response);
    assert!(accepted.to_string().contains(&person), "{person}: {accepted}");
    for (what, tampered) in tamperings(&posted.response, &person) {
        assert_ne!(tampered, posted.response, "{what} changes nothing");
        assert!(judge(&tampered).is_err(), "{name} accepts a Response: {what}\n{tampered}");
    }
    // What is meant for one is of no use to another.
    let other = format!("{}-other", name);
    let more = json!({ "samlResponse": STANDARD.encode(&posted.response), "requestId": begun["id"] });
    let answer = world.call(toolkit, &world.saml_input(&other, "response", more));
    assert!(answer.is_err(), "{other} accepts a Response for {name}: {answer:?}");
}

/// Follows the address, or submits the page, that a toolkit made.
fn send(browser: &mut Browser, begun: &Value) -> Page {
    if let Some(url) = begun["url"].as_str() {
        return browser.open(url).expect("a page");
    }
    let text = begun["page"].as_str().expect("a page to submit");
    let page = Page::local(text);
    let form = page.automatic_form().expect("a form");
    browser.submit_form(&page, &form, &[]).expect("a page")
}

fn certificates(world: &World) -> Vec<String> {
    let pem = |base64: String| {
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    world.idp_certificates().into_iter().map(pem).collect()
}

fn check_with_oracles(world: &World, response: &str, signs: &str) {
    oracle::validate(response, "protocol").unwrap_or_else(|error| panic!("{error}\n{response}"));
    let certificates = certificates(world);
    for (element, signed) in [("Assertion", signs != "response"), ("Response", signs != "assertion")] {
        let verified = certificates
            .iter()
            .any(|certificate| oracle::verify_signature(response, element, certificate).is_ok());
        assert_eq!(verified, signed, "{element}, {signs} signed: {response}");
    }
}

/// Who is signed in: the NameID.
fn person(response: &str) -> String {
    let (_, rest) = response.split_once("<saml:NameID").expect("a NameID");
    let text = rest.split_once('>').and_then(|(_, rest)| rest.split_once('<')).expect("its text").0;
    text.to_owned()
}

/// Responses that no service provider may accept.
fn tamperings(response: &str, person: &str) -> Vec<(&'static str, String)> {
    let unsigned = without_signatures(response);
    let issuer_end = unsigned
        .split_inclusive('>')
        .find(|piece| piece.ends_with("Issuer>") && piece.contains("</"))
        .and_then(|piece| piece.rfind("</").map(|at| piece[at..].to_owned()))
        .expect("an Issuer");
    vec![
        ("another person", response.replace(person, "mallory@example.com")),
        ("a broken signature", response.replace("SignatureValue>", "SignatureValue>AAAA")),
        ("no signature", unsigned.clone()),
        ("a signature of nobody", sign_enveloped(Keys::shared(), "unknown-rsa", &unsigned, &issuer_end)),
        ("a later end", push_back_expiry(response)),
    ]
}

fn without_signatures(response: &str) -> String {
    let mut text = response.to_owned();
    while let Some(begin) = text.find("<ds:Signature ") {
        let end = text[begin..].find("</ds:Signature>").expect("its end") + begin + "</ds:Signature>".len();
        text.replace_range(begin..end, "");
    }
    assert!(!text.contains("SignatureValue"), "{text}");
    text
}

fn push_back_expiry(response: &str) -> String {
    let (before, after) = response.split_once("NotOnOrAfter=\"2").expect("an expiry");
    format!("{before}NotOnOrAfter=\"3{after}")
}
