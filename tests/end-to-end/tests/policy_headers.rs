//! Headers that policies are told of, through the real proxy: a client's own reach no policy.
use std::fs;

use postern_end_to_end::browser::Page;
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::scratch;
use postern_end_to_end::site::Site;
use postern_end_to_end::tools;
use serde_json::json;

const DENIED: &str = "sign in from the country that you are in";

/// With the policy `country`, which lets people in from one country alone.
fn site(name: &str, edge: &str) -> Site {
    let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
    let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("{name}-{}", kind.name()));
    let policies = folder.join("lan/policies");
    fs::create_dir_all(&policies).expect("a folder to write to");
    fs::copy(tools::component("policies/country"), policies.join("country.wasm")).expect("a component");
    let settings = "[sign_in]\npolicy = \"country\"\npolicy_headers = [\"x-country\"]\n\
                    [policies.modules.country]\nsettings = { allowed = [\"AT\"] }\n";
    let (site, ()) = Site::start(kind, &folder, settings, |postern, _| {
        postern.append(edge);
        let client = json!({
            "client_id": "client",
            "redirect_uris": ["http://127.0.0.1:1/callback"],
            "token_endpoint_auth_method": "none",
        });
        postern.add_application("oidc", "client", &client.to_string());
    });
    site
}

/// The first page of somebody whose requests have these headers.
fn shown(site: &Site, headers: &[(&str, &str)]) -> Page {
    let url = format!(
        "{}/oauth2/authorize?response_type=code&client_id=client&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F\
         callback&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256",
        site.base_url()
    );
    let browser =
        headers.iter().fold(site.browser(), |browser, (name, value)| browser.with_header(name, value));
    { browser }.open(&url).expect("a page")
}

#[test]
fn what_a_client_says_under_their_names_reaches_no_policy() {
    let site = site("policy-headers", "");
    for headers in [
        &[("x-country", "AT")][..],
        &[("X-Country", "AT")],
        &[("x-country", "AQ"), ("x-country", "AT")],
        &[("x_country", "AT")],
        &[("x.country", "AT")],
        &[],
    ] {
        let page = shown(&site, headers);
        assert!(page.text().contains(DENIED), "{headers:?}: {}", page.text());
        assert!(page.form_with("f.password").is_err(), "{headers:?}");
    }
    // The proxy's machine is told by the export as well.
    let exported = site.postern.run(&["edge", "export"]);
    let exported: serde_json::Value = serde_json::from_str(&exported).expect("JSON");
    assert_eq!(exported["policy_headers"], json!(["x-country"]));
}

#[test]
fn who_is_in_front_and_sets_them_is_believed() {
    let site = site("policy-headers-front", "policy_headers_from = [\"127.0.0.0/8\"]\n");
    let page = shown(&site, &[("x-country", "AT")]);
    assert!(page.form_with("f.password").is_ok(), "{}", page.text());
    for headers in [&[("x-country", "AQ")][..], &[("x-country", "AT"), ("x-country", "AT")], &[]] {
        let page = shown(&site, headers);
        assert!(page.text().contains(DENIED), "{headers:?}: {}", page.text());
    }
}

#[test]
fn another_network_is_not_in_front() {
    let site =
        site("policy-headers-elsewhere", "policy_headers_from = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n");
    let page = shown(&site, &[("x-country", "AT")]);
    assert!(page.text().contains(DENIED), "{}", page.text());
}
