//! Sign-in at an outside SAML 2.0 identity provider: pysaml2's, and another Postern.
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_end_to_end::browser::{Browser, Form, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;
use postern_end_to_end::script::Toolkit;
use postern_end_to_end::tools;
use postern_vectors::Keys;
use serde_json::{Value, json};

use crate::world::{APPLICATION, PASSWORD, is_signed_in};

const NAME: &str = "saml-provider";
const ENTITY: &str = "https://idp.example.com/metadata";
const SERVICE: &str = "https://idp.example.com/sso";
const MAIL: &str = "urn:oid:0.9.2342.19200300.100.1.3";

/// pysaml2 as an identity provider, with a key of its own in these files.
struct Provider {
    key_file: PathBuf,
    certificate_file: PathBuf,
    /// Whether it takes requests by HTTP-POST, and no others.
    by_post: bool,
}

impl Provider {
    fn new(postern: &Postern) -> Self {
        let folder = postern.folder();
        let key = Keys::shared().get("idp-rsa").expect("a key");
        let (key_file, certificate_file) = (folder.join("idp.key"), folder.join("idp.pem"));
        fs::write(&key_file, key.private_pem()).expect("a folder to write to");
        fs::write(&certificate_file, key.certificate_pem()).expect("a folder to write to");
        Self { key_file, certificate_file, by_post: false }
    }

    fn call(&self, command: &str, more: Value) -> Result<Value, String> {
        let mut input = json!({
            "command": command, "entityId": ENTITY, "ssoUrl": SERVICE, "xmlsec1": tools::program("xmlsec1", "xmlsec1"),
            "keyFile": self.key_file, "certificateFile": self.certificate_file, "byPost": self.by_post,
        });
        let members = input.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        Toolkit::Pysaml2Idp.call(&input, &self.certificate_file)
    }

    fn metadata(&self) -> String {
        self.call("metadata", json!({})).expect("metadata")["metadata"].as_str().expect("text").to_owned()
    }

    /// The form that it has the browser post, for the request that the browser was sent with.
    fn answer(&self, postern: &Postern, sent: &Page, more: Value) -> Form {
        self.answer_to(postern, sent, more).0
    }

    /// The same, and what it has read in the request.
    fn answer_to(&self, postern: &Postern, sent: &Page, more: Value) -> (Form, Value) {
        let query: serde_json::Map<String, Value> =
            sent.url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
        self.answer_read(postern, query, more).expect("the toolkit takes our request")
    }

    /// What it answers to these fields of a request.
    fn answer_read(
        &self,
        postern: &Postern,
        query: serde_json::Map<String, Value>,
        more: Value,
    ) -> Result<(Form, Value), String> {
        let relay_state = query["RelayState"].as_str().expect("text").to_owned();
        let mut input = json!({
            "query": query, "spMetadata": postern.run(&["authenticator", "metadata", NAME]),
            "spEntityId": consumer(postern), "subject": "person-1",
            "attributes": { "mail": ["carol@outside.example.com"], "uid": ["carol"] },
        });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = self.call("response", input)?;
        let response = BASE64_STANDARD.encode(answer["samlResponse"].as_str().expect("text"));
        Ok((form(postern, &response, &relay_state), answer))
    }
}

fn form(postern: &Postern, response: &str, relay_state: &str) -> Form {
    let fields = [("SAMLResponse", response), ("RelayState", relay_state)];
    Form {
        action: consumer(postern),
        method: "post".into(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

fn consumer(postern: &Postern) -> String {
    format!("{}/commonauth/return/{NAME}", postern.base_url)
}

/// An installation where an outside provider is asked first, and a password is the other way.
fn installation(
    name: &str,
    host: &str,
    metadata: impl FnOnce(&Postern) -> String,
    (module, settings): (&str, &str),
) -> Postern {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), name);
    let mut postern = Postern::alone(&folder, "");
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", &format!("enabled = [\"{NAME}\", \"password\"]"));
    let metadata = metadata(&postern);
    let section = format!(
        "[authenticators.modules.{NAME}]\nredirects = [\"{host}\"]\n{module}\n\
         [authenticators.modules.{NAME}.settings]\nclaims = {{ email = \"{MAIL}\", uid = \"urn:oid:0.9.2342.19200300.100.1.1\" }}\n\
         {settings}\nmetadata = '''{metadata}'''\n"
    );
    fs::write(&file, format!("{text}\n{section}")).expect("a folder to write to");
    postern.run(&["check"]);
    postern.add_user("alice", PASSWORD);
    let client = json!({
        "client_id": "client",
        "redirect_uris": ["http://127.0.0.1:1/callback"],
        "token_endpoint_auth_method": "none",
    });
    postern.add_application("oidc", "client", &client.to_string());
    postern.start();
    postern
}

const CREATE: &str = "accounts = { unknown = \"create\", username = \"uid\", copy = [\"email\"] }";

fn outside(name: &str) -> (Postern, Provider) {
    outside_with(name, "")
}

/// With these further settings.
fn outside_with(name: &str, settings: &str) -> (Postern, Provider) {
    let mut provider = None;
    let postern = installation(
        name,
        "idp.example.com",
        |postern| provider.insert(Provider::new(postern)).metadata(),
        (CREATE, settings),
    );
    (postern, provider.expect("made above"))
}

/// The browser, and the page that is asked of the provider.
fn sent(postern: &Postern) -> (Browser, Page) {
    let mut browser = Browser::behind_proxy(postern.proxy_tls());
    let page = sent_by(postern, &mut browser, "");
    (browser, page)
}

/// The page that is asked of the provider by an application that asks for more.
fn sent_by(postern: &Postern, browser: &mut Browser, more: &str) -> Page {
    let page = browser.open_until(&format!("{}{more}", authorization_url(postern)), SERVICE).expect("a page");
    assert!(page.url.as_str().starts_with(SERVICE), "{}: {}", page.url, page.text());
    page
}

fn authorization_url(postern: &Postern) -> String {
    format!(
        "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        postern.base_url
    )
}

/// Posts it as the provider's page would, up to the application.
fn post(browser: &mut Browser, form: &Form) -> Page {
    browser.submit_until(&Page::local(""), form, &[], APPLICATION).expect("a page")
}

fn signed_in_subjects(postern: &Postern) -> Vec<String> {
    let events = postern.audit();
    let succeeded = events.iter().filter(|event| event["event"] == "sign-in.succeeded");
    succeeded.map(|event| event["subject"].as_str().expect("a subject").to_owned()).collect()
}

#[test]
fn pysaml2_vouches_for_people() {
    let (postern, provider) = outside("saml-provider");
    for (what, more) in [
        ("the Assertion signed", json!({})),
        ("the Response signed", json!({ "signAssertion": false, "signResponse": true })),
        ("both signed", json!({ "signResponse": true })),
        ("encrypted", json!({ "signAssertion": false, "signResponse": true, "encrypt": true })),
        ("signed and encrypted", json!({ "signResponse": true, "encrypt": true })),
    ] {
        let (mut browser, page) = sent(&postern);
        let form = provider.answer(&postern, &page, more);
        let page = post(&mut browser, &form);
        assert!(is_signed_in(&page), "{what}: {}: {}\n{}", page.url, page.text(), postern.log());
    }
    let subjects = signed_in_subjects(&postern);
    assert_eq!(subjects.len(), 5, "{subjects:?}");
    assert!(subjects.iter().all(|subject| *subject == subjects[0]), "one person: {subjects:?}");
    let people = postern.run(&["user", "list"]);
    assert!(people.contains("carol"), "{people}");

    // The name of somebody else there is somebody else here.
    let (mut browser, page) = sent(&postern);
    let other = json!({ "subject": "person-2", "attributes": { "uid": ["dave"] } });
    let form = provider.answer(&postern, &page, other);
    assert!(is_signed_in(&post(&mut browser, &form)));
    assert_ne!(signed_in_subjects(&postern).last(), subjects.first());
}

#[test]
fn what_the_provider_did_not_say_to_this_browser_signs_nobody_in() {
    let (postern, provider) = outside("saml-provider-hostile");
    let refused = |browser: &mut Browser, form: &Form, what: &str| {
        let page = post(browser, form);
        assert!(!is_signed_in(&page), "{what}");
        assert!(!page.url.as_str().starts_with(APPLICATION), "{what}: {}", page.url);
    };
    // Posted twice: the state was good once.
    let (mut browser, page) = sent(&postern);
    let good = provider.answer(&postern, &page, json!({}));
    assert!(is_signed_in(&post(&mut browser, &good)));
    refused(&mut browser, &good, "the same form again");

    // In the browser of another: somebody would work in the attacker's account.
    let (_, page) = sent(&postern);
    let of_attacker = provider.answer(&postern, &page, json!({}));
    refused(&mut Browser::behind_proxy(postern.proxy_tls()), &of_attacker, "no transaction");
    let (mut victim, own) = sent(&postern);
    refused(&mut victim, &of_attacker, "another browser's state");
    // With the victim's own state: it answers another request.
    let (_, own_state) = own.url.query_pairs().find(|(name, _)| name == "RelayState").expect("a state");
    let mixed = form(&postern, &of_attacker.fields["SAMLResponse"], &own_state);
    refused(&mut victim, &mixed, "another request's Response");
    assert!(postern.log().contains("saml.response.request"), "{}", postern.log());

    // Changed on the way.
    let (mut browser, page) = sent(&postern);
    let form_of = provider.answer(&postern, &page, json!({}));
    let xml = BASE64_STANDARD.decode(&form_of.fields["SAMLResponse"]).expect("base64");
    let changed = String::from_utf8(xml).expect("text").replace("person-1", "person-2");
    let changed = form(&postern, &BASE64_STANDARD.encode(changed), &form_of.fields["RelayState"]);
    refused(&mut browser, &changed, "another subject");
    assert!(postern.log().contains("xml.digest.mismatch"), "{}", postern.log());

    // The provider itself refuses: the person reads so, and another way is left.
    let (mut browser, page) = sent(&postern);
    let told = post(&mut browser, &provider.answer(&postern, &page, json!({ "refuse": true })));
    assert!(told.text().contains("did not sign you in"), "{}", told.text());
    assert_eq!(signed_in_subjects(&postern).len(), 1);
}

#[test]
fn a_fresh_sign_in_is_asked_of_the_provider_and_has_to_be_one() {
    let (postern, provider) = outside("saml-provider-fresh");
    let (mut browser, page) = sent(&postern);
    let (form, read) = provider.answer_to(&postern, &page, json!({ "authnAge": 3600 }));
    assert_eq!(read["forceAuthn"], Value::Null, "an hour ago is good where nobody asks");
    assert!(is_signed_in(&post(&mut browser, &form)), "{}", postern.log());

    for (more, age, is_good) in [
        ("&prompt=login", 600, false),
        ("&prompt=login", 0, true),
        ("&max_age=0", 600, false),
        ("&max_age=1800", 3600, false),
        ("&max_age=1800", 600, true),
    ] {
        // Nobody has a session here but whoever is asked anew.
        let mut fresh = Browser::behind_proxy(postern.proxy_tls());
        let browser = if more == "&prompt=login" { &mut browser } else { &mut fresh };
        let page = sent_by(&postern, browser, more);
        let (form, read) = provider.answer_to(&postern, &page, json!({ "authnAge": age }));
        assert_eq!(read["forceAuthn"], "true", "{more}");
        let page = post(browser, &form);
        assert_eq!(is_signed_in(&page), is_good, "{more} {age}: {}\n{}", page.text(), postern.log());
    }
    let refused = postern.log().matches("saml.assertion.authentication-age (peer-misbehaved) at ").count();
    assert_eq!(refused, 3, "{}", postern.log());
}

#[test]
fn a_reason_with_a_long_name_in_it_is_told_and_not_refused() {
    let subject = format!("subject = \"urn:{}\"", "x".repeat(250));
    let (postern, provider) = outside_with("saml-provider-reason", &subject);
    let (mut browser, page) = sent(&postern);
    let page = post(&mut browser, &provider.answer(&postern, &page, json!({})));
    assert!(page.form_with("f.password").is_ok(), "{}: {}", page.url, page.text());
    let log = postern.log();
    assert!(log.contains("(unavailable): saml-provider.subject.attribute: "), "{log}");
}

/// The form on our page that sends somebody to the provider.
fn posted(browser: &mut Browser, postern: &Postern, more: &str) -> Form {
    let page = browser.open_until(&format!("{}{more}", authorization_url(postern)), SERVICE).expect("a page");
    assert_eq!(page.answer.status, 200);
    let policy = page.answer.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(page.text().contains("type=\"submit\""), "it works without script");
    let form = page.automatic_form().unwrap_or_else(|| panic!("{}: {}", page.url, page.text()));
    assert_eq!((form.action.as_str(), form.method.as_str(), form.fields.len()), (SERVICE, "post", 2));
    form
}

#[test]
fn requests_go_by_post_where_the_provider_takes_no_others() {
    let mut provider = None;
    let postern = installation(
        "saml-provider-post",
        "idp.example.com",
        |postern| {
            let provider = provider.insert(Provider { by_post: true, ..Provider::new(postern) });
            provider.metadata()
        },
        (CREATE, ""),
    );
    let provider = provider.expect("made above");
    let mut browser = Browser::behind_proxy(postern.proxy_tls());
    let sent = posted(&mut browser, &postern, "&prompt=login");
    let fields = || sent.fields.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    // The toolkit verifies the signature in it by our metadata.
    let (form, read) = provider.answer_read(&postern, fields().collect(), json!({})).expect("an answer");
    assert_eq!(read["forceAuthn"], "true");
    let xml = BASE64_STANDARD.decode(&sent.fields["SAMLRequest"]).expect("base64");
    let changed = String::from_utf8(xml).expect("text").replace(" ForceAuthn=\"true\"", "");
    let mut changed_fields: serde_json::Map<String, Value> = fields().collect();
    changed_fields.insert("SAMLRequest".into(), BASE64_STANDARD.encode(changed).into());
    let refused = provider.answer_read(&postern, changed_fields, json!({})).map(drop);
    assert!(refused.is_err(), "a request that was changed on the way");
    assert!(is_signed_in(&post(&mut browser, &form)), "{}", postern.log());

    // A Response in a query is none, whatever it says.
    let mut browser = Browser::behind_proxy(postern.proxy_tls());
    let sent = posted(&mut browser, &postern, "");
    let fields = sent.fields.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let (form, _) = provider.answer_read(&postern, fields.collect(), json!({})).expect("an answer");
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    let page = browser.open_until(&format!("{}?{query}", form.action), APPLICATION).expect("a page");
    assert!(!is_signed_in(&page) && page.form_with("f.password").is_ok(), "{}: {}", page.url, page.text());
    assert!(postern.log().contains("saml-provider.response.query"), "{}", postern.log());
}

#[test]
fn another_postern_vouches_for_people() {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), "saml-provider-idp");
    let mut provider = Postern::alone(&folder, "");
    provider.add_user("erin", PASSWORD);
    provider.start();
    let mut at_provider = Browser::behind_proxy(provider.proxy_tls());
    let metadata =
        at_provider.open(&format!("{}/identity/metadata/saml2", provider.base_url)).expect("metadata");
    let host = provider.base_url.trim_start_matches("https://").to_owned();
    let postern = installation(
        "saml-provider-sp",
        &host,
        |_| String::from_utf8(metadata.answer.body.clone()).expect("text"),
        ("accounts = { unknown = \"link\" }", ""),
    );
    provider.add_application("saml2", "the other", &postern.run(&["authenticator", "metadata", NAME]));

    let through = |browser: &mut Browser, at_provider: &mut Browser| {
        let page = browser.open_until(&authorization_url(&postern), &provider.base_url).expect("a page");
        let mut page = at_provider.open(page.url.as_str()).expect("a page");
        if page.form_with("f.password").is_ok() {
            page = at_provider.sign_in(&page, "erin", PASSWORD).expect("a page");
        }
        let form = page.automatic_form().unwrap_or_else(|| panic!("{}: {}", page.url, page.text()));
        browser.submit_until(&page, &form, &[], APPLICATION).expect("a page")
    };
    // The first time erin proves that alice's account is theirs; from then on nobody asks.
    let mut browser = Browser::behind_proxy(postern.proxy_tls());
    let page = through(&mut browser, &mut at_provider);
    let form = page.form_with("f.password").unwrap_or_else(|_| panic!("{}: {}", page.url, page.text()));
    let typed = [("f.username", "alice"), ("f.password", PASSWORD), ("action", "sign-in")];
    let page = browser.submit_until(&page, &form, &typed, APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}: {}\n{}", page.url, page.text(), postern.log());
    let mut another = Browser::behind_proxy(postern.proxy_tls());
    let page = through(&mut another, &mut at_provider);
    assert!(is_signed_in(&page), "{}: {}\n{}", page.url, page.text(), postern.log());
    let subjects = signed_in_subjects(&postern);
    assert_eq!(subjects.len(), 2);
    assert_eq!(subjects[0], subjects[1]);
}
