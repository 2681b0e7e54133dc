//! Several authenticators that run one file, and the domain of the e-mail address that says which one comes.
use std::fs;
use std::process::Command;

use postern_end_to_end::browser::{Browser, Form, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::{scratch, tools};
use serde_json::json;

use crate::second_factor::{browser, code, key_of, send_code};
use crate::world::{APPLICATION, PASSWORD, is_signed_in};

const ENABLED: &str = r#"enabled = ["password", "corporate", "phone", "token"]"#;

/// `corporate` and `password` run one file, and `phone` and `token` another one.
const ENTRIES: &str = r#"
[authenticators.modules.corporate]
component = "password"
title = "Corporate <b>account</b>"
[authenticators.modules.phone]
component = "totp"
title = "Company phone"
[authenticators.modules.token]
component = "totp"
title = "Security token"
"#;

const SIGN_IN: &str = r#"
[sign_in]
steps = [["password"]]
steps_for = { phone = [["password"], ["phone"]], token = [["password"], ["token"]], both = [["password"], ["phone", "token"]] }
realms = { "example.com" = "corporate", ".example.com" = "password" }
"#;

fn configured(name: &str, entries: &str, sign_in: &str) -> Postern {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), name);
    let postern = Postern::alone(&folder, "");
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", ENABLED);
    fs::write(&file, format!("{text}{entries}{sign_in}")).expect("a folder to write to");
    postern
}

fn installation(name: &str) -> Postern {
    let mut postern = configured(name, ENTRIES, SIGN_IN);
    postern.run(&["check"]);
    postern.add_user("alice", PASSWORD);
    for client in ["plain", "phone", "token", "both"] {
        let source = json!({
            "client_id": client,
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
        });
        postern.add_application("oidc", client, &source.to_string());
    }
    postern.start();
    postern
}

fn open(browser: &mut Browser, postern: &Postern, client: &str, more: &str) -> Page {
    let url = format!(
        "{}/oauth2/authorize?response_type=code&client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256{more}",
        postern.base_url
    );
    browser.open_until(&url, APPLICATION).expect("a page")
}

fn form(page: &Page, field: &str) -> Form {
    page.form_with(field).unwrap_or_else(|error| panic!("{error}: {}", page.text()))
}

fn send(browser: &mut Browser, page: &Page, typed: &[(&str, &str)]) -> Page {
    browser.submit_until(page, &form(page, "f.username"), typed, APPLICATION).expect("a page")
}

/// Says who it is, then proves it.
fn prove(browser: &mut Browser, page: &Page, who: &str) -> Page {
    assert!(page.form_with("f.password").is_err(), "the name first: {}", page.text());
    let page = send(browser, page, &[("f.username", who), ("action", "sign-in")]);
    assert!(form(&page, "f.password").fields["f.username"] == who);
    send(browser, &page, &[("f.username", "alice"), ("f.password", PASSWORD), ("action", "sign-in")])
}

fn signed_in_by(postern: &Postern) -> String {
    let audit = postern.audit();
    let last = audit.iter().rev().find(|event| event["event"] == "sign-in.succeeded");
    last.expect("a sign-in")["module"].as_str().expect("a name").to_owned()
}

#[test]
fn two_names_of_one_file_keep_their_records_apart_and_people_read_their_titles() {
    let postern = installation("instances");
    let mut own = browser(&postern);
    let page = own.open(&format!("{}/authenticationendpoint/factors", postern.base_url)).expect("a page");
    let page = prove(&mut own, &page, "alice");
    let text = page.text();
    assert!(text.contains("Company phone") && text.contains("Security token"), "{text}");
    let of_phone = page
        .forms()
        .into_iter()
        .find(|form| form.fields.get("f.authenticator").is_some_and(|name| name == "phone"));
    let page = own.submit_form(&page, &of_phone.expect("a form"), &[("action", "enrol")]).expect("a page");
    let key = key_of(&page);
    let page = send_code(&mut own, &page, &code(&key, "0"));
    assert!(page.text().contains("Phone"), "{}", page.text());

    // What was set up for one is not there for the other, nor does its code do the step.
    let mut alice = browser(&postern);
    let page = open(&mut alice, &postern, "token", "");
    let page = prove(&mut alice, &page, "alice");
    assert!(page.url.as_str().contains("error=access_denied"), "{}: {}", page.url, page.text());
    let page = open(&mut alice, &postern, "phone", "");
    let page = prove(&mut alice, &page, "alice");
    assert!(page.text().contains("Company phone"), "{}", page.text());
    let page = send_code(&mut alice, &page, &code(&key, "1"));
    assert!(is_signed_in(&page), "{}: {}", page.url, page.text());
    assert_eq!(signed_in_by(&postern), "phone");
    // The session has done `phone`, and nothing of `token`.
    assert!(is_signed_in(&open(&mut alice, &postern, "both", "")));
    assert!(open(&mut alice, &postern, "token", "").url.as_str().contains("error=access_denied"));

    // With both the other's button says what it is.
    let page = own.open(&format!("{}/authenticationendpoint/factors", postern.base_url)).expect("a page");
    let of_token = page
        .forms()
        .into_iter()
        .find(|form| form.fields.get("f.authenticator").is_some_and(|name| name == "token"));
    let page = own.submit_form(&page, &of_token.expect("a form"), &[("action", "enrol")]).expect("a page");
    let second = key_of(&page);
    assert_ne!(second, key);
    let page = send_code(&mut own, &page, &code(&second, "0"));
    assert!(page.forms().len() > 2, "{}", page.text());
    let mut bob = browser(&postern);
    let page = open(&mut bob, &postern, "both", "");
    let page = prove(&mut bob, &page, "alice");
    assert!(page.text().contains("With") && page.text().contains("Use Security token"), "{}", page.text());
    let other = bob.submit_until(&page, &form(&page, "f.code"), &[("action", "other")], APPLICATION);
    assert!(other.expect("a page").text().contains("Use Company phone"));
}

#[test]
fn the_domain_of_the_address_says_which_one_comes() {
    let postern = installation("realms");
    for (who, by) in
        [("alice", "password"), ("alice@example.com", "corporate"), ("alice@eu.example.com", "password")]
    {
        let mut browser = browser(&postern);
        let page = open(&mut browser, &postern, "plain", "");
        let first = form(&page, "f.username");
        assert_eq!(first.fields["f.username"], "");
        let text = page.text();
        assert!(
            text.contains("E-mail address or user name") && text.contains("autocomplete=\"username\""),
            "{text}"
        );
        let page = prove(&mut browser, &page, who);
        assert!(is_signed_in(&page), "{}: {}", page.url, page.text());
        assert_eq!(signed_in_by(&postern), by, "{who}");
        assert!(is_signed_in(&open(&mut browser, &postern, "plain", "")), "the session is good again");
    }
    // The application says who it is; the title is text, and the way back is there.
    let mut browser = browser(&postern);
    let page = open(&mut browser, &postern, "plain", "&login_hint=nobody%40example.com");
    let text = page.text();
    assert!(
        text.contains("Corporate &lt;b&gt;account&lt;&#x2f;b&gt;") && !text.contains("<b>account"),
        "{text}"
    );
    assert!(text.contains("nobody@example.com") && text.contains("Not you?"), "{text}");
    let page = send(&mut browser, &page, &[("action", "not-you")]);
    assert!(page.form_with("f.password").is_err(), "{}", page.text());
    let page = send(&mut browser, &page, &[("f.username", ""), ("action", "sign-in")]);
    assert!(page.text().contains("Please type your e-mail address"), "{}", page.text());
}

#[test]
fn an_entry_that_can_not_be_is_refused_with_what_is_wrong() {
    let cases = [
        (
            ENTRIES.replace("component = \"password\"", "component = \"no-such\""),
            SIGN_IN.into(),
            "authenticator.file.unreadable",
        ),
        (ENTRIES.replace("component = \"password\"", "component = \"../x\""), SIGN_IN.into(), "is no name"),
        (ENTRIES.replace("Company phone", ""), SIGN_IN.into(), "must be 1 to 64 bytes in one line"),
        (ENTRIES.into(), SIGN_IN.replace("\"corporate\"", "\"phone\""), "does not find out who somebody is"),
        (ENTRIES.into(), SIGN_IN.replace("\"corporate\"", "\"no-such\""), "is not in authenticators.enabled"),
        (ENTRIES.into(), SIGN_IN.replace("\"example.com\"", "\"ex\u{e4}mple.com\""), "is no domain"),
        (ENTRIES.into(), SIGN_IN.replace("\"example.com\"", "\"Example.com\""), "is no domain"),
        (ENTRIES.into(), SIGN_IN.replace("\"example.com\"", "\"example..com\""), "is no domain"),
    ];
    for (number, (entries, sign_in, expected)) in cases.into_iter().enumerate() {
        let postern = configured(&format!("instances-check-{number}"), &entries, &sign_in);
        let file = postern.folder().join("postern.toml");
        let said = Command::new(tools::postern()).arg("--config").arg(&file).arg("check").output();
        let said = said.expect("postern runs");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success() && text.contains(expected), "{expected}: {text}");
    }
}
