//! An authenticator that sends people to an outside provider, through the real Envoy with the configuration that
//! Postern exports. The provider is this test: it signs an answer to what the person was sent with. The
//! component is `tests/guests/sent-away`.
use std::collections::BTreeMap;
use std::fs;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::site::{Site, USER};
use postern_end_to_end::tools;
use serde_json::json;
use tempfile::TempDir;
use url::Url;

const ISSUER: &str = "https://login.example.org";
const PROVIDER: &str = "https://login.example.org/authorize";
const APPLICATION: &str = "http://127.0.0.1:1/";
const BACK: &str = "/commonauth/return/sent-away";

struct World {
    site: Site,
    key: Ed25519KeyPair,
    _folder: TempDir,
}

impl World {
    fn new(unknown: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = Ed25519KeyPair::generate().expect("a key");
        let spki = key.public_key().as_der().expect("its encoding");
        let settings = format!(
            "[authenticators.modules.sent-away]\nredirects = [\"login.example.org\"]\n\
             settings = {{ provider = \"{PROVIDER}\", key = \"{}\" }}\n\
             accounts = {{ unknown = \"{unknown}\", copy = [\"email\"] }}\n\
             [sign_in]\nsteps = [[\"sent-away\", \"password\"]]\n",
            URL_SAFE_NO_PAD.encode(spki.as_ref())
        );
        let (site, ()) = Site::start(Kind::Envoy, folder.path(), "", |postern, _| {
            enable(postern, &settings);
            let client = json!({
                "client_id": "client",
                "redirect_uris": ["http://127.0.0.1:1/callback"],
                "token_endpoint_auth_method": "none",
            });
            postern.add_application("oidc", "client", &client.to_string());
        });
        Self { site, key, _folder: folder }
    }

    /// Opens the application's link; where the person is sent.
    fn sent(&self, browser: &mut Browser) -> Sent {
        let url = format!(
            "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F\
             callback&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256",
            self.site.base_url()
        );
        Sent::to(&browser.open_until(&url, PROVIDER).expect("a redirect"))
    }

    /// What the provider answers about this person there.
    fn answer(&self, sent: &Sent, subject: &str, username: &str) -> String {
        signed(&self.key, sent, subject, username)
    }

    fn back(&self, path: &str, query: &str) -> String {
        format!("{}{path}?{query}", self.site.base_url())
    }

    /// Comes back by GET, up to the application.
    fn come_back(&self, browser: &mut Browser, query: &str) -> Page {
        browser.open_until(&self.back(BACK, query), APPLICATION).expect("a page")
    }

    fn refusals(&self) -> String {
        let refused =
            self.site.postern.audit().into_iter().filter(|event| event["event"] == "request.refused");
        refused.map(|event| event.to_string()).collect()
    }

    fn has(&self, event: &str) -> bool {
        self.site.postern.audit().iter().any(|known| known["event"] == event)
    }
}

fn signed(key: &Ed25519KeyPair, sent: &Sent, subject: &str, username: &str) -> String {
    let answer = format!(
        "{}\n{ISSUER}\n{subject}\npreferred_username={username}\nemail={username}@example.org\n",
        sent.nonce
    );
    let signature = key.sign(answer.as_bytes());
    let (answer, signature) = (URL_SAFE_NO_PAD.encode(answer), URL_SAFE_NO_PAD.encode(signature.as_ref()));
    format!("answer={answer}&signature={signature}&state={}", sent.state)
}

/// Has a folder with all that come along and the guest.
fn enable(postern: &Postern, settings: &str) {
    let own = postern.folder().join("own");
    fs::create_dir_all(&own).expect("a folder to write to");
    let password = tools::component("authenticators/password");
    fs::copy(&password, own.join("password.wasm")).expect("a component");
    fs::copy(tools::component("guests/sent-away"), own.join("sent-away.wasm")).expect("a component");
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let built = password.parent().expect("a folder");
    let text = text.replace(&format!("{built:?}"), &format!("{own:?}"));
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"password\", \"sent-away\"]");
    fs::write(&file, format!("{text}{settings}")).expect("a folder to write to");
    postern.run(&["check"]);
}

/// What somebody was sent to the provider with.
struct Sent {
    redirect_uri: String,
    state: String,
    nonce: String,
}

impl Sent {
    fn to(page: &Page) -> Self {
        assert!(page.url.as_str().starts_with(PROVIDER), "{}\n{}", page.url, page.text());
        let mut fields: BTreeMap<String, String> = page.url.query_pairs().into_owned().collect();
        let mut take = |name: &str| fields.remove(name).expect(name);
        Self { redirect_uri: take("redirect_uri"), state: take("state"), nonce: take("nonce") }
    }
}

fn is_signed_in(page: &Page) -> bool {
    page.url.as_str().starts_with(APPLICATION) && page.url.as_str().contains("code=")
}

fn is_lost(page: &Page) -> bool {
    page.answer.status == 400 && page.text().contains("This page is out of date")
}

#[test]
fn people_are_sent_there_and_come_back_with_an_account() {
    let world = World::new("create");
    let mut browser = world.site.browser();
    let sent = world.sent(&mut browser);
    assert_eq!(sent.redirect_uri, format!("{}{BACK}", world.site.base_url()));
    assert!(sent.state.len() <= 64, "{}", sent.state);
    let query = world.answer(&sent, "1", "carol");
    // Another browser, another attempt, and a state that was used.
    let mut stranger = world.site.browser();
    let others = world.sent(&mut stranger);
    assert!(is_lost(&world.come_back(&mut stranger, &query)));
    let mixed = query.replace(&sent.state, &others.state);
    let page = world.come_back(&mut stranger, &mixed);
    assert!(page.text().contains("did not sign you in"), "the nonce of another attempt: {}", page.text());
    let page = world.come_back(&mut browser, &query);
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert!(is_lost(&world.come_back(&mut browser, &query)));
    assert!(world.has("account.created") && world.has("sign-in.succeeded"));
    let refusals = world.refusals();
    for code in ["sign-on.browser.mismatch", "sign-on.return.unknown"] {
        assert!(refusals.contains(code), "{code}: {refusals}");
    }
    let listed = world.site.postern.run(&["user", "list"]);
    assert!(listed.contains("carol"), "{listed}");

    // The same identity again: the same account. A forged one: none.
    let mut again = world.site.browser();
    let sent = world.sent(&mut again);
    assert!(is_signed_in(&world.come_back(&mut again, &world.answer(&sent, "1", "carol"))));
    let mut forger = world.site.browser();
    let sent = world.sent(&mut forger);
    let thief = Ed25519KeyPair::generate().expect("a key");
    let page = world.come_back(&mut forger, &signed(&thief, &sent, "1", "carol"));
    assert!(page.text().contains("did not sign you in"), "{}", page.text());

    // By POST, as from another site: without cookies, and then by GET with them.
    let mut posting = world.site.browser();
    let sent = world.sent(&mut posting);
    let form = world.answer(&sent, "1", "carol");
    let form = format!("{form}&large={}", "x".repeat(200 << 10));
    let url = Url::parse(&format!("{}{BACK}", world.site.base_url())).expect("an address");
    let mut from_another_site = world.site.browser();
    let posted = from_another_site.request("POST", &url, Some(&form)).expect("an answer");
    let on = posted.redirect().expect("an address").expect("a redirect");
    assert!(
        posted.answer.status == 303 && on.as_str().contains("/commonauth/return/sent-away?handle="),
        "{on}"
    );
    assert!(posted.answer.header("set-cookie").is_none());
    let page = posting.open_until(on.as_str(), APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert!(
        is_lost(&posting.open_until(on.as_str(), APPLICATION).expect("a page")),
        "the handle is good once"
    );
}

#[test]
fn a_posted_answer_signs_somebody_in_and_is_linked_with_who_proves_it() {
    let world = World::new("link");
    let mut browser = world.site.browser();
    let sent = world.sent(&mut browser);
    let form = world.answer(&sent, "7", USER.0);
    let url = Url::parse(&format!("{}{BACK}", world.site.base_url())).expect("an address");
    let posted = world.site.browser().request("POST", &url, Some(&form)).expect("an answer");
    let on = posted.redirect().expect("an address").expect("a redirect");
    let page = browser.open(on.as_str()).expect("a page");
    assert!(
        page.text().contains("alice@example.org") && page.text().contains("Example Login"),
        "{}",
        page.text()
    );
    let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
    let shown = page.form_with("f.password").expect("the local way");
    let page = browser.submit_until(&page, &shown, &typed, APPLICATION).expect("a page");
    assert!(is_signed_in(&page), "{}\n{}", page.url, page.text());
    assert!(world.has("account.linked"));

    let mut another = world.site.browser();
    let sent = world.sent(&mut another);
    assert!(is_signed_in(&world.come_back(&mut another, &world.answer(&sent, "7", "renamed"))));

    let linked = world.site.postern.run(&["user", "links", USER.0]);
    assert!(linked.contains(ISSUER) && linked.contains("alice@example.org"), "{linked}");

    // Her own page has it, and removes it: the password is left. Who came from elsewhere unasked does not get there.
    let own = format!("{}/authenticationendpoint/factors", world.site.base_url());
    let elsewhere = another.open(&own).expect("a page");
    assert!(!elsewhere.text().contains("alice@example.org"), "{}", elsewhere.text());
    let page = browser.open(&own).expect("a page");
    assert!(page.text().contains("alice@example.org"), "{}", page.text());
    let shown = page.form_with("f.link").expect("a link");
    let page = browser.submit_form(&page, &shown, &[("action", "unlink")]).expect("a page");
    assert!(!page.text().contains("alice@example.org"), "{}", page.text());
    let mut late = world.site.browser();
    let sent = world.sent(&mut late);
    let page = world.come_back(&mut late, &world.answer(&sent, "7", USER.0));
    assert!(page.form_with("f.password").is_ok() && !is_signed_in(&page), "{}", page.text());
    let removed = world.site.postern.run(&["user", "unlink", USER.0]);
    assert!(removed.starts_with("0 removed"), "{removed}");
}

#[test]
fn the_edge_lets_through_these_paths_and_no_others() {
    let world = World::new("refuse");
    let mut browser = world.site.browser();
    for (path, query, status) in [
        (BACK, "state=unknown.state", 400),
        (BACK, "", 400),
        ("/commonauth/return/password", "state=a.b", 404),
        ("/commonauth/return/", "state=a.b", 404),
        // Nobody is granted `kerberos`.
        ("/commonauth/negotiate", "state=a.b", 404),
        ("/commonauth/return/sent-away/", "state=a.b", 404),
        ("/commonauth/return/other", "state=a.b", 404),
        (BACK, "state=a.b&state=c.d", 400),
    ] {
        let page = browser.open(&world.back(path, query)).expect("an answer");
        assert_eq!(page.answer.status, status, "{path}?{query}: {}", page.text());
    }
    let url = |query: &str| Url::parse(&world.back(BACK, query)).expect("an address");
    let large = format!("RelayState=a.b&SAMLResponse={}", "x".repeat(257 << 10));
    for (url, body, status) in [(url("state=a.b"), "x=y", 400), (url(""), large.as_str(), 413)] {
        let page = browser.request("POST", &url, Some(body)).expect("an answer");
        assert_eq!(page.answer.status, status, "{url}: {}", page.text());
    }
    let refusals = world.refusals();
    assert!(refusals.contains("sign-on.return.unknown"), "{refusals}");
    assert!(refusals.contains("server.return.state-absent"), "{refusals}");
}
