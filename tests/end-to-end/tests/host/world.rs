//! One installation for all tests.
use std::sync::OnceLock;

use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;
use serde_json::json;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// No test is to be slowed down by the failures of another.
const SETTINGS: &str = "[sign_in]\nfailures_per_name = 12\nfailures_per_address = 100000\n";

pub(crate) fn postern() -> &'static Postern {
    static POSTERN: OnceLock<Postern> = OnceLock::new();
    POSTERN.get_or_init(|| {
        let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), "host");
        let mut postern = Postern::alone(&folder, SETTINGS);
        for name in ["alice", "bob", "carol", "disabled"] {
            postern.add_user(name, PASSWORD);
        }
        postern.run(&["user", "disable", "disabled"]);
        let client = json!({
            "client_id": "client",
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
        });
        postern.add_application("oidc", "client", &client.to_string());
        postern.start();
        postern
    })
}

pub(crate) fn browser() -> Browser {
    Browser::behind_proxy(postern().proxy_tls())
}

/// The sign-in page, as the application's link opens it.
pub(crate) fn sign_in_page(browser: &mut Browser) -> Page {
    let page = browser.open(&authorization_url()).expect("a page");
    page.form_with("f.password").expect("a sign-in page");
    page
}

pub(crate) fn authorization_url() -> String {
    format!(
        "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        postern().base_url
    )
}

/// Where applications are: nobody listens there.
pub(crate) const APPLICATION: &str = "http://127.0.0.1:1/";

/// Submits the sign-in form, up to the application.
pub(crate) fn submit(browser: &mut Browser, page: &Page, name: &str, password: &str) -> Page {
    let form = page.form_with("f.password").expect("a sign-in page");
    let typed = [("f.username", name), ("f.password", password), ("action", "sign-in")];
    browser.submit_until(page, &form, &typed, APPLICATION).expect("a page")
}

pub(crate) fn is_signed_in(page: &Page) -> bool {
    page.url.as_str().starts_with(APPLICATION) && page.url.as_str().contains("code=")
}
