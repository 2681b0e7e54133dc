//! Passkeys: set up on the person's own page, used after a password and in place of it, and removed. The
//! authenticator is software of the tests'; `tests/browser` has that of a browser.
use std::fs;

use postern_end_to_end::browser::{Browser, Form, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;
use postern_software_authenticator::{Kind, SoftwareAuthenticator};
use serde_json::json;

use crate::world::{APPLICATION, PASSWORD, is_signed_in};

/// A passkey by itself, or a password and then a passkey.
const STEPS: &str = "[sign_in]\nsteps = [[\"password\", \"passkey\"], [\"passkey\"]]\n";

fn installation() -> Postern {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), "passkey");
    let mut postern = Postern::alone(&folder, &STEPS.replace("steps", "# steps"));
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"passkey\"]");
    fs::write(&file, text.replace("# steps", "steps")).expect("a folder to write to");
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

fn open(browser: &mut Browser, postern: &Postern) -> Page {
    let url = format!(
        "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        postern.base_url
    );
    browser.open(&url).expect("a page")
}

fn password(browser: &mut Browser, page: &Page) -> Page {
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", "alice"), ("f.password", PASSWORD), ("action", "sign-in")];
    browser.submit_until(page, &form, &typed, APPLICATION).expect("a page")
}

/// What the page asks of the browser.
fn options(page: &Page) -> String {
    let text = String::from_utf8_lossy(&page.answer.body).into_owned();
    let found = text.split("data-options=\"").nth(1).and_then(|rest| rest.split('"').next());
    let found = found.unwrap_or_else(|| panic!("no ceremony: {text}"));
    found.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&amp;", "&")
}

fn send(browser: &mut Browser, page: &Page, answer: &str) -> Page {
    let form = page.form_with("f.answer").unwrap_or_else(|error| panic!("{error}: {}", page.text()));
    let typed = [("f.answer", answer), ("f.label", "Phone"), ("action", "sign-in")];
    let typed = if form.fields.contains_key("f.label") { &typed[..] } else { &[typed[0], typed[2]] };
    browser.submit_until(page, &form, typed, APPLICATION).expect("a page")
}

fn use_passkey(
    browser: &mut Browser,
    postern: &Postern,
    page: &Page,
    passkey: &mut SoftwareAuthenticator,
) -> Page {
    let answer = passkey.get(&options(page), &postern.base_url);
    send(browser, page, &answer)
}

/// The page's form with this action and without, or with, a credential.
fn form_of(page: &Page, of_credential: bool) -> Form {
    let forms = page.forms();
    let wanted = |form: &&Form| {
        form.fields.contains_key("f.authenticator")
            && form.fields.contains_key("f.credential") == of_credential
    };
    forms.iter().find(wanted).unwrap_or_else(|| panic!("no such form: {}", page.text())).clone()
}

/// Without a name: the other way of the first step.
fn without_name(browser: &mut Browser, postern: &Postern) -> Page {
    let page = open(browser, postern);
    let form = page.form_with("f.password").expect("a sign-in page");
    browser.submit_form(&page, &form, &[("action", "other")]).expect("a page")
}

fn factors(browser: &mut Browser, postern: &Postern) -> Page {
    let page = browser.open(&format!("{}/authenticationendpoint/factors", postern.base_url)).expect("a page");
    password(browser, &page)
}

#[test]
fn a_passkey_is_set_up_used_in_both_ways_and_removed() {
    let postern = installation();
    let browser = || Browser::behind_proxy(postern.proxy_tls());
    let mut passkey = SoftwareAuthenticator::new(Kind::Es256);

    let mut own = browser();
    let page = factors(&mut own, &postern);
    let page = own.submit_form(&page, &form_of(&page, false), &[("action", "enrol")]).expect("a page");
    let policy = page.answer.header("content-security-policy").expect("a policy").to_owned();
    let allowed = format!("; script-src {}/authenticationendpoint/assets/passkey.", postern.base_url);
    assert!(policy.contains(&allowed) && !policy.contains("unsafe"), "{policy}");
    let asked = options(&page);
    assert!(asked.contains("\"localhost\"") && !asked.contains("subject"), "{asked}");
    let page = send(&mut own, &page, "");
    assert!(page.text().contains("sent no passkey"), "{}", page.text());
    let page = send(&mut own, &page, &passkey.create(&options(&page), "https://evil.example"));
    assert!(page.text().contains("could not be verified"), "{}", page.text());
    let page = send(&mut own, &page, &passkey.create(&options(&page), &postern.base_url));
    assert!(page.text().contains("Phone"), "{}", page.text());

    // After a password.
    let mut second = browser();
    let page = open(&mut second, &postern);
    let page = password(&mut second, &page);
    assert_eq!(second.cookie("localhost", "__Host-postern-session"), None);
    let page = use_passkey(&mut second, &postern, &page, &mut passkey);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());

    // In place of it, by nobody who has told a name.
    let mut first = browser();
    let page = without_name(&mut first, &postern);
    assert!(options(&page).contains("\"allowCredentials\":[]"), "{}", options(&page));
    let page = use_passkey(&mut first, &postern, &page, &mut passkey);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());

    // A stranger, a copy that is behind, and an answer that was used.
    let mut stranger = browser();
    let page = without_name(&mut stranger, &postern);
    let page = use_passkey(&mut stranger, &postern, &page, &mut SoftwareAuthenticator::new(Kind::Es256));
    assert!(page.text().contains("is not known here"), "{}", page.text());
    let counter = std::mem::replace(&mut passkey.counter, 0);
    let page = use_passkey(&mut stranger, &postern, &page, &mut passkey);
    assert!(page.text().contains("could not be verified"), "{}", page.text());
    passkey.counter = counter;
    let answer = passkey.get(&options(&page), &postern.base_url);
    let page = send(&mut stranger, &page, &answer.replace("public-key", "password"));
    let page = send(&mut stranger, &page, &answer);
    assert!(page.text().contains("could not be verified"), "{}", page.text());
    assert_eq!(stranger.cookie("localhost", "__Host-postern-session"), None);
    let log = postern.log();
    for code in ["webauthn.counter.regression", "webauthn.challenge.mismatch", "webauthn.origin.mismatch"] {
        assert!(log.contains(code), "{code}: {log}");
    }

    // A password alone does not lead to the page any more; the passkey does, and removes itself.
    let mut own = browser();
    let page = factors(&mut own, &postern);
    let page = use_passkey(&mut own, &postern, &page, &mut passkey);
    let page = own.submit_form(&page, &form_of(&page, true), &[("action", "remove")]).expect("a page");
    assert!(!page.text().contains("Phone"), "{}", page.text());
    let mut late = browser();
    let page = without_name(&mut late, &postern);
    let page = use_passkey(&mut late, &postern, &page, &mut passkey);
    assert!(page.text().contains("is not known here"), "{}", page.text());
    let events: Vec<_> = postern.audit().iter().map(|event| event["event"].to_string()).collect();
    for event in ["credential.added", "credential.removed", "sign-in.succeeded"] {
        assert!(events.contains(&format!("\"{event}\"")), "{event}: {events:?}");
    }
}
