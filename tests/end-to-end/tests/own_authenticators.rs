//! An authenticator that sends people away, as whoever follows docs/write-an-authenticator.md makes it: from
//! `postern authenticator new` to a sign-in through the real Envoy. The place that people are sent to is the one
//! that comes along with the project.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::site::Site;
use postern_end_to_end::tools;
use serde_json::json;

const NAME: &str = "club";
/// As the example has it.
const PLACE: &str = "127.0.0.1:3000";
const APPLICATION: &str = "http://127.0.0.1:1/";

/// The project with its built component, and the place.
struct Club {
    folder: PathBuf,
    place: String,
}

impl Club {
    /// `new`, `cargo build`, `pack` and `inspect`, for a place at this port.
    fn build(folder: &Path, port: u16) -> Self {
        done(postern(folder, &["new", NAME, "--lang", "rust", "--kind", "sent-away"]));
        let club = Self { folder: folder.join(NAME), place: format!("127.0.0.1:{port}") };
        for file in ["postern.toml", "sign-in.toml", "fresh.toml", "README.md"] {
            let file = club.folder.join(file);
            let text = fs::read_to_string(&file).expect("a file of the project");
            fs::write(&file, text.replace(PLACE, &club.place)).expect("a folder to write to");
        }
        // What is built for the other examples is good here too.
        let target = tools::target().join("postern/examples/authenticators-target");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--release", "--target", "wasm32-unknown-unknown"]);
        done(cargo.current_dir(&club.folder).env("CARGO_TARGET_DIR", &target).output().expect("cargo runs"));
        let module = target.join("wasm32-unknown-unknown/release/club.wasm");
        club.postern(&["pack", &module.to_string_lossy(), "--output", "club.wasm"]);
        let inspected = club.postern(&["inspect", "club.wasm"]);
        assert!(inspected.contains(&club.place) && inspected.contains("outbound"), "{inspected}");
        fs::write(club.folder.join("secret"), "a-secret-of-the-club\n").expect("a folder to write to");
        club
    }

    fn postern(&self, arguments: &[&str]) -> String {
        done(postern(&self.folder, arguments))
    }

    /// The harness, with what the place needs and these flags.
    fn try_out(&self, flags: &[&str]) -> Output {
        self.go_through("sign-in.toml", flags)
    }

    fn go_through(&self, script: &str, flags: &[&str]) -> Output {
        let script = ["test", "club.wasm", "--script", script, "--outbound", &self.place];
        postern(&self.folder, &[&script[..], flags].concat())
    }

    /// The place, by TLS when it has a certificate.
    fn open(&self, tls: Option<&Issued>) -> Process {
        let mut node = Command::new(tools::node());
        let (_, port) = self.place.split_once(':').expect("a port");
        node.current_dir(&self.folder).args(["place.mjs", port, "secret"]);
        if let Some(tls) = tls {
            node.arg(&tls.certificate_file).arg(&tls.key_file);
        }
        let mut place = Process::start("place", &node, &self.folder.join("place.log"));
        place.wait_for_port(port.parse().expect("a port"));
        place
    }

    /// What the project's README says about `postern.toml`.
    fn configuration(&self) -> String {
        let readme = fs::read_to_string(self.folder.join("README.md")).expect("a README");
        let (_, lines) = readme.split_once("    [authenticators.modules.club]\n").expect("the section");
        let lines = lines.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
        let lines: Vec<&str> = lines.map(|line| line.trim_start_matches("    ")).collect();
        format!("[authenticators.modules.club]\n{}\n", lines.join("\n"))
    }
}

fn postern(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(tools::postern());
    command.arg("authenticator").args(arguments).current_dir(folder).output().expect("postern runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn done(output: Output) -> String {
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

const LOOPBACK: [&str; 2] = ["--outbound-network", "127.0.0.0/8"];
const SECRET: [&str; 2] = ["--secret", "place=secret"];

/// Both in one test: the project is built once.
#[test]
fn people_are_sent_to_the_place_and_signed_in_by_its_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let club = Club::build(folder.path(), free_port());
    let place = club.open(None);
    the_harness_calls_the_place(&club);
    it_signs_people_in(&club, folder.path());
    drop(place);
    the_harness_judges_certificates(&club, folder.path());
}

/// What mail a component sends is shown, and a script takes the code from it.
#[test]
fn the_harness_shows_mail_instead_of_sending_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = |words: &str| {
        format!(
            "[[flow]]\n[[flow.step]]\nexpect = \"challenge\"\nmailed = {{ code = \"{words}\" }}\n\
             [[flow.step]]\nexpect = \"authenticated\"\n"
        )
    };
    let file = folder.path().join("script.toml");
    let component = tools::component("authenticators/email-code");
    let arguments = ["test", &component.to_string_lossy(), "--script", &file.to_string_lossy()];
    fs::write(&file, script("Your code:")).expect("a folder to write to");
    let went = done(postern(folder.path(), &arguments));
    assert!(went.contains("mail, shown and not sent: to alice@example.com"), "{went}");
    fs::write(&file, script("No such words:")).expect("a folder to write to");
    let output = postern(folder.path(), &arguments);
    assert!(said(&output).contains("no mail has \"No such words:\""), "{}", said(&output));
}

fn the_harness_calls_the_place(club: &Club) {
    let went = done(club.try_out(&[&LOOPBACK[..], &SECRET].concat()));
    assert!(went.contains("everything as it has to be"), "{went}");
    assert!(went.contains(&format!("the person is sent to http://{}/sign-in?", club.place)), "{went}");
    let calls = went.lines().filter(|line| line.contains("outbound") && line.contains("send")).count();
    assert_eq!(calls, 3, "each ticket is asked for: {went}");
    // Where people have to prove anew who they are, the place is told, and has to say that it kept to it.
    for flags in [&["--fresh"][..], &["--max-age", "600"], &["--fresh", "--max-age", "0"]] {
        for script in ["sign-in.toml", "fresh.toml"] {
            let went = done(club.go_through(script, &[&LOOPBACK[..], &SECRET, flags].concat()));
            assert!(went.contains("everything as it has to be"), "{went}");
        }
    }
    let output = club.go_through("fresh.toml", &[&LOOPBACK[..], &SECRET].concat());
    assert!(said(&output).contains("sign-in?anew=false&"), "nobody asks: {}", said(&output));
    // Without the network, without the secret, with another one.
    fs::write(club.folder.join("wrong"), "something-else\n").expect("a folder to write to");
    let line = format!(
        "place = {{ host = \"{}\", kind = \"basic\", username = \"a\", file = \"secret\" }}",
        club.place
    );
    for flags in [
        SECRET.to_vec(),
        LOOPBACK.to_vec(),
        [&LOOPBACK[..], &["--secret", "place=wrong"]].concat(),
        [&LOOPBACK[..], &["--secret", &line]].concat(),
    ] {
        let output = club.try_out(&flags);
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {}", said(&output));
        assert!(said(&output).contains("expected Authenticated, found"), "{flags:?}: {}", said(&output));
    }
    let output = postern(&club.folder, &["test", "club.wasm", "--script", "sign-in.toml"]);
    let told = format!("it calls hosts ({}), and no --outbound names any", club.place);
    assert!(said(&output).contains(&told), "{}", said(&output));
    let output = club.try_out(&[&LOOPBACK[..], &["--secret", "place"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

/// The same place by TLS: whoever issued its certificate has to be named.
fn the_harness_judges_certificates(club: &Club, folder: &Path) {
    let authority = Authority::new(folder, "issuer");
    let _place = club.open(Some(&authority.issue("place", &["127.0.0.1"])));
    let script = club.folder.join("sign-in.toml");
    let text = fs::read_to_string(&script).expect("the script");
    fs::write(&script, text.replace("http://", "https://")).expect("a folder to write to");
    let file = authority.certificate_file();
    let ca = ["--outbound-ca", &file.to_string_lossy()];
    let went = done(club.try_out(&[&LOOPBACK[..], &SECRET, &ca].concat()));
    assert!(went.contains("everything as it has to be"), "{went}");
    let stranger = Authority::new(folder, "stranger").certificate_file();
    let ca = ["--outbound-ca", &stranger.to_string_lossy()];
    let output = club.try_out(&[&LOOPBACK[..], &SECRET, &ca].concat());
    assert!(said(&output).contains("unavailable: tls"), "{}", said(&output));
}

/// With the lines of the README, through Envoy.
fn it_signs_people_in(club: &Club, folder: &Path) {
    let (site, ()) = Site::start(Kind::Envoy, folder, "", |postern, _| enable(club, postern));
    let base_url = site.base_url();
    let url = format!(
        "{base_url}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F\
         callback&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256"
    );
    let sign_in = |browser: &mut Browser, username: &str| {
        let page = browser.open(&url).expect("a page");
        assert!(page.url.as_str().starts_with(&format!("http://{}/sign-in?", club.place)), "{}", page.url);
        let mut form = page.form().expect("the place's form");
        form.action = page.url.to_string();
        browser.submit_until(&page, &form, &[("username", username)], APPLICATION).expect("a page")
    };
    let mut browser = site.browser();
    let page = sign_in(&mut browser, "carol");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    let listed = site.postern.run(&["user", "list"]);
    assert!(listed.contains("carol"), "{listed}");
    // The place is asked by the host, which adds the secret; it is in no log.
    let answered = |event: &serde_json::Value| event["event"] == "outbound.answered";
    assert!(site.postern.audit().iter().any(answered));
    assert!(!site.postern.log().contains("a-secret-of-the-club"));
    // The same person again, and nobody.
    assert!(is_signed_in(&sign_in(&mut site.browser(), "carol")));
    assert_eq!(site.postern.run(&["user", "list"]), listed);
    // Who has a session here and is asked anew is sent there, and told so.
    let page = browser.open(&format!("{url}&prompt=login")).expect("a page");
    let sent = format!("http://{}/sign-in?anew=true&", club.place);
    assert!(page.url.as_str().starts_with(&sent), "{}\n{}", page.url, page.text());
    let page = sign_in(&mut site.browser(), "");
    assert!(page.text().contains("did not sign you in"), "{}\n{}", page.url, page.text());
}

fn is_signed_in(page: &Page) -> bool {
    page.url.as_str().starts_with(APPLICATION) && page.url.as_str().contains("code=")
}

/// Has the component in its folder, the secret, and the lines.
fn enable(club: &Club, postern: &Postern) {
    let own = postern.folder().join("own");
    let state = postern.folder().join("state");
    for folder in [&own, &state] {
        fs::create_dir_all(folder).expect("a folder to write to");
    }
    let password = tools::component("authenticators/password");
    fs::copy(&password, own.join("password.wasm")).expect("a component");
    fs::copy(club.folder.join("club.wasm"), own.join("club.wasm")).expect("a component");
    fs::copy(club.folder.join("secret"), state.join("secret")).expect("a secret");
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let built = password.parent().expect("a folder");
    let text = text.replace(&format!("{built:?}"), &format!("{own:?}"));
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"club\", \"password\"]");
    fs::write(&file, format!("{text}\n{}", club.configuration())).expect("a folder to write to");
    postern.run(&["check"]);
    let client = json!({
        "client_id": "client",
        "redirect_uris": ["http://127.0.0.1:1/callback"],
        "token_endpoint_auth_method": "none",
    });
    postern.add_application("oidc", "client", &client.to_string());
}
