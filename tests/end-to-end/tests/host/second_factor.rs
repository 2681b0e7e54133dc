//! One-time codes from an app: set up on the person's own page, asked for at sign-in, taken once. The codes
//! are made by Python, from what the page shows to be typed.
use std::fs;
use std::process::Command;

use postern_end_to_end::browser::{Browser, Form, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::{scratch, tools};
use serde_json::json;

use crate::world::{APPLICATION, PASSWORD, is_signed_in};

const STEPS: &str = "[sign_in]\nsteps = [[\"password\"], [\"totp\"]]\n";
const WITH_RECOVERY: &str = "[sign_in]\nsteps = [[\"password\"], [\"totp\", \"recovery\"]]\n";

/// RFC 6238 over the standard library: the code of the step that is `ahead` of now.
const CODE: &str = r#"
import base64, hashlib, hmac, struct, sys, time
key = base64.b32decode(sys.argv[1].replace(" ", ""))
digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + int(sys.argv[2])), hashlib.sha1).digest()
offset = digest[-1] & 15
print("%06d" % ((struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7fffffff) % 1000000))
"#;

pub(crate) fn code(key: &str, ahead: &str) -> String {
    let output = Command::new(tools::python()).args(["-c", CODE, key, ahead]).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// An installation that asks everybody for a password and a code.
fn installation() -> Postern {
    installation_with("second-factor", STEPS)
}

/// The same with this `[sign_in]`.
fn installation_with(name: &str, settings: &str) -> Postern {
    installation_of(name, settings, |_| {})
}

/// The same in a folder of its own, with its configuration changed before it starts.
pub(crate) fn installation_in(name: &str, change: impl FnOnce(&Postern)) -> Postern {
    installation_of(name, STEPS, change)
}

fn installation_of(name: &str, settings: &str, change: impl FnOnce(&Postern)) -> Postern {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), name);
    let mut postern = Postern::alone(&folder, settings.replace("steps", "# steps").as_str());
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"totp\", \"recovery\"]");
    fs::write(&file, text.replace("# steps", "steps")).expect("a folder to write to");
    change(&postern);
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

pub(crate) fn browser(postern: &Postern) -> Browser {
    Browser::behind_proxy(postern.proxy_tls())
}

fn password(browser: &mut Browser, page: &Page) -> Page {
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", "alice"), ("f.password", PASSWORD), ("action", "sign-in")];
    browser.submit_until(page, &form, &typed, APPLICATION).expect("a page")
}

pub(crate) fn send_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    let form = page.form_with("f.code").unwrap_or_else(|error| panic!("{error}: {}", page.text()));
    let typed = [("f.code", code), ("f.label", "Phone"), ("action", "sign-in")];
    let typed = if form.fields.contains_key("f.label") { &typed[..] } else { &[typed[0], typed[2]] };
    browser.submit_until(page, &form, typed, APPLICATION).expect("a page")
}

/// From the application to the page that asks for a code.
pub(crate) fn reach_code(browser: &mut Browser, postern: &Postern) -> Page {
    let url = format!(
        "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        postern.base_url
    );
    let page = browser.open(&url).expect("a page");
    password(browser, &page)
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

/// Sets a phone up with the code of this step. The key as it is typed, and the page afterwards.
pub(crate) fn enrol(browser: &mut Browser, postern: &Postern) -> (String, Page) {
    let own = format!("{}/authenticationendpoint/factors", postern.base_url);
    let page = browser.open(&own).expect("a page");
    let page = password(browser, &page);
    let page = browser.submit_form(&page, &form_of(&page, false), &[("action", "enrol")]).expect("a page");
    let key = key_of(&page);
    assert!(send_code(browser, &page, "000000").form_with("f.code").is_ok(), "a wrong code sets nothing up");
    let page = send_code(browser, &page, &code(&key, "0"));
    assert!(page.text().contains("Phone"), "{}", page.text());
    (key, page)
}

/// The key as it is typed, on the page that shows it.
pub(crate) fn key_of(page: &Page) -> String {
    let text = String::from_utf8_lossy(&page.answer.body).into_owned();
    assert!(text.contains("<svg viewBox=") && !text.contains("<script"), "{text}");
    let typed = text.split("<code class=\"plain\">").nth(1).and_then(|rest| rest.split('<').next());
    typed.expect("the key to type").to_owned()
}

#[test]
fn a_code_is_asked_for_taken_once_and_the_operator_helps_who_lost_the_phone() {
    let postern = installation();
    // Who has set nothing up is not let in, and the application is told.
    let mut nobody = browser(&postern);
    let page = reach_code(&mut nobody, &postern);
    assert!(page.url.as_str().contains("error=access_denied"), "{}", page.url);

    let mut own = browser(&postern);
    let (key, factors) = enrol(&mut own, &postern);

    let mut first = browser(&postern);
    let page = reach_code(&mut first, &postern);
    assert!(!is_signed_in(&page));
    assert_eq!(first.cookie("localhost", "__Host-postern-session"), None);
    let page = send_code(&mut first, &page, "000000");
    assert!(page.text().contains("That code is not right"), "{}", page.text());
    // The one of now was used to set it up: the next one is good already.
    let next = code(&key, "1");
    let page = send_code(&mut first, &page, &next);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());

    let mut second = browser(&postern);
    let page = reach_code(&mut second, &postern);
    let page = send_code(&mut second, &page, &next);
    assert!(page.text().contains("That code is not right"), "{}: {}", page.url, page.text());

    let logs = format!("{}{:?}", postern.log(), postern.audit());
    for secret in [key.as_str(), &key.replace(' ', ""), &next] {
        assert!(!logs.contains(secret), "a secret is in the log");
    }
    let events: Vec<_> = postern.audit().iter().map(|event| event["event"].to_string()).collect();
    for event in ["credential.added", "sign-in.not-enrolled", "sign-in.failed", "sign-in.succeeded"] {
        assert!(events.contains(&format!("\"{event}\"")), "{event}: {events:?}");
    }

    // The person removes it; what another browser does then is not to be seen here any more.
    let remove = form_of(&factors, true);
    let page = own.submit_form(&factors, &remove, &[("action", "remove")]).expect("a page");
    assert!(!page.text().contains("Phone"), "{}", page.text());
    let page = reach_code(&mut browser(&postern), &postern);
    assert!(page.url.as_str().contains("error=access_denied"), "{}", page.url);

    // A lost phone: the operator.
    enrol(&mut browser(&postern), &postern);
    let printed = postern.run(&["user", "reset-factors", "alice"]);
    assert!(printed.starts_with("1 removed of alice"), "{printed}");
    let page = reach_code(&mut browser(&postern), &postern);
    assert!(page.url.as_str().contains("error=access_denied"), "{}", page.url);
}

#[test]
fn steps_that_make_no_sense_are_refused_by_name() {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), "second-factor-check");
    let postern = Postern::alone(&folder, "");
    let file = postern.folder().join("postern.toml");
    let good = fs::read_to_string(&file).expect("the configuration");
    for (steps, expected) in [
        ("[[\"password\"], [\"totp\"]]", "\"totp\" is not in authenticators.enabled"),
        ("[[\"password\"], []]", "must name at least one authenticator"),
        ("[[\"password\", \"password\"]]", "stands there twice"),
    ] {
        fs::write(&file, format!("{good}\n[sign_in]\nsteps = {steps}\n")).expect("a folder to write to");
        let output = Command::new(tools::postern())
            .arg("--config")
            .arg(&file)
            .arg("check")
            .output()
            .expect("postern runs");
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{steps}: {said}");
        assert!(said.contains(expected) && said.contains("sign_in.steps"), "{steps}: {said}");
    }
}

#[test]
fn who_has_nothing_sets_it_up_in_the_middle_of_a_sign_in_and_too_many_failures_lock_it() {
    let settings = "enrol = \"sign-in\"\nfailures_in_a_row = 3\nfailures_per_name = 50\n";
    let postern = installation_with("enrol-at-sign-in", &format!("{STEPS}{settings}"));
    let mut first = browser(&postern);
    let page = reach_code(&mut first, &postern);
    assert!(page.text().contains("You need a second way to prove who you are"), "{}", page.text());
    assert_eq!(first.cookie("localhost", "__Host-postern-session"), None);
    let key = key_of(&page);
    let page = send_code(&mut first, &page, &code(&key, "0"));
    assert!(!page.text().contains("class=\"plain\"") && !is_signed_in(&page), "it is asked for now");
    let page = send_code(&mut first, &page, &code(&key, "1"));
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());

    // Somebody who knows the password guesses; nothing else can be set up instead.
    let mut thief = browser(&postern);
    let mut page = reach_code(&mut thief, &postern);
    for _ in 0..3 {
        page = send_code(&mut thief, &page, "000000");
    }
    let page = send_code(&mut thief, &page, "000000");
    assert!(page.text().contains("it is locked"), "{}", page.text());
    let page = reach_code(&mut browser(&postern), &postern);
    assert!(page.text().contains("it is locked") && page.form_with("f.code").is_err(), "{}", page.text());
    let events: Vec<_> = postern.audit().iter().map(|event| event["event"].to_string()).collect();
    for event in ["sign-in.enrolled", "factor.locked", "sign-in.denied"] {
        assert!(events.contains(&format!("\"{event}\"")), "{event}: {events:?}");
    }
    let printed = postern.run(&["user", "unlock", "alice"]);
    assert!(printed.starts_with("failures of 1 factors of alice"), "{printed}");
    let page = reach_code(&mut browser(&postern), &postern);
    assert!(page.form_with("f.code").is_ok(), "{}", page.text());
}

/// The values that the page shows to be read.
pub(crate) fn values(page: &Page) -> Vec<String> {
    let html = String::from_utf8_lossy(&page.answer.body).into_owned();
    let parts = html.split("<p class=\"value\"><code>").skip(1);
    parts.filter_map(|part| part.split('<').next()).map(str::to_owned).collect()
}

#[test]
fn recovery_codes_are_shown_once_and_let_in_who_has_no_phone_at_hand() {
    let postern = installation_with("recovery", &format!("{WITH_RECOVERY}remember = \"30d\"\n"));
    let mut own = browser(&postern);
    let (key, factors) = enrol(&mut own, &postern);
    let forms = factors.forms();
    let of_recovery = |form: &&Form| {
        form.fields.get("f.authenticator").map(String::as_str) == Some("recovery")
            && !form.fields.contains_key("f.credential")
    };
    let form = forms.iter().find(of_recovery).expect("recovery codes can be set up").clone();
    let shown = own.submit_form(&factors, &form, &[("action", "enrol")]).expect("a page");
    let codes = values(&shown);
    assert_eq!(codes.len(), 10, "{}", shown.text());
    let page = own.submit(&shown, &[("action", "sign-in")]).expect("a page");
    assert!(!codes.iter().any(|code| page.text().contains(code.as_str())), "shown once");

    let by_code = |browser: &mut Browser, typed: &str| {
        let page = reach_code(browser, &postern);
        let form = page.form_with("f.code").expect("a code of the app is asked for");
        let page = browser.submit_form(&page, &form, &[("action", "other")]).expect("a page");
        assert!(page.text().contains("Enter a recovery code"), "{}", page.text());
        send_code(browser, &page, typed)
    };
    let page = by_code(&mut browser(&postern), &codes[0]);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    let mut thief = browser(&postern);
    let page = by_code(&mut thief, &codes[0]);
    assert!(page.text().contains("it was used already"), "{}", page.text());
    assert!(is_signed_in(&send_code(&mut thief, &page, &codes[1].to_lowercase().replace('-', " "))));

    // With the phone, on a device that is to be remembered: then the password is enough there.
    let mut desk = browser(&postern);
    let page = reach_code(&mut desk, &postern);
    assert!(page.text().contains("Don&#x27;t ask for this on this device for 30 days"), "{}", page.text());
    let form = page.form_with("f.code").expect("a code is asked for");
    let next = code(&key, "1");
    let typed = [("f.code", next.as_str()), ("remember", "yes"), ("action", "sign-in")];
    let page = desk.submit_until(&page, &form, &typed, APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    desk.set_cookie("localhost", "__Host-postern-session", "none");
    assert!(is_signed_in(&reach_code(&mut desk, &postern)), "the device is remembered");
    desk.set_cookie("localhost", "__Host-postern-session", "none");
    let page = desk.open(&format!("{}/authenticationendpoint/factors", postern.base_url)).expect("a page");
    assert!(password(&mut desk, &page).form_with("f.code").is_ok(), "not for the person's own page");
    postern.run(&["user", "reset-factors", "alice"]);
    assert!(!is_signed_in(&reach_code(&mut desk, &postern)), "with the factor it ends");

    let logs = format!("{}{:?}", postern.log(), postern.audit());
    assert!(!codes.iter().any(|code| logs.contains(code.as_str())), "a code is in the log");
}
