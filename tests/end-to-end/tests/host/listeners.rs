//! The two listeners: who may talk to which, and about what.
use crate::world::postern;

const GET: &str = "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
    x-postern-client-address: 127.0.0.1\r\n\r\n";

fn get(path: &str, host: &str) -> Vec<u8> {
    GET.replace("{path}", path).replace("{host}", host).into_bytes()
}

fn public_host() -> &'static str {
    postern().base_url.trim_start_matches("https://")
}

#[test]
fn without_the_proxys_certificate_nobody_is_served() {
    let request = get("/.well-known/openid-configuration", public_host());
    assert!(postern().public(false).exchange(&request).is_err());
    assert_eq!(postern().public(true).exchange(&request).expect("an answer").status, 200);
}

#[test]
fn management_is_not_on_the_public_listener() {
    for path in ["/health", "/metrics", "/api/server/users", "/console", "/carbon"] {
        let answer = postern().public(true).exchange(&get(path, public_host())).expect("an answer");
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
}

#[test]
fn the_public_endpoints_are_not_on_the_management_listener() {
    let management = postern().management();
    for path in ["/samlsso", "/oauth2/jwks", "/commonauth", "/.well-known/openid-configuration"] {
        let answer = management.exchange(&get(path, &management.authority())).expect("an answer");
        assert!(answer.status >= 400, "{path}: {}", answer.text());
    }
}

#[test]
fn another_host_is_not_ours() {
    let request = get("/.well-known/openid-configuration", "evil.example");
    let answer = postern().public(true).exchange(&request).expect("an answer");
    assert_eq!(answer.status, 421, "{}", answer.text());
}
