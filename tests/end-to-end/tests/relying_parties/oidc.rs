//! openid-client.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::script::Toolkit;
use postern_end_to_end::site::USER;
use postern_vectors::Keys;
use serde_json::{Value, json};

use crate::world::{World, merge, world};

/// A client of the toolkit.
pub(crate) struct Client<'w> {
    world: &'w World,
    input: Value,
    id: String,
}

impl<'w> Client<'w> {
    pub(crate) fn new(world: &'w World, id: &str) -> Self {
        let (registration, application) = world
            .applications
            .clients
            .iter()
            .find(|(_, application)| application.identifier == id)
            .expect("a registered client");
        let key = Keys::shared().get("client-ec").expect("the key");
        let input = json!({
            "issuer": world.site.base_url(),
            "clientId": id,
            "clientSecret": application.secret,
            "authentication": registration["token_endpoint_auth_method"],
            "idTokenAlgorithm": registration["id_token_signed_response_alg"],
            "redirectUri": registration["redirect_uris"][0],
            "postLogoutRedirectUri": registration["post_logout_redirect_uris"][0],
            "privateKey": STANDARD.encode(key.pkcs8()),
            "keyId": "client-ec",
        });
        Self { world, input, id: id.into() }
    }

    pub(crate) fn call(&self, command: &str, more: Value) -> Result<Value, String> {
        let mut input = self.input.clone();
        merge(&mut input, json!({ "command": command }));
        merge(&mut input, more);
        self.world.call(Toolkit::OpenidClient, &input)
    }

    fn authorize(&self, scope: &str, parameters: Value) -> Value {
        self.call("authorize", json!({ "scope": scope, "parameters": parameters })).expect("an address")
    }

    /// The address that the browser is sent back to.
    pub(crate) fn callback_of(&self, begun: &Value, browser: &mut Browser) -> String {
        let page =
            browser.open_until(begun["url"].as_str().expect("text"), "http://127.0.0.1:1/").expect("a page");
        if page.url.as_str().starts_with("http://127.0.0.1:1/") {
            return page.url.to_string();
        }
        let form = page.form_with("f.password").expect("a sign-in page");
        let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
        let page = browser.submit_until(&page, &form, &typed, "http://127.0.0.1:1/").expect("a page");
        assert!(page.url.as_str().starts_with("http://127.0.0.1:1/"), "{}: {}", page.url, page.text());
        page.url.to_string()
    }

    fn redeem(&self, begun: &Value, callback: &str) -> Result<Value, String> {
        let mut input = begun.clone();
        merge(&mut input, json!({ "url": callback }));
        self.call("callback", input)
    }
}

fn signs_in(id: &str) {
    let world = world();
    let client = Client::new(world, id);
    let begun = client.authorize("openid profile email offline_access", json!({}));
    let callback = client.callback_of(&begun, &mut world.site.browser());
    let answer = client
        .redeem(&begun, &callback)
        .unwrap_or_else(|error| panic!("{id}: {error}\n{}", world.site.postern.log()));
    assert_eq!(answer["userinfo"]["email"], "alice@example.com", "{answer}");
    assert_eq!(answer["claims"]["aud"], client.id, "{answer}");
    assert_eq!(answer["tokens"]["token_type"], "bearer", "{answer}");
    rotates(&client, &answer);
}

/// Rotation, and what a second use of an old refresh token ends.
fn rotates(client: &Client<'_>, answer: &Value) {
    let first = answer["tokens"]["refresh_token"].as_str().expect("a refresh token");
    let refreshed = client.call("refresh", json!({ "refreshToken": first })).expect("new tokens");
    let second = refreshed["tokens"]["refresh_token"].as_str().expect("another refresh token");
    assert_ne!(first, second);
    let access = refreshed["tokens"]["access_token"].as_str().expect("an access token");
    client.call("userinfo", json!({ "accessToken": access })).expect("it is good");

    client.call("refresh", json!({ "refreshToken": first })).expect_err("it was used before");
    client.call("refresh", json!({ "refreshToken": second })).expect_err("its family is revoked");
    client.call("userinfo", json!({ "accessToken": access })).expect_err("its family is revoked");
}

#[test]
fn a_public_client_signs_in() {
    signs_in("client-none");
}

#[test]
fn a_client_with_a_secret_in_the_header_signs_in() {
    signs_in("client-basic");
}

#[test]
fn a_client_with_a_secret_in_the_body_signs_in() {
    signs_in("client-post");
}

#[test]
fn a_client_with_a_key_signs_in() {
    signs_in("client-jwt");
}

#[test]
fn a_second_use_of_a_code_revokes_what_the_first_gave() {
    let world = world();
    let client = Client::new(world, "client-basic");
    let begun = client.authorize("openid email offline_access", json!({}));
    let callback = client.callback_of(&begun, &mut world.site.browser());
    let answer = client.redeem(&begun, &callback).expect("tokens");
    client.redeem(&begun, &callback).expect_err("the code is spent");
    let access = answer["tokens"]["access_token"].as_str().expect("a token");
    let refresh = answer["tokens"]["refresh_token"].as_str().expect("a token");
    client.call("userinfo", json!({ "accessToken": access })).expect_err("it is revoked");
    client.call("refresh", json!({ "refreshToken": refresh })).expect_err("it is revoked");
}

#[test]
fn a_code_is_of_no_use_without_its_verifier() {
    let world = world();
    let client = Client::new(world, "client-none");
    let begun = client.authorize("openid", json!({}));
    let callback = client.callback_of(&begun, &mut world.site.browser());
    let mut stolen = begun.clone();
    merge(&mut stolen, json!({ "verifier": "a".repeat(43) }));
    client.redeem(&stolen, &callback).expect_err("another verifier");
}

#[test]
fn proof_of_the_code_can_be_neither_dropped_nor_added() {
    let world = world();
    let client = Client::new(world, "client-basic");
    let mut browser = world.site.browser();
    // Stolen on the way: the thief has a code that was asked for with a challenge.
    let begun = client.authorize("openid", json!({}));
    let callback = client.callback_of(&begun, &mut browser);
    let mut dropped = begun.clone();
    merge(&mut dropped, json!({ "verifier": null }));
    client.redeem(&dropped, &callback).expect_err("no verifier");
    // The other way round: the challenge was taken out of the request.
    let input = json!({ "scope": "openid", "parameters": {}, "withoutProof": true });
    let begun = client.call("authorize", input).expect("an address");
    let callback = client.callback_of(&begun, &mut browser);
    client.redeem(&begun, &callback).expect_err("a verifier without a challenge");
}

#[test]
fn tokens_can_be_inspected_and_revoked() {
    let world = world();
    let client = Client::new(world, "client-basic");
    let begun = client.authorize("openid email offline_access", json!({}));
    let callback = client.callback_of(&begun, &mut world.site.browser());
    let answer = client.redeem(&begun, &callback).expect("tokens");
    let (tokens, text) = (&answer["tokens"], |token: &Value| token.as_str().expect("a token").to_owned());
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let is_active = || {
        let answer = client.call("introspect", json!({ "token": access })).expect("an answer");
        answer["introspection"]["active"].as_bool()
    };
    assert_eq!(is_active(), Some(true));
    client.call("revoke", json!({ "token": refresh })).expect("revoked");
    assert_eq!(is_active(), Some(false));
}

#[test]
fn prompts_are_honoured() {
    let world = world();
    let client = Client::new(world, "client-none");
    let mut browser = world.site.browser();
    let error_of = |callback: &str| {
        let url = url::Url::parse(callback).expect("an address");
        url.query_pairs().find(|(name, _)| name == "error").map(|(_, value)| value.into_owned())
    };
    let passive = client.authorize("openid", json!({ "prompt": "none" }));
    assert_eq!(error_of(&client.callback_of(&passive, &mut browser)).as_deref(), Some("login_required"));
    let begun = client.authorize("openid", json!({}));
    assert_eq!(error_of(&client.callback_of(&begun, &mut browser)), None);
    let passive = client.authorize("openid", json!({ "prompt": "none" }));
    assert_eq!(error_of(&client.callback_of(&passive, &mut browser)), None);
    let anew = client.authorize("openid", json!({ "prompt": "login" }));
    let page = browser.open(anew["url"].as_str().expect("text")).expect("a page");
    page.form_with("f.password").expect("the sign-in page, though somebody is signed in");
}

#[test]
fn the_answer_can_be_posted() {
    let world = world();
    let client = Client::new(world, "client-basic");
    let begun = client.authorize("openid", json!({ "response_mode": "form_post" }));
    let mut browser = world.site.browser();
    let page: Page = browser.open(begun["url"].as_str().expect("text")).expect("a page");
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    let form = page.automatic_form().unwrap_or_else(|| panic!("no form at {}:\n{}", page.url, page.text()));
    assert_eq!(form.fields["state"], begun["state"].as_str().expect("text"));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    client.redeem(&begun, &format!("{}?{query}", form.action)).expect("tokens");
}

#[test]
fn signing_out_ends_the_session_and_returns() {
    let world = world();
    let client = Client::new(world, "client-basic");
    let mut browser = world.site.browser();
    let begun = client.authorize("openid", json!({}));
    let callback = client.callback_of(&begun, &mut browser);
    let answer = client.redeem(&begun, &callback).expect("tokens");
    let logout = json!({ "idToken": answer["tokens"]["id_token"], "state": "goodbye" });
    let logout = client.call("logout", logout).expect("an address");
    let page =
        browser.open_until(logout["url"].as_str().expect("text"), "http://127.0.0.1:1/").expect("a page");
    assert_eq!(page.url.as_str(), "http://127.0.0.1:1/client-basic/bye?state=goodbye", "{}", page.text());
    let passive = client.authorize("openid", json!({ "prompt": "none" }));
    assert!(client.callback_of(&passive, &mut browser).contains("error=login_required"));
}
