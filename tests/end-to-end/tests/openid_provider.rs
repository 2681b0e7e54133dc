//! Sign-in with an outside OpenID Provider through the real Envoy: one that is not ours (node-oidc-provider), and a
//! second Postern.
use std::fs;
use std::path::Path;
use std::process::Command;

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::site::{Site, USER};
use postern_end_to_end::tools;
use serde_json::json;
use tempfile::TempDir;

const APPLICATION: &str = "http://127.0.0.1:1/";
const RETURN: &str = "/commonauth/return/openid-provider";
const SECRET: &str = "a secret: +%&";

/// node-oidc-provider. Its keys are others after each start.
struct NodeProvider {
    port: u16,
    process: Process,
}

impl NodeProvider {
    fn start(folder: &Path, port: u16, base_url: &str) -> Self {
        let scripts = tools::workspace().join("tests/end-to-end/relying-parties");
        let mut command = Command::new(tools::node());
        command.arg(scripts.join("federated-provider.js")).arg(port.to_string());
        command.args([SECRET, &format!("{base_url}{RETURN}")]).current_dir(scripts);
        let mut process = Process::start("federated-provider", &command, &folder.join("provider.log"));
        process.wait_for_port(port);
        Self { port, process }
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Settings of the authenticator. `host` is the issuer's, `more` are further lines of its table.
fn settings(folder: &Path, issuer: &str, more: &str, accounts: &str) -> String {
    let host = issuer.split("//").nth(1).expect("a host");
    let secret = folder.join("provider-secret");
    format!(
        "[authenticators.modules.openid-provider]\nredirects = [\"{host}\"]\n\
         grants = {{ outbound = [\"{host}\"], outbound_networks = [\"127.0.0.0/8\", \"::1/128\"] }}\n\
         accounts = {{ {accounts} }}\n\
         [authenticators.modules.openid-provider.secrets.client]\nhost = \"{host}\"\nkind = \"basic\"\n\
         username = \"postern\"\nfile = {secret:?}\n\
         [authenticators.modules.openid-provider.settings]\nissuer = \"{issuer}\"\nclient_id = \"postern\"\n\
         credential = \"client\"\n{more}\n\
         [sign_in]\nsteps = [[\"openid-provider\", \"password\"]]\n"
    )
}

/// Writes them, and registers an application.
fn configure(postern: &Postern, secret: &str, settings: &str) {
    fs::write(postern.folder().join("provider-secret"), secret).expect("a folder to write to");
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"openid-provider\"]");
    fs::write(&file, format!("{text}{settings}")).expect("a folder to write to");
    postern.run(&["check"]);
    let client = json!({
        "client_id": "client",
        "redirect_uris": [format!("{APPLICATION}callback")],
        "token_endpoint_auth_method": "none",
    });
    postern.add_application("oidc", "client", &client.to_string());
}

/// Opens the application's link.
fn application(site: &Site) -> String {
    format!(
        "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F\
         callback&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256",
        site.base_url()
    )
}

fn is_signed_in(page: &Page) -> bool {
    page.url.as_str().starts_with(APPLICATION) && page.url.as_str().contains("code=")
}

/// Whether we ask for a password ourselves.
fn asks_here(page: &Page) -> bool {
    page.form_with("f.password").is_ok()
}

struct World {
    site: Site,
    provider: NodeProvider,
    folder: TempDir,
}

impl World {
    fn new(accounts: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (site, provider) = Site::start(Kind::Envoy, folder.path(), "", |postern, base_url| {
            let provider = NodeProvider::start(folder.path(), free_port(), base_url);
            configure(postern, SECRET, &settings(postern.folder(), &provider.issuer(), "", accounts));
            provider
        });
        Self { site, provider, folder }
    }

    /// The person types their name at the provider and consents there.
    fn sign_in(&self, browser: &mut Browser, name: &str) -> Page {
        let page = browser.open(&application(&self.site)).expect("a page");
        self.prove(browser, &page, name)
    }

    /// The same from the provider's page on.
    fn prove(&self, browser: &mut Browser, page: &Page, name: &str) -> Page {
        assert!(page.url.as_str().starts_with(&self.provider.issuer()), "{}\n{}", page.url, page.text());
        let form = page.form_with("login").expect("the provider's page");
        let typed = [("login", name), ("password", "any")];
        let mut page = browser.submit_until(page, &form, &typed, APPLICATION).expect("a page");
        while page.url.as_str().starts_with(&self.provider.issuer()) {
            let form = page.form_with("prompt").expect("the provider's page");
            page = browser.submit_until(&page, &form, &[], APPLICATION).expect("a page");
        }
        page
    }

    fn events(&self, name: &str) -> usize {
        self.site.postern.audit().iter().filter(|event| event["event"] == name).count()
    }

    fn log(&self) -> String {
        format!("{}\n{}", self.site.postern.log(), self.provider.process.log())
    }
}

#[test]
fn somebody_new_gets_an_account_and_keeps_it_when_the_providers_keys_change() {
    let mut world = World::new("unknown = \"create\", copy = [\"email\", \"name\"]");
    let page = world.sign_in(&mut world.site.browser(), "carol");
    assert!(is_signed_in(&page), "{}\n{}\n{}", page.url, page.text(), world.log());
    assert_eq!(world.events("account.created"), 1);
    let listed = world.site.postern.run(&["user", "list"]);
    assert!(listed.contains("carol"), "{listed}");

    // Discovery and keys are kept: of a further sign-in the token endpoint alone is asked.
    let asked = world.events("outbound.answered");
    let page = world.sign_in(&mut world.site.browser(), "carol");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert_eq!(world.events("outbound.answered"), asked + 1);

    // The same provider with other keys: they are fetched once more.
    world.provider.process.stop();
    world.provider = NodeProvider::start(world.folder.path(), world.provider.port, world.site.base_url());
    let page = world.sign_in(&mut world.site.browser(), "carol");
    assert!(is_signed_in(&page), "{}\n{}\n{}", page.url, page.text(), world.log());
    assert_eq!((world.events("outbound.answered"), world.events("account.created")), (asked + 3, 1));

    // Who refuses there is told so, and asked for nothing else behind their back.
    let mut browser = world.site.browser();
    let page = browser.open(&application(&world.site)).expect("a page");
    let abort = page.url.join(&format!("{}/abort", page.url.path())).expect("an address");
    let page = browser.open_until(abort.as_str(), APPLICATION).expect("a page");
    assert!(!is_signed_in(&page) && page.text().contains("refused there"), "{}\n{}", page.url, page.text());

    // A provider that is away: the other way is offered.
    world.provider.process.stop();
    let configuration = world.site.postern.folder().join("postern.toml");
    let text = fs::read_to_string(&configuration).expect("the configuration");
    world.site.postern.stop();
    fs::write(&configuration, text).expect("a folder to write to");
    world.site.postern.start();
    let mut browser = world.site.browser();
    let page = browser.open(&application(&world.site)).expect("a page");
    assert!(asks_here(&page), "{}\n{}", page.url, page.text());
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
    let page = browser.submit_until(&page, &form, &typed, APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert!(world.events("outbound.failed") > 0);
}

#[test]
fn an_account_is_linked_by_its_owner() {
    let world = World::new("unknown = \"link\"");
    let mut browser = world.site.browser();
    let page = world.sign_in(&mut browser, "alice.elsewhere");
    assert!(asks_here(&page) && !is_signed_in(&page), "{}\n{}", page.url, page.text());
    let form = page.form_with("f.password").expect("the local way");
    let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
    let page = browser.submit_until(&page, &form, &typed, APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert_eq!(world.events("account.linked"), 1);
    let page = world.sign_in(&mut world.site.browser(), "alice.elsewhere");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    let listed = world.site.postern.run(&["user", "list"]);
    assert!(!listed.contains("elsewhere"), "{listed}");
}

#[test]
fn who_is_signed_in_links_an_account_on_their_own_page() {
    let mut world = World::new("unknown = \"own-page\"");
    let page = world.sign_in(&mut world.site.browser(), "alice.elsewhere");
    assert!(asks_here(&page), "nobody's yet, and no account proves it here: {}", page.text());
    // The password first, and the provider by choice.
    let file = world.site.postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    world.site.postern.stop();
    let text = text.replace("[[\"openid-provider\", \"password\"]]", "[[\"password\", \"openid-provider\"]]");
    fs::write(&file, text).expect("a folder to write to");
    world.site.postern.start();

    let mut browser = world.site.browser();
    let own = format!("{}/authenticationendpoint/factors", world.site.base_url());
    let page = browser.open(&own).expect("a page");
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
    let page = browser.submit_form(&page, &form, &typed).expect("a page");
    let form = page.form_with("f.authenticator").unwrap_or_else(|error| panic!("{error}: {}", page.text()));
    let page = browser.submit_form(&page, &form, &[("action", "link")]).expect("a page");
    let page = world.prove(&mut browser, &page, "alice.elsewhere");
    assert!(page.text().contains("Link this account?"), "{}\n{}\n{}", page.url, page.text(), world.log());
    assert_eq!(world.events("account.linked"), 0, "she has not said so yet");
    let form = page.form_with("t").expect("our page");
    let page = browser.submit_form(&page, &form, &[("action", "sign-in")]).expect("a page");
    assert!(page.text().contains("Linked accounts") && page.form_with("f.link").is_ok(), "{}", page.text());
    assert_eq!(world.events("account.linked"), 1);

    let mut other = world.site.browser();
    let page = other.open(&application(&world.site)).expect("a page");
    let form = page.form_with("f.password").expect("a sign-in page");
    let page = other.submit_form(&page, &form, &[("action", "other")]).expect("a page");
    let page = world.prove(&mut other, &page, "alice.elsewhere");
    assert!(is_signed_in(&page), "{}\n{}\n{}", page.url, page.text(), world.log());
}

#[test]
fn somebody_unknown_is_refused_where_the_operator_says_so() {
    let world = World::new("unknown = \"refuse\"");
    // The name of an account here is none of theirs.
    let page = world.sign_in(&mut world.site.browser(), USER.0);
    assert!(!is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert_eq!(world.events("account.created") + world.events("account.linked"), 0);
    assert_eq!(world.events("sign-in.succeeded"), 0);
}

/// Two hosts share no cookies; here both are `localhost`, so that each gets a browser of its own.
#[test]
fn a_second_postern_is_a_provider() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut provider = Postern::alone(&folder.path().join("provider"), "");
    let file = provider.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let open = text
        .lines()
        .map(|line| if line.starts_with("client_ca = ") { "client_certificate = \"off\"" } else { line });
    fs::write(&file, open.collect::<Vec<_>>().join("\n")).expect("a folder to write to");
    provider.add_user("dora", "a password at the other one");
    let (site, ()) = Site::start(Kind::Envoy, folder.path(), "", |postern, base_url| {
        let client = json!({
            "client_id": "postern",
            "redirect_uris": [format!("{base_url}{RETURN}")],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "openid profile email",
        });
        let secret = provider.add_application("oidc", "the other Postern", &client.to_string()).secret;
        let more =
            "userinfo = true\ntrust_unverified = true\nclaims = { email = \"email\", login = \"email\" }";
        let accounts = "unknown = \"create\", username = \"login\", copy = [\"email\"]";
        let settings = settings(postern.folder(), &provider.base_url, more, accounts);
        let settings = format!("{settings}[outbound]\nca = {:?}\n", provider.lan.certificate_file());
        configure(postern, &secret.expect("a secret"), &settings);
    });
    provider.start();
    let mut here = site.browser();
    let sent = here.open_until(&application(&site), &provider.base_url).expect("a redirect");
    assert!(sent.url.as_str().starts_with(&provider.base_url), "{}\n{}", sent.url, sent.text());
    let mut there = Browser::new(provider.lan.client(None));
    let page = there.open(sent.url.as_str()).expect("a page");
    let form = page.form_with("f.password").expect("the provider's page");
    let typed =
        [("f.username", "dora"), ("f.password", "a password at the other one"), ("action", "sign-in")];
    let back = there.submit_until(&page, &form, &typed, site.base_url()).expect("a page");
    assert!(back.url.path() == RETURN, "{}\n{}", back.url, back.text());
    let page = here.open_until(back.url.as_str(), APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}\n{}", page.url, page.text(), site.postern.log());
    let listed = site.postern.run(&["user", "list"]);
    assert!(listed.contains("dora@example.com"), "{listed}");
}
