//! The main job: one sign-in for both protocols.
use postern_end_to_end::script::Toolkit;
use postern_end_to_end::site::USER;
use serde_json::json;

use crate::oidc::Client;
use crate::world::world;

#[test]
fn signed_in_by_saml_the_person_needs_no_password_for_openid_connect() {
    let world = world();
    let mut browser = world.site.browser();
    let input = world.saml_input("node-saml-assertion", "redirect", json!({ "relayState": "" }));
    let begun = world.call(Toolkit::NodeSaml, &input).expect("a request");
    let page = browser.open(begun["url"].as_str().expect("text")).expect("a page");
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    assert!(page.automatic_form().is_some(), "a Response: {}", page.text());

    let client = Client::new(world, "client-none");
    let begun = client.call("authorize", json!({ "scope": "openid", "parameters": {} })).expect("an address");
    let url = begun["url"].as_str().expect("text");
    let page = browser.open_until(url, "http://127.0.0.1:1/").expect("a page");
    assert!(page.url.as_str().contains("code="), "no password is asked for: {}\n{}", page.url, page.text());
}
