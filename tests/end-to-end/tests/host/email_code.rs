//! One-time codes by e-mail, through a real mail server: STARTTLS, with a certificate of the LAN's authority,
//! and authentication. The code is read from the mail.
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::certificates::Authority;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::{scratch, tools};
use serde_json::{Value, json};

use crate::second_factor::values;
use crate::world::{APPLICATION, PASSWORD, is_signed_in};

const STEPS: &str = "[sign_in]\nsteps = [[\"password\"], [\"email-code\", \"recovery\"]]\n";
const MAIL_PASSWORD: &str = "a password of the mail server";

/// A mail server and the installation that it serves.
struct World {
    mails: PathBuf,
    server: Process,
    postern: Postern,
}

/// What is not as it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// The mail server's certificate is another authority's.
    Authority,
    /// The password is another one.
    Password,
    /// The mail server offers neither TLS nor authentication.
    Plain,
}

impl World {
    fn new(name: &str, fault: Fault) -> Self {
        let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), name);
        let (port, mails) = (free_port(), folder.join("mails"));
        let mut postern = Postern::alone(&folder, "");
        let elsewhere = Authority::new(&folder, "elsewhere");
        let authority = if fault == Fault::Authority { &elsewhere } else { &postern.lan };
        let server = server(&folder, port, &mails, authority, fault);
        let password_file = folder.join("mail-password");
        let password = if fault == Fault::Password { "another" } else { MAIL_PASSWORD };
        fs::write(&password_file, format!("{password}\n")).expect("a folder to write to");
        let file = folder.join("postern.toml");
        let text = fs::read_to_string(&file).expect("the configuration");
        let enabled = "enabled = [\"password\", \"email-code\", \"recovery\"]";
        let text = text.replace("enabled = [\"password\"]", enabled);
        let mail = format!(
            "[mail]\nserver = \"localhost\"\nport = {port}\ntls = \"starttls\"\nca = {:?}\n\
             from = \"sso@example.com\"\nusername = \"postern\"\npassword_file = {password_file:?}\n",
            postern.lan.certificate_file()
        );
        fs::write(&file, format!("{text}{STEPS}")).expect("a folder to write to");
        if fault == Fault::Nothing {
            let said = postern.fails(&["check"]);
            assert!(said.contains("authenticator.mail.missing") && said.contains("[mail]"), "{said}");
        }
        fs::write(&file, format!("{text}{STEPS}{mail}")).expect("a folder to write to");
        postern.run(&["check"]);
        postern.add_user("alice", PASSWORD);
        let client = json!({
            "client_id": "client",
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
        });
        postern.add_application("oidc", "client", &client.to_string());
        postern.start();
        Self { mails, server, postern }
    }

    fn mails(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.mails).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// The code in the message that was taken last.
    fn last_code(&self) -> String {
        let mails = self.mails();
        let body = mails.last().expect("a message")["body"].as_str().expect("text").to_owned();
        let code = body.lines().next().and_then(|line| line.strip_prefix("Your code: "));
        code.unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    fn browser(&self) -> Browser {
        Browser::behind_proxy(self.postern.proxy_tls())
    }

    /// From the application past the password.
    fn reach_code(&self, browser: &mut Browser, name: &str) -> Page {
        let url = format!(
            "{}/oauth2/authorize?response_type=code&client_id=client\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&scope=openid&state=s\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
            self.postern.base_url
        );
        let page = browser.open(&url).expect("a page");
        password(browser, &page, name)
    }

    /// Adds somebody without an address.
    fn add_without_address(&self, name: &str) {
        let mut child = Command::new(tools::postern())
            .arg("--config")
            .arg(self.postern.folder().join("postern.toml"))
            .args(["user", "add", name, "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("postern runs");
        writeln!(child.stdin.take().expect("a pipe"), "{PASSWORD}").expect("postern reads the password");
        assert!(child.wait().expect("postern ends").success());
    }
}

fn server(folder: &Path, port: u16, mails: &Path, authority: &Authority, fault: Fault) -> Process {
    let mut command = Command::new(tools::python());
    command.arg(tools::workspace().join("tests/end-to-end/relying-parties/mail_server.py"));
    command.arg(port.to_string()).arg(mails);
    if fault != Fault::Plain {
        let issued = authority.issue("mail", &["localhost"]);
        command.arg(&issued.certificate_file).arg(&issued.key_file).args(["postern", MAIL_PASSWORD]);
    }
    let mut server = Process::start("mail server", &command, &folder.join("mail.log"));
    server.wait_for_port(port);
    server
}

fn password(browser: &mut Browser, page: &Page, name: &str) -> Page {
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", name), ("f.password", PASSWORD), ("action", "sign-in")];
    browser.submit_until(page, &form, &typed, APPLICATION).expect("a page")
}

fn send_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    let form = page.form_with("f.code").unwrap_or_else(|error| panic!("{error}: {}", page.text()));
    browser
        .submit_until(page, &form, &[("f.code", code), ("action", "sign-in")], APPLICATION)
        .expect("a page")
}

#[test]
fn a_code_from_the_mail_is_taken_once_and_without_mail_another_way_is_taken() {
    let mut world = World::new("email-code", Fault::Nothing);
    let mut first = world.browser();
    let asked = world.reach_code(&mut first, "alice");
    assert!(asked.text().contains("A code was sent to a***@example.com"), "{}", asked.text());
    let mails = world.mails();
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((&mail["from"], &mail["to"]), (&json!("sso@example.com"), &json!(["alice@example.com"])));
    assert_eq!((&mail["tls"], &mail["authenticated"]), (&json!(true), &json!(true)));
    let headers = &mail["headers"];
    assert_eq!(headers["subject"], "Your code to sign in");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert!(headers["content-type"].as_str().is_some_and(|kind| kind.starts_with("text/plain")), "{headers}");
    let code = world.last_code();
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    let page = send_code(&mut first, &asked, wrong);
    assert!(page.text().contains("That code is not right"), "{}", page.text());
    assert_eq!(first.cookie("localhost", "__Host-postern-session"), None);
    let page = send_code(&mut first, &page, &code);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());

    // The form of before, and the same code in another sign-in.
    first.set_cookie("localhost", "__Host-postern-session", "none");
    assert!(!is_signed_in(&send_code(&mut first, &asked, &code)), "it was for that sign-in");
    let mut thief = world.browser();
    let page = world.reach_code(&mut thief, "alice");
    let page = send_code(&mut thief, &page, &code);
    assert!(page.text().contains("That code is not right"), "{}", page.text());
    let second = world.last_code();
    let mut page = page;
    for _ in 0..4 {
        page = send_code(&mut thief, &page, wrong);
    }
    assert!(page.form_with("f.code").is_err(), "five tries: {}", page.text());
    assert!(!is_signed_in(&page));

    world.add_without_address("nobody");
    let page = world.reach_code(&mut world.browser(), "nobody");
    assert!(page.url.as_str().contains("error=access_denied"), "{}", page.url);

    // Carol has recovery codes besides. The mail server goes away: she takes one, and alice is not let in.
    world.postern.add_user("carol", PASSWORD);
    let mut own = world.browser();
    let page =
        own.open(&format!("{}/authenticationendpoint/factors", world.postern.base_url)).expect("a page");
    let page = password(&mut own, &page, "carol");
    let form = page.form_with("f.authenticator").expect("recovery codes can be set up");
    let shown = own.submit_form(&page, &form, &[("action", "enrol")]).expect("a page");
    let codes = values(&shown);
    own.submit(&shown, &[("action", "sign-in")]).expect("a page");
    let taken = world.mails().len();
    world.server.stop();
    let mut carol = world.browser();
    let page = world.reach_code(&mut carol, "carol");
    assert!(page.text().contains("Enter a recovery code"), "{}", page.text());
    assert!(is_signed_in(&send_code(&mut carol, &page, &codes[0])));
    let mut alice = world.browser();
    let page = world.reach_code(&mut alice, "alice");
    assert!(!is_signed_in(&page) && page.form_with("f.code").is_err(), "{}", page.text());
    assert_eq!(alice.cookie("localhost", "__Host-postern-session"), None);
    assert_eq!(world.mails().len(), taken);

    let logs = format!("{}{:?}", world.postern.log(), world.postern.audit());
    for secret in [code.as_str(), &second, MAIL_PASSWORD, "alice@example.com"] {
        assert!(!logs.contains(secret), "{secret} is in the log");
    }
    let events: Vec<_> = world.postern.audit().iter().map(|event| event["event"].to_string()).collect();
    for event in ["message.sent", "sign-in.not-enrolled", "sign-in.failed", "sign-in.succeeded"] {
        assert!(events.contains(&format!("\"{event}\"")), "{event}: {events:?}");
    }
}

#[test]
fn a_mail_server_that_is_not_the_operators_gets_no_code_and_nobody_is_let_in() {
    for (name, fault, expected) in [
        ("email-code-authority", Fault::Authority, "TLS failed"),
        ("email-code-password", Fault::Password, "the server refused it (535)"),
        ("email-code-plain", Fault::Plain, "does not offer what is needed"),
    ] {
        let world = World::new(name, fault);
        let mut browser = world.browser();
        let page = world.reach_code(&mut browser, "alice");
        assert!(!is_signed_in(&page) && page.form_with("f.code").is_err(), "{name}: {}", page.text());
        assert_eq!(browser.cookie("localhost", "__Host-postern-session"), None);
        assert!(world.mails().is_empty(), "{name}");
        let log = world.postern.log();
        assert!(log.contains(expected), "{name}: {log}");
    }
}
