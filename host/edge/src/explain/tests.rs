use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use super::{Explanation, NotARequest, RawRequest, Surroundings, Verdict, explain};
use crate::settings::tests_support::{NOW, built};

/// No signature is good: enough for messages that need none.
struct NothingIsGood;

impl Verifier for NothingIsGood {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Err(VerifyError::Mismatch)
    }
}

fn explained(text: &str) -> Explanation {
    let built = built(
        "behind = \"keycloak\"\nprotocols = [\"saml2\", \"oidc\"]\n",
        "[keycloak]\nrealms = [\"example\"]\n[saml]\nrelying_parties = [\"timesheets.xml\"]\n[tokens]\n\
         issuer = \"https://sso.example.com/realms/example\"\naudience = \"api\"\n\
         routes = [{ exact = \"/realms/example/protocol/openid-connect/userinfo\" }]\n",
    );
    let request = RawRequest::read(text.as_bytes(), "sso.example.com").unwrap();
    let surroundings = Surroundings { now: NOW, verifier: &NothingIsGood, client: None, keys: None };
    explain(&built.policy, &request, &surroundings)
}

fn code(text: &str) -> String {
    let explanation = explained(text);
    let refusals: Vec<_> = explanation.guards.iter().filter_map(|stage| stage.refusal.as_ref()).collect();
    match refusals.as_slice() {
        [] => format!("{:?}", explanation.verdict),
        [reason] => {
            assert_eq!(explanation.verdict, Verdict::Refused);
            assert!(explanation.reaches_the_lan.is_empty());
            reason.code.to_owned()
        }
        several => panic!("the first refusal ends it: {several:?}"),
    }
}

#[test]
fn each_guard_decides_as_it_would_on_the_wire() {
    const SAML: &str = "/realms/example/protocol/saml";
    for (text, expected) in [
        ("GET /admin/".to_owned(), "endpoint.path.unknown"),
        ("GET /metrics".to_owned(), "endpoint.path.never-public"),
        ("GET /realms/example/..;/master".to_owned(), "endpoint.path.matrix-parameter"),
        (format!("GET https://evil.example{SAML}"), "endpoint.host.unknown"),
        (format!("GET http://sso.example.com{SAML}"), "endpoint.target.absolute-form"),
        (format!("GET {SAML}?SAMLRequest=x&x=y"), "endpoint.parameter.unknown"),
        (format!("GET {SAML}?SAMLRequest=!"), "saml.base64.malformed"),
        (format!("GET {SAML}"), "saml.request.missing"),
        ("GET /realms/example/protocol/openid-connect/userinfo".to_owned(), "token.authorization.missing"),
        (
            "GET /realms/example/protocol/openid-connect/userinfo\r\nAuthorization: Basic eDp5\r\n\r\n".to_owned(),
            "token.authorization.scheme",
        ),
        (
            "GET /realms/example/protocol/openid-connect/userinfo HTTP/1.1\nAuthorization: Bearer a.b.c\n\n".to_owned(),
            "Open",
        ),
        ("GET /realms/example/protocol/openid-connect/certs".to_owned(), "Passes"),
        ("POST /realms/example/protocol/openid-connect/token\n\na=b".to_owned(), "endpoint.content-type.absent"),
        (
            "POST /realms/example/protocol/openid-connect/token\nContent-Type: application/x-www-form-urlencoded\n\na=b"
                .to_owned(),
            "Passes",
        ),
    ] {
        let found = code(&text);
        // The code of a broken message is the SAML rule's; here it matters that it is that rule's.
        if expected.starts_with("saml.") {
            assert!(found.starts_with("saml.") || found.starts_with("form."), "{text}: {found}");
        } else {
            assert_eq!(found, expected, "{text}");
        }
    }
}

/// What is only reported is shown, and passes.
#[test]
fn a_rule_that_reports_is_shown_and_passes() {
    let code = "report_only = [\"saml.message.elsewhere\", \"token.authorization.missing\"]\n";
    let built = built(
        &format!("behind = \"keycloak\"\nprotocols = [\"saml2\", \"oidc\"]\n{code}"),
        "[keycloak]\nrealms = [\"example\"]\n[saml]\nrelying_parties = [\"timesheets.xml\"]\n[tokens]\n\
         issuer = \"https://sso.example.com/realms/example\"\naudience = \"api\"\n\
         routes = [{ exact = \"/realms/example/protocol/openid-connect/userinfo\" }]\n",
    );
    let surroundings = Surroundings { now: NOW, verifier: &NothingIsGood, client: None, keys: None };
    for line in [
        "GET /realms/example/protocol/openid-connect/userinfo",
        "GET /realms/example/protocol/openid-connect/auth?SAMLRequest=x",
    ] {
        let request = RawRequest::read(line.as_bytes(), "sso.example.com").unwrap();
        let explanation = explain(&built.policy, &request, &surroundings);
        assert_eq!(explanation.verdict, Verdict::Passes, "{explanation}");
        let fields = explanation.guards.iter().flat_map(|stage| &stage.fields);
        assert_eq!(fields.filter(|field| field.name == "report only").count(), 1, "{explanation}");
    }
}

#[test]
fn what_reaches_the_lan_is_shown_without_secrets() {
    let explanation = explained(
        "GET /realms/example/protocol/openid-connect/certs HTTP/1.1\nX-Forwarded-For: 6.6.6.6\nX-Postern-Any: x\nCookie: session=secret\nAccept: */*\n\n",
    );
    let text = explanation.to_string();
    assert!(text.contains("GET /realms/example/protocol/openid-connect/certs"), "{text}");
    assert!(
        text.contains("(x-forwarded-for is removed)") && text.contains("(x-postern-any is removed)"),
        "{text}"
    );
    assert!(!text.contains("secret") && !text.contains("6.6.6.6"), "{text}");
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["verdict"], "passes");
    assert_eq!(json["guards"][0]["fields"][0]["name"], "path");
}

#[test]
fn a_request_is_read_as_it_stands() {
    let request = RawRequest::read(b"GET /a b?c HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n", "z").unwrap();
    assert_eq!((request.target.as_slice(), request.authority.as_slice()), (&b"/a b?c"[..], &b"x"[..]));
    assert_eq!(request.headers.len(), 2);
    assert_eq!(
        code("GET /realms/example/protocol/openid-connect/certs\nHost: sso.example.com\nHost: y\n\n"),
        "endpoint.header.duplicate"
    );
    assert_eq!(RawRequest::read(b"GET", "z"), Err(NotARequest::RequestLine));
    assert_eq!(RawRequest::read(b"GET /\nnonsense\n\n", "z"), Err(NotARequest::Header(2)));
}
