//! Sign-in by Kerberos ticket through the real Envoy: tickets of a real MIT KDC, shown by curl.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::kdc::{Kdc, REALM};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::site::{Site, USER};
use serde_json::json;
use tempfile::TempDir;

const APPLICATION: &str = "http://127.0.0.1:1/";
const NEGOTIATE: &str = "/commonauth/negotiate";
/// What NTLM begins with.
const NTLM: &str = "Negotiate TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAA=";

struct World {
    site: Site,
    kdc: Kdc,
    folder: TempDir,
}

/// What curl got.
struct Fetched {
    /// The heads of all answers, and the last body.
    answers: String,
    /// What it sent with `Authorization: Negotiate`, the last one.
    token: Option<String>,
}

impl Fetched {
    fn is_signed_in(&self) -> bool {
        let mut lines = self.answers.lines().filter_map(|line| line.strip_prefix("location: "));
        lines.any(|location| location.starts_with(APPLICATION) && location.contains("code="))
    }
}

impl World {
    /// With this service in the configuration, of which `localhost` is the host that browsers see.
    fn new(realms: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kdc = Kdc::start(&folder.path().join("kdc"), "localhost");
        for person in ["carol", "dave", "carol/admin"] {
            kdc.person(person);
        }
        let keytab = kdc.service("HTTP/localhost");
        kdc.service("other/localhost");
        let kerberos = format!("[kerberos]\nkeytab = {keytab:?}\nservice = \"HTTP/localhost@{REALM}\"\n");
        let (site, ()) = Site::start(Kind::Envoy, folder.path(), "", |postern, _| {
            configure(postern, realms, &kerberos);
            let client = json!({
                "client_id": "client",
                "redirect_uris": [format!("{APPLICATION}callback")],
                "token_endpoint_auth_method": "none",
            });
            postern.add_application("oidc", "client", &client.to_string());
        });
        Self { site, kdc, folder }
    }

    fn link(&self) -> String {
        format!(
            "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F\
             callback&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256",
            self.site.base_url()
        )
    }

    /// Opens the application's link with curl, which shows tickets of this person.
    fn curl(&self, person: &str, more: &[&str]) -> Fetched {
        self.fetch(self.kdc.signed_in(person, "curl"), more)
    }

    fn fetch(&self, mut curl: Command, more: &[&str]) -> Fetched {
        let jar = tempfile::NamedTempFile::new_in(self.folder.path()).expect("a file");
        curl.args(["--negotiate", "--user", ":", "--location", "--verbose", "--include", "--silent"]);
        curl.args(["--http1.1", "--noproxy", "*", "--max-time", "30", "--proto-redir", "=https"]);
        curl.arg("--cacert").arg(self.site.web.certificate_file());
        curl.arg("--cookie").arg(jar.path()).arg("--cookie-jar").arg(jar.path());
        // The application does not listen, so that curl fails there.
        let output = curl.args(more).arg(self.link()).output().expect("curl runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (answers, said) = (text(&output.stdout), text(&output.stderr));
        let mut shown = said.lines().filter_map(|line| line.strip_prefix("> Authorization: Negotiate "));
        let token = shown.next_back().map(|token| token.trim().to_owned());
        Fetched { answers, token }
    }

    /// Goes on until the browser is asked for a ticket.
    fn asked(&self, browser: &mut Browser) -> Page {
        let end = format!("{}{NEGOTIATE}", self.site.base_url());
        let page = browser.open_until(&self.link(), &end).expect("a redirect");
        assert!(page.url.as_str().starts_with(&end), "{}\n{}", page.url, page.text());
        page
    }

    /// Shows this in the place of a ticket.
    fn shows(&self, authorization: &str) -> Page {
        let mut browser = self.site.browser();
        let asked = self.asked(&mut browser);
        let mut browser = browser.with_header("authorization", authorization);
        browser.open_until(asked.url.as_str(), APPLICATION).expect("a page")
    }

    /// The codes of tickets that were refused.
    fn refused(&self) -> Vec<String> {
        let events = self.site.postern.audit().into_iter().filter(|event| event["event"] == "ticket.refused");
        events.map(|event| event["fields"]["code"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn access_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("dmz/access.log")).expect("the proxy's log")
    }

    fn log(&self) -> String {
        self.site.postern.log()
    }
}

/// Enables it. What is missing or wrong is named before.
fn configure(postern: &Postern, realms: &str, kerberos: &str) {
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"kerberos\", \"password\"]");
    let settings = format!(
        "[authenticators.modules.kerberos]\nredirects = []\nsettings = {{ realms = {realms} }}\n\
         accounts = {{ unknown = \"create\" }}\n[sign_in]\nsteps = [[\"kerberos\", \"password\"]]\n"
    );
    fs::write(&file, format!("{text}{settings}")).expect("a folder to write to");
    let said = postern.fails(&["check"]);
    assert!(said.contains("authenticator.kerberos.missing") && said.contains("[kerberos]"), "{said}");

    let with = |from: &str, to: &str| {
        fs::write(&file, format!("{text}{settings}{}", kerberos.replace(from, to))).expect("a file");
        postern.fails(&["check"])
    };
    let said = with("HTTP/localhost", "HTTP/elsewhere");
    assert!(said.contains("kerberos.keytab: ") && said.contains("kerberos.keytab.service"), "{said}");
    let said = with("HTTP/localhost@", "HTTP localhost@");
    assert!(said.contains("kerberos.service: "), "{said}");
    let keytab = kerberos.split('"').nth(1).expect("its path");
    fs::set_permissions(keytab, Permissions::from_mode(0o640)).expect("a keytab");
    let said = with("", "");
    assert!(said.contains("postern.toml:") && said.contains("kerberos.keytab.permissions"), "{said}");
    fs::set_permissions(keytab, Permissions::from_mode(0o600)).expect("a keytab");
    fs::write(&file, format!("{text}{settings}{kerberos}")).expect("a file");
    postern.run(&["check"]);
}

fn asks_for_password(page: &Page) -> bool {
    page.form_with("f.password").is_ok()
}

#[test]
fn a_ticket_signs_somebody_in_once_and_whoever_has_none_types_a_password() {
    let world = World::new(&format!("[\"{REALM}\"]"));
    let carol = world.curl("carol", &[]);
    assert!(carol.is_signed_in(), "{}\n{}", carol.answers, world.log());
    let listed = world.site.postern.run(&["user", "list"]);
    assert!(listed.contains("carol"), "{listed}");
    // The next time it is the same account.
    assert!(world.curl("carol", &[]).is_signed_in());
    let events = world.site.postern.audit();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("account.created"), count("sign-in.succeeded")), (1, 2));
    assert_eq!(world.refused(), Vec::<String>::new());
    // No ticket stands in a URL, and so in no log of one.
    let token = carol.token.expect("a token");
    let (log, access) = (world.log(), world.access_log());
    assert!(token.len() > 200 && !log.contains(&token[..64]) && !access.contains(&token[..64]), "{access}");

    // Whoever has seen it can't show it again.
    let page = world.shows(&format!("Negotiate {token}"));
    assert!(asks_for_password(&page), "{}\n{}", page.url, page.text());
    assert_eq!(world.refused(), ["kerberos.authenticator.replayed"]);

    // Without a ticket: the page leads on, to the password.
    let mut browser = world.site.browser();
    let asked = world.asked(&mut browser);
    let page = browser.open(asked.url.as_str()).expect("a page");
    assert_eq!((page.answer.status, page.answer.header("www-authenticate")), (401, Some("Negotiate")));
    assert_eq!(page.answer.header("cache-control"), Some("no-store"));
    let text = page.text().replace("&#x2f;", "/").replace("&amp;", "&");
    let (_, on) = text.split_once("content=\"0;url=").expect("a refresh");
    let on = on.split('"').next().expect("a path");
    assert!(on.starts_with("/commonauth/return/kerberos?state=") && on.ends_with("&negotiate="), "{on}");
    let page = browser.open(&format!("{}{on}", world.site.base_url())).expect("a page");
    assert!(asks_for_password(&page), "{}\n{}", page.url, page.text());
    let form = page.form_with("f.password").expect("a form");
    let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
    let page = browser.submit_until(&page, &form, &typed, APPLICATION).expect("a page");
    assert!(page.url.as_str().contains("code="), "{}\n{}", page.url, page.text());
}

#[test]
fn what_is_no_ticket_of_a_person_for_us_leads_to_the_password() {
    let world = World::new(&format!("[\"{REALM}\"]"));
    // For another service, and of somebody who is no person.
    let other = world.curl("dave", &["--service-name", "other"]);
    assert!(
        !other.is_signed_in() && other.answers.contains("f.password"),
        "{}\n{}",
        other.answers,
        world.log()
    );
    assert_eq!(world.refused(), ["kerberos.service.other"]);
    let admin = world.curl("carol/admin", &[]);
    assert!(!admin.is_signed_in() && admin.answers.contains("f.password"), "{}", admin.answers);
    assert!(world.log().contains("kerberos.client.no-person"), "{}", world.log());

    for shown in [NTLM, "Negotiate YIIA", "Negotiate AAAA====", "Negotiate !"] {
        let page = world.shows(shown);
        match shown {
            "Negotiate !" => assert_eq!(page.answer.status, 400, "{}", page.text()),
            _ => assert!(asks_for_password(&page), "{shown}: {}\n{}", page.url, page.text()),
        }
    }
    for other in ["Basic YWxpY2U6eA==", "Bearer abc"] {
        let page = world.shows(other);
        assert!(page.answer.status == 400 && !asks_for_password(&page), "{other}: {}", page.text());
    }
    // It asks nobody who was not sent there, and another browser does not go on.
    let mut stranger = world.site.browser();
    let asked = world.asked(&mut world.site.browser());
    let base = world.site.base_url();
    for url in [asked.url.to_string(), format!("{base}{NEGOTIATE}?state=a.b"), format!("{base}{NEGOTIATE}")] {
        let page = stranger.open(&url).expect("an answer");
        assert_eq!(page.answer.status, 400, "{url}: {}", page.text());
        assert_eq!(page.answer.header("www-authenticate"), None);
    }
}

#[test]
fn realms_are_an_allowlist() {
    let world = World::new("[\"PARTNER.TEST\"]");
    let carol = world.curl("carol", &[]);
    assert!(!carol.is_signed_in() && carol.answers.contains("f.password"), "{}", carol.answers);
    assert!(world.log().contains("kerberos.realm.not-allowed"), "{}", world.log());
}
