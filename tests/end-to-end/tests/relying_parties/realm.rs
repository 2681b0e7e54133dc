//! Home-realm discovery through the proxy: its page and its answers are nothing that the filters refuse.
use postern_end_to_end::scratch;
use postern_end_to_end::site::{Site, USER};
use serde_json::json;

use crate::PROXY;

#[test]
fn people_say_who_they_are_and_sign_in_through_the_proxy() {
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("realm-{}", PROXY.name()));
    let settings = "[sign_in]\nrealms = { \"example.com\" = \"password\" }\n";
    let (site, client) = Site::start(PROXY, &folder, settings, |postern, _| {
        let client = json!({
            "client_id": "client",
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
        });
        postern.add_application("oidc", "client", &client.to_string())
    });
    let url = format!(
        "{}/oauth2/authorize?response_type=code&client_id={}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        site.base_url(),
        client.identifier
    );
    let mut browser = site.browser();
    let mut page = browser.open(&url).expect("a page");
    for who in ["somebody@example.com", USER.0] {
        assert!(page.form_with("f.password").is_err(), "{}", page.text());
        let form = page.form_with("f.username").expect("a form");
        let typed = [("f.username", who), ("action", "sign-in")];
        page = browser.submit_form(&page, &form, &typed).expect("a page");
        let form = page.form_with("f.password").expect("a form");
        assert_eq!(form.fields["f.username"], who);
        if who == USER.0 {
            let typed = [("f.password", USER.1), ("action", "sign-in")];
            page = browser.submit_until(&page, &form, &typed, "http://127.0.0.1:1/").expect("a page");
        } else {
            page = browser.submit_form(&page, &form, &[("action", "not-you")]).expect("a page");
        }
    }
    assert!(page.url.as_str().contains("code="), "{}: {}", page.url, page.text());
}
