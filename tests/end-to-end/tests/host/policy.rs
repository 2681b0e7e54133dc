//! The three examples of policies, each deciding for an application of its own.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::{scratch, tools};
use serde_json::{Value, json};
use url::Url;

use crate::second_factor::{browser, code, enrol, send_code};
use crate::world::{APPLICATION, PASSWORD, is_signed_in};

const INSIDE: &str = "10.1.2.3";
const OUTSIDE: &str = "203.0.113.7";

/// Who decides for which application.
const SIGN_IN: &str = r#"
[sign_in]
failures_per_name = 1000
policy_for = { office = "office-network", abroad = "country", console = "administrators" }
policy_headers = ["x-country"]
networks = { office = ["10.0.0.0/8", "2001:db8::/32"] }
"#;

const POLICIES: &str = r#"
[policies.modules.office-network]
settings = { second = ["totp"] }
[policies.modules.country]
settings = { allowed = ["AT", "DE"] }
[policies.modules.administrators]
settings = { second = ["totp"] }
"#;

/// Copies the policies into a folder of the installation's own.
fn policies(folder: &Path) -> PathBuf {
    let own = folder.join("policies");
    fs::create_dir_all(&own).expect("a folder to write to");
    for name in ["administrators", "country", "office-network"] {
        let built = tools::component(&format!("policies/{name}"));
        fs::copy(built, own.join(format!("{name}.wasm"))).expect("a component");
    }
    own
}

fn installation(name: &str) -> Postern {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), name);
    policies(&folder);
    let mut postern =
        Postern::alone(&folder, &format!("{SIGN_IN}{POLICIES}").replace("[\"totp\"]", "[\"password\"]"));
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"totp\"]");
    fs::write(&file, text.replace("second = [\"password\"]", "second = [\"totp\"]")).expect("a folder");
    postern.run(&["check"]);
    postern.add_user_with("alice", PASSWORD, &["--claim", "groups=administrators"]);
    postern.add_user("bob", PASSWORD);
    for client in ["office", "abroad", "console"] {
        let client = json!({
            "client_id": client,
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        postern.add_application("oidc", client["client_id"].as_str().expect("a name"), &client.to_string());
    }
    postern.start();
    postern
}

fn open(browser: &mut Browser, postern: &Postern, client: &str) -> Page {
    let url = format!(
        "{}/oauth2/authorize?response_type=code&client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        postern.base_url
    );
    browser.open_until(&url, APPLICATION).expect("a page")
}

fn sign_in(browser: &mut Browser, postern: &Postern, client: &str, name: &str) -> Page {
    let page = open(browser, postern, client);
    let form = page.form_with("f.password").unwrap_or_else(|error| panic!("{error}: {}", page.text()));
    let typed = [("f.username", name), ("f.password", PASSWORD), ("action", "sign-in")];
    browser.submit_until(&page, &form, &typed, APPLICATION).expect("a page")
}

fn asks_for_a_code(page: &Page) -> bool {
    page.form_with("f.code").is_ok()
}

#[test]
fn the_examples_decide_for_new_sign_ins_and_for_sessions() {
    let postern = installation("policy");
    let (key, _) = enrol(&mut browser(&postern), &postern);

    // A second factor outside the office network: also when the session moves out of it.
    let mut alice = browser(&postern);
    alice.come_from(INSIDE, "");
    assert!(is_signed_in(&sign_in(&mut alice, &postern, "office", "alice")));
    assert!(is_signed_in(&open(&mut alice, &postern, "office")));
    alice.come_from(OUTSIDE, "");
    let page = open(&mut alice, &postern, "office");
    assert!(asks_for_a_code(&page), "{}", page.text());
    alice.come_from(INSIDE, "");

    // A second factor for administrators, in the session that a password was enough for.
    let page = open(&mut alice, &postern, "console");
    assert!(asks_for_a_code(&page), "{}", page.text());
    let mut bob = browser(&postern);
    bob.come_from(INSIDE, "x-country: AT\r\n");
    assert!(is_signed_in(&sign_in(&mut bob, &postern, "console", "bob")));

    // With the code both are content, from anywhere.
    let page = send_code(&mut alice, &page, &code(&key, "1"));
    assert!(is_signed_in(&page), "{}: {}", page.url, page.text());
    alice.come_from(OUTSIDE, "");
    assert!(is_signed_in(&open(&mut alice, &postern, "office")));

    // Nobody from elsewhere, with a session or without, and nobody when the proxy does not say from where.
    assert!(is_signed_in(&open(&mut bob, &postern, "abroad")));
    for headers in ["x-country: AQ\r\n", "", "x-country: AT\r\nx-country: AT\r\n", "x-country: A\u{e4}\r\n"] {
        bob.come_from(INSIDE, headers);
        for browser in [&mut bob, &mut {
            let mut fresh = browser(&postern);
            fresh.come_from(INSIDE, headers);
            fresh
        }] {
            let page = open(browser, &postern, "abroad");
            assert!(
                page.text().contains("sign in from the country that you are in"),
                "{headers}: {}",
                page.text()
            );
            assert!(page.form_with("f.password").is_err());
        }
    }
    let audit = postern.audit();
    let decided = |policy: &str, decision: &str, occasion: &str| {
        audit.iter().any(|event| {
            event["event"] == "sign-in.policy"
                && event["module"] == policy
                && event["fields"]["decision"] == decision
                && event["fields"]["occasion"] == occasion
        })
    };
    assert!(decided("office-network", "steps", "session"), "{audit:?}");
    assert!(decided("administrators", "steps", "session"));
    assert!(decided("country", "deny", "begin") && decided("country", "deny", "session"));

    // A file that is none changes nothing.
    let own = postern.folder().join("policies");
    fs::write(own.join("office-network.wasm"), b"#!/bin/sh\n").expect("a folder to write to");
    let refused = || postern.audit().iter().any(|event| event["event"] == "change.refused");
    for _ in 0..120 {
        if refused() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    assert!(refused(), "{}", postern.log());
    let mut outside = browser(&postern);
    outside.come_from(OUTSIDE, "");
    assert!(asks_for_a_code(&sign_in(&mut outside, &postern, "office", "alice")));
}

/// What the token endpoint answers to an application that asks from there.
fn token(postern: &Postern, (address, headers): (&str, &str), form: &[(&str, &str)]) -> (u16, Value) {
    let mut application = browser(postern);
    application.come_from(address, headers);
    let url = Url::parse(&format!("{}/oauth2/token", postern.base_url)).expect("a URL");
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let answer = application.request("POST", &url, Some(&body)).expect("an answer");
    (answer.answer.status, serde_json::from_str(&answer.text()).expect("JSON"))
}

/// The refresh token for the code that the application was sent.
fn first_token(postern: &Postern, client: &str, page: &Page) -> String {
    assert!(is_signed_in(page), "{}: {}", page.url, page.text());
    let code = page.url.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:1/callback"),
        // RFC 7636 appendix B.
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let (status, tokens) = token(postern, (INSIDE, ""), &form);
    assert_eq!(status, 200, "{tokens}");
    tokens["refresh_token"].as_str().expect("a refresh token").to_owned()
}

/// The next refresh token, or the error.
fn refresh(postern: &Postern, from: (&str, &str), client: &str, last: &str) -> Result<String, Value> {
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", last)];
    let (status, answer) = token(postern, from, &form);
    match (status, answer["refresh_token"].as_str()) {
        (200, Some(next)) => Ok(next.to_owned()),
        (400, None) => Err(answer["error"].clone()),
        _ => panic!("{status}: {answer}"),
    }
}

#[test]
fn a_refresh_token_is_judged_as_a_session_is() {
    let postern = installation("policy-refresh");
    let (key, _) = enrol(&mut browser(&postern), &postern);
    let mut alice = browser(&postern);
    alice.come_from(INSIDE, "");
    let page = sign_in(&mut alice, &postern, "office", "alice");
    let weak = first_token(&postern, "office", &page);
    let weak = refresh(&postern, (INSIDE, ""), "office", &weak).expect("inside the office");
    assert_eq!(refresh(&postern, (OUTSIDE, ""), "office", &weak), Err(json!("invalid_grant")));
    // The application sends her to sign in, where the code is asked for, and goes on from anywhere.
    alice.come_from(OUTSIDE, "");
    let page = open(&mut alice, &postern, "office");
    let page = send_code(&mut alice, &page, &code(&key, "1"));
    let strong = first_token(&postern, "office", &page);
    let strong = refresh(&postern, (OUTSIDE, ""), "office", &strong).expect("the code was shown");
    refresh(&postern, (INSIDE, ""), "office", &strong).expect("inside as well");

    let mut bob = browser(&postern);
    bob.come_from(INSIDE, "x-country: AT\r\n");
    let page = sign_in(&mut bob, &postern, "abroad", "bob");
    let last = first_token(&postern, "abroad", &page);
    let last = refresh(&postern, (INSIDE, "x-country: DE\r\n"), "abroad", &last).expect("an allowed country");
    let refused = refresh(&postern, (INSIDE, "x-country: AQ\r\n"), "abroad", &last);
    assert_eq!(refused, Err(json!("invalid_grant")));
    let audit = postern.audit();
    for why in ["steps-due", "denied"] {
        let is_written =
            |event: &Value| event["event"] == "grant.not-renewed" && event["fields"]["why"] == why;
        assert!(audit.iter().any(is_written), "{why}");
    }
    for code in ["oauth.grant.policy-steps-due", "oauth.grant.policy-denied"] {
        let is_written =
            |event: &Value| event["event"] == "request.refused" && event["fields"]["code"] == code;
        assert!(audit.iter().any(is_written), "{code}: {audit:?}");
    }
}

#[test]
fn a_policy_that_can_not_decide_as_it_should_keeps_the_server_from_starting() {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), "policy-check");
    let own = policies(&folder);
    let postern = Postern::alone(&folder, "");
    let file = postern.folder().join("postern.toml");
    let good = fs::read_to_string(&file).expect("the configuration");
    fs::copy(own.join("country.wasm"), own.join("other.wasm")).expect("a folder to write to");
    fs::copy(tools::component("authenticators/password"), own.join("password.wasm")).expect("a component");
    let country = "[sign_in]\npolicy = \"country\"\n";
    let cases = [
        ("[sign_in]\npolicy = \"no-such\"".to_owned(), "policy.file.unreadable"),
        ("[sign_in]\npolicy = \"other\"".to_owned(), "policy.name.mismatch"),
        ("[sign_in]\npolicy = \"../x\"".to_owned(), "is no name"),
        ("[sign_in]\npolicy = \"password\"".to_owned(), "sandbox.import.foreign"),
        (country.to_owned(), "policy.settings.invalid"),
        (
            format!("{country}[policies.modules.country]\nsettings = {{ allowed = \"AT\" }}"),
            "policy.settings.invalid",
        ),
        (
            format!("{country}[policies.modules.country]\nsha256 = \"{}\"", "0".repeat(64)),
            "policy.digest.mismatch",
        ),
        (format!("{country}[policies.modules.office-network]"), "is named by neither"),
        (format!("{country}networks = {{ office = [\"10.0.0.1/8\"] }}"), "has bits beyond its prefix"),
        (format!("{country}policy_headers = [\"cookie\"]"), "is told to no policy"),
        (format!("{country}policy_headers = [\"X-Country\"]"), "is no header's name in lower case"),
        ("[sign_in]\nnetworks = { office = [\"10.0.0.0/8\"] }".to_owned(), "has no effect without"),
    ];
    for (added, expected) in cases {
        fs::write(&file, format!("{good}\n{added}\n")).expect("a folder to write to");
        let said = Command::new(tools::postern()).arg("--config").arg(&file).arg("check").output();
        let said = said.expect("postern runs");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success() && text.contains(expected), "{added}: {text}");
    }
}

/// The text that people read who are denied, in another file of the same policy.
fn with_another_text(component: &[u8]) -> Vec<u8> {
    let (old, new) = (b"You can't sign in from", b"You CAN'T sign in from");
    let at = component.windows(old.len()).position(|window| window == old).expect("its text");
    let mut changed = component.to_vec();
    changed[at..at + new.len()].copy_from_slice(new);
    changed
}

#[test]
fn another_file_decides_from_now_on() {
    let postern = installation("policy-replaced");
    let file = postern.folder().join("policies/country.wasm");
    let component = fs::read(&file).expect("a component");
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, with_another_text(&component)).expect("a folder to write to");
    fs::rename(&unfinished, &file).expect("a folder to write to");
    for _ in 0..120 {
        let page = open(&mut browser(&postern), &postern, "abroad");
        if page.text().contains("CAN") {
            return;
        }
        assert!(page.text().contains("sign in from the country"), "{}", page.text());
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("the new file does not decide: {}", postern.log());
}

/// A hostile policy takes the sign-ins that it decides about with it, and no others.
#[test]
fn a_hostile_policy_ends_its_own_sign_ins_and_no_others() {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), "policy-hostile");
    let own = policies(&folder);
    fs::copy(tools::component("guests/policy"), own.join("policy.wasm")).expect("a component");
    let mut postern = Postern::alone(&folder, "[sign_in]\npolicy_for = { hostile = \"policy\" }\n");
    postern.add_user("alice", PASSWORD);
    for client in ["hostile", "good"] {
        let source = json!({
            "client_id": client,
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
        });
        postern.add_application("oidc", client, &source.to_string());
    }
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    for (crime, code) in [
        ("spin", "policy.call.deadline"),
        ("trap", "policy.call.trap"),
        ("allocate", "policy.call.memory"),
        ("huge", "policy.call.output"),
        ("reason-control", "policy.call.output"),
        ("unknown", "policy.authenticator.unknown"),
        ("none", "policy.steps.empty"),
    ] {
        let settings = format!("[policies.modules.policy]\nsettings = {{ do = \"{crime}\" }}\n");
        fs::write(&file, format!("{text}\n{settings}")).expect("a folder to write to");
        postern.start();
        let mut alice = browser(&postern);
        let page = open(&mut alice, &postern, "hostile");
        assert_eq!(page.answer.status, 503, "{crime}: {}", page.text());
        assert!(is_signed_in(&sign_in(&mut alice, &postern, "good", "alice")), "{crime}");
        assert_eq!(
            open(&mut alice, &postern, "hostile").answer.status,
            503,
            "a session is worth nothing: {crime}"
        );
        let audit = postern.audit();
        let failed = audit.iter().rev().find(|event| event["event"] == "policy.failed");
        assert_eq!(failed.expect("an event")["fields"]["code"], code, "{crime}");
        assert!(postern.log().contains(code), "{crime}");
        postern.stop();
    }
}
