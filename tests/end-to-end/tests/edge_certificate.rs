//! People sign in with the certificate that their browser shows to the proxy. Certificates of others, revoked
//! ones, and those that a request only tells of, sign nobody in.
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use postern_end_to_end::browser::{Browser, Form, Page};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::scratch;
use postern_end_to_end::site::{Site, USER};
use serde_json::json;

/// Where applications are: nobody listens there.
const APPLICATION: &str = "http://127.0.0.1:1/";
const HEADER: &str = "x-postern-client-certificate";
const LEAD: &str = "Your browser shows a certificate for";

struct World {
    site: Site,
    people: Authority,
    /// The one of Alice, not set up yet.
    card: Issued,
    revoked: Issued,
}

/// Started by the first test that asks for it.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::start)
}

impl World {
    fn start() -> Self {
        let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
        let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("certificate-{}", kind.name()));
        let people = Authority::new(&folder, "people");
        let (card, revoked) = (people.issue("Alice Example", &[]), people.issue("Lost Card", &[]));
        let list = people.revoke(&[&revoked]);
        let (site, ()) = Site::start(kind, &folder, "", |postern, _| configure(postern, &people, &list));
        Self { site, people, card, revoked }
    }

    fn browser(&self, certificate: Option<&Issued>) -> Browser {
        Browser::new(self.site.web.client(certificate))
    }

    fn open(&self, browser: &mut Browser) -> Result<Page, String> {
        browser.open(&format!(
            "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F\
             callback&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256",
            self.site.base_url()
        ))
    }

    fn log(&self) -> String {
        format!("{}\n{}", self.site.postern.log(), self.site.proxy.log())
    }

    /// Nobody is signed in, and the password is asked for.
    fn asks_for_the_password(&self, mut browser: Browser, why: &str) {
        let page = self.open(&mut browser).unwrap_or_else(|error| panic!("{why}: {error}\n{}", self.log()));
        assert!(page.form_with("f.password").is_ok(), "{why}: {}\n{}", page.text(), self.log());
        assert!(!page.text().contains(LEAD), "{why}: {}", page.text());
    }

    /// The proxy itself lets nobody in with this certificate.
    fn is_refused_by_the_proxy(&self, certificate: &Issued, why: &str) {
        let opened = self.open(&mut self.browser(Some(certificate)));
        let refused = opened.as_ref().map_or(true, |page| page.answer.status == 400);
        assert!(refused, "{why}: {:?}", opened.map(|page| page.text()));
    }

    fn sign_in(&self, browser: &mut Browser) {
        let page = self.open(browser).expect("a page");
        assert!(page.text().contains(LEAD), "{}\n{}", page.text(), self.log());
        let form = page.form().expect("a form");
        let page = browser.submit_until(&page, &form, &[("action", "sign-in")], APPLICATION).expect("a page");
        assert!(is_signed_in(&page), "{}\n{}\n{}", page.url, page.text(), self.log());
    }

    /// The person sets up what the browser shows, after the password.
    fn set_up(&self, browser: &mut Browser) -> Page {
        let url = format!("{}/authenticationendpoint/factors", self.site.base_url());
        let page = browser.open(&url).expect("a page");
        let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
        browser.submit_form(&page, &own_form(&page), &[("action", "enrol")]).expect("a page")
    }
}

fn configure(postern: &Postern, people: &Authority, list: &Path) {
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let pem = fs::read_to_string(people.certificate_file()).expect("the authority");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"certificate\"]");
    // Of the section [edge], which is the last one.
    let edge = format!("client_ca = {:?}\nclient_crl = {list:?}\n", people.certificate_file());
    let more = format!(
        "[sign_in]\nsteps = [[\"certificate\", \"password\"]]\n\
         [authenticators.settings.certificate]\ntrust_anchors = \"\"\"\n{pem}\"\"\"\n"
    );
    fs::write(&file, format!("{text}{edge}{more}")).expect("a folder to write to");
    postern.run(&["check"]);
    let client = json!({
        "client_id": "client",
        "redirect_uris": [format!("{APPLICATION}callback")],
        "token_endpoint_auth_method": "none",
    });
    postern.add_application("oidc", "client", &client.to_string());
}

fn own_form(page: &Page) -> Form {
    let wanted = |form: &&Form| {
        form.fields.contains_key("f.authenticator") && !form.fields.contains_key("f.credential")
    };
    page.forms().iter().find(wanted).unwrap_or_else(|| panic!("no such form: {}", page.text())).clone()
}

fn is_signed_in(page: &Page) -> bool {
    page.url.as_str().starts_with(APPLICATION) && page.url.as_str().contains("code=")
}

/// As the proxies write it.
fn escaped(certificate: &Issued) -> String {
    let pem = certificate.pem();
    pem.replace('\n', "%0A").replace(' ', "%20").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[test]
fn a_certificate_signs_its_person_in_and_nobody_else() {
    let world = world();
    let World { site, people, card, revoked } = world;
    world.asks_for_the_password(world.browser(None), "no certificate");
    world.asks_for_the_password(world.browser(Some(card)), "nobody's certificate");

    // Set up by the person, whose browser shows it; without one there is a page that says so.
    let page = world.set_up(&mut world.browser(None));
    assert!(page.text().contains("Your browser shows no certificate"), "{}", page.text());
    let mut own = world.browser(Some(card));
    let page = world.set_up(&mut own);
    assert!(page.text().contains(LEAD) && page.text().contains("Alice Example"), "{}", page.text());
    let form = page.form_with("f.label").expect("a form");
    let typed = [("f.label", "Staff card"), ("action", "sign-in")];
    let page = own.submit_form(&page, &form, &typed).expect("a page");
    assert!(page.text().contains("Staff card"), "{}\n{}", page.text(), world.log());

    world.sign_in(&mut world.browser(Some(card)));
    world.asks_for_the_password(world.browser(None), "no certificate");
    let other = people.issue("Alice Example", &[]);
    world.asks_for_the_password(world.browser(Some(&other)), "another one with that name");

    // Told by the client, in each spelling that a server could take for the header's.
    for name in [
        HEADER,
        "X-Postern-Client-Certificate",
        "x_postern_client_certificate",
        "X-Postern.Client-Certificate",
    ] {
        for shown in [None, Some(&other)] {
            let browser = world.browser(shown).with_header(name, &escaped(card));
            world.asks_for_the_password(browser, name);
        }
        // And beside one's own, nobody becomes somebody else, nor nobody.
        world.sign_in(&mut world.browser(Some(card)).with_header(name, &escaped(&other)));
    }

    // Another authority under the same name, and one that was revoked.
    let folder = site.folder_for("foreign");
    let foreign = Authority::new(&folder, "people").issue("Alice Example", &[]);
    world.is_refused_by_the_proxy(&foreign, "another authority");
    world.is_refused_by_the_proxy(revoked, "revoked");
}

/// At the host itself: who is no proxy tells no certificate, and what a proxy tells can be read.
#[test]
fn the_host_believes_its_proxy_alone() {
    let World { site, card, .. } = world();
    let ask = |is_proxy: bool, value: &str| {
        let authority = site.base_url().strip_prefix("https://").expect("an origin");
        let address = if is_proxy { "x-postern-client-address: 192.0.2.1\r\n" } else { "" };
        let request = format!(
            "GET /authenticationendpoint/login?t=none HTTP/1.1\r\nhost: {authority}\r\n{address}{HEADER}: {value}\r\n\
             connection: close\r\n\r\n"
        );
        site.postern.public(is_proxy).exchange(request.as_bytes()).map(|answer| answer.status)
    };
    assert!(ask(false, &escaped(card)).is_err(), "without a certificate nobody is served at all");
    assert_eq!(ask(true, &escaped(card)), Ok(400), "the transaction of nobody");
    assert_eq!(ask(true, "nonsense"), Ok(502));
    let log = site.postern.log() + &site.postern.audit().iter().map(ToString::to_string).collect::<String>();
    assert!(log.contains("server.proxy.client-certificate"), "{log}");
}
