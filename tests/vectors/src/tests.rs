//! The steps against software that is not ours, and the vectors against their format.
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::catalogue::{self, classes};
use crate::{Keys, Vector, Verdict, load_all, registry};

const BASE_URL: &str = "https://sso.example.com";
/// 2026-09-21T14:13:20Z.
const NOW: u64 = 1_790_000_000;

fn body_of(build: &str) -> Result<Vec<u8>, String> {
    let file = format!(
        r#"{{ "why": "A trial.", "rule": "saml", "build": {build},
             "request": {{ "method": "POST", "target": "/", "body": "{{{{made}}}}" }}, "verdict": "accept" }}"#
    );
    let vector = Vector::parse("accept/saml/trial".into(), &file)?;
    Ok(vector.materialise(Keys::shared(), NOW, BASE_URL, 1).remove(0).body)
}

fn made(build: &str) -> String {
    String::from_utf8(body_of(build).unwrap()).unwrap()
}

/// What goes wrong while a vector is made.
fn panic_of(build: &str) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| body_of(build))).unwrap_err();
    payload.downcast_ref::<String>().unwrap().clone()
}

fn element(key: &str, algorithm: &str, options: &str) -> String {
    made(&format!(
        r#"{{ "made": [
            {{ "text": "<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' Version='2.0' ID='{{{{id}}}}'><saml:Issuer>me &amp; you</saml:Issuer><!-- a comment --><samlp:NameIDPolicy/></samlp:AuthnRequest>" }},
            {{ "sign-xml-enveloped": {{ "key": "{key}", "algorithm": "{algorithm}" {options} }} }} ] }}"#
    ))
}

/// Whether xmlsec1 accepts the signature by the key of that name.
fn verifies_with_xmlsec1(document: &str, key: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (document_path, key_path) = (folder.path().join("document.xml"), folder.path().join("key.pem"));
    fs::write(&document_path, document).unwrap();
    fs::write(&key_path, Keys::shared().get(key).unwrap().pem()).unwrap();
    Command::new("xmlsec1")
        .args(["--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"])
        .arg("--pubkey-pem")
        .args([&key_path, &document_path])
        .output()
        .expect("xmlsec1 (Debian package xmlsec1; `cargo xtask tools` installs it)")
        .status
        .success()
}

#[test]
fn xmlsec1_verifies_enveloped_signatures() {
    for (key, algorithm, options) in [
        ("sp-rsa", "rsa-sha256", ""),
        ("sp-rsa", "rsa-sha512", r#", "digest": "sha512""#),
        ("sp-rsa", "rsa-sha1", r#", "digest": "sha1""#),
        ("sp-ec", "ecdsa-sha256", r#", "key-info": "<ds:KeyName>sp-ec</ds:KeyName>""#),
    ] {
        let document = element(key, algorithm, options);
        assert!(verifies_with_xmlsec1(&document, key), "{algorithm} {options}: {document}");
        let tampered = document.replace("me &amp; you", "you &amp; me");
        assert!(!verifies_with_xmlsec1(&tampered, key), "{algorithm} {options}, tampered");
    }
    assert!(!verifies_with_xmlsec1(&element("sp-rsa", "rsa-sha256", ""), "other-sp-rsa"));
}

/// Of the signature in the captured message of that name, made again.
fn renewed(name: &str) -> String {
    let vectors = load_all();
    let vector = vectors.iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no {name}"));
    let body = vector.materialise(Keys::shared(), NOW, BASE_URL, 1).remove(0).body;
    let body = String::from_utf8(body).unwrap();
    let value = body.split('&').next().unwrap().split_once('=').unwrap().1;
    let value = value.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").replace("%0A", "");
    String::from_utf8(STANDARD.decode(value).unwrap()).unwrap()
}

#[test]
fn xmlsec1_verifies_what_was_captured_and_signed_anew() {
    for name in ["pysaml2-post-signed", "node-saml-post-signed-sha512", "mod-auth-mellon-post"] {
        let document = renewed(&format!("accept/saml/captured-{name}"));
        assert!(verifies_with_xmlsec1(&document, "sp-rsa"), "{name}: {document}");
        assert!(!verifies_with_xmlsec1(&document, "other-sp-rsa"), "{name}: {document}");
        let tampered = document.replace("/acs\"", "/other\"");
        assert_ne!(tampered, document);
        assert!(!verifies_with_xmlsec1(&tampered, "sp-rsa"), "{name}, tampered");
    }
}

#[test]
fn lines_are_broken_between_and_not_after() {
    let broken =
        made(r#"{ "made": [ { "text": "abcdefgh" }, { "lines": { "width": 3, "break": "\r\n" } } ] }"#);
    assert_eq!(broken, "abc\r\ndef\r\ngh");
    let whole = made(r#"{ "made": [ { "text": "abc" }, { "lines": { "width": 3, "break": "\n" } } ] }"#);
    assert_eq!(whole, "abc");
}

#[test]
fn openssl_verifies_detached_signatures() {
    for (key, algorithm, digest) in [("sp-rsa", "rsa-sha256", "-sha256"), ("sp-rsa", "rsa-sha1", "-sha1")] {
        let query = made(&format!(
            r#"{{ "made": [ {{ "text": "SAMLRequest=a%2Bb&RelayState=c" }},
                 {{ "sign-query-detached": {{ "key": "{key}", "algorithm": "{algorithm}" }} }} ] }}"#
        ));
        let (signed, signature) = query.split_once("&Signature=").unwrap();
        let signature = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("signed"), signed).unwrap();
        fs::write(path("signature"), STANDARD.decode(signature).unwrap()).unwrap();
        fs::write(path("key"), Keys::shared().get(key).unwrap().pem()).unwrap();
        let output = Command::new("openssl")
            .args(["dgst", digest, "-verify"])
            .arg(path("key"))
            .arg("-signature")
            .args([path("signature"), path("signed")])
            .output()
            .expect("openssl (Debian package openssl)");
        assert!(output.status.success(), "{algorithm}: {output:?}");
    }
}

#[test]
fn a_token_says_what_its_header_says() {
    let token = made(
        r#"{ "made": [ { "text": "{\"iss\":\"{{base-url}}\",\"exp\":{{unix+300}}}" },
             { "sign-jwt": { "key": "idp-ec", "algorithm": "ES256" } } ] }"#,
    );
    let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    assert_eq!(parts[0], br#"{"alg":"ES256","typ":"JWT","kid":"idp-ec"}"#);
    assert_eq!(parts[1], br#"{"iss":"https://sso.example.com","exp":1790000300}"#);
    assert_eq!(parts[2].len(), 64);
    let unsigned =
        made(r#"{ "made": [ { "text": "{}" }, { "sign-jwt": { "key": "idp-ec", "algorithm": "none" } } ] }"#);
    assert!(unsigned.ends_with("e30."), "{unsigned}");
}

#[test]
fn placeholders_are_replaced_and_unknown_ones_fail() {
    assert_eq!(
        made(
            r#"{ "made": [ { "text": "{{now-10}} {{unix+1}} {{host}} {{inner}}" } ], "inner": [ { "hex": "41" } ] }"#
        ),
        "2026-09-21T14:13:10Z 1790000001 sso.example.com A"
    );
    assert_eq!(made(r#"{ "made": [ { "text": "{{basic:a:b}}" } ] }"#), "YTpi");
    let id = || made(r#"{ "made": [ { "text": "{{id}}" } ] }"#);
    assert_eq!(id().len(), 33);
    assert_eq!(id(), id());
    assert_ne!(id(), made(r#"{ "made": [ { "text": "{{id:other}}" } ] }"#));
    for (build, problem) in [
        (r#"{ "made": [ { "text": "{{nonsense}}" } ] }"#, "unknown placeholder {{nonsense}}"),
        (r#"{ "made": [ { "text": "{{now*2}}" } ] }"#, "unknown placeholder {{now*2}}"),
        (r#"{ "made": [ { "text": "{{jwk:nobody}}" } ] }"#, "unknown key nobody"),
        (r#"{ "made": [ { "text": "{{made}}" } ] }"#, "needs itself"),
        (
            r#"{ "made": [ { "text": "a" }, { "replace": { "from": "b", "to": "" } } ] }"#,
            "nothing to replace",
        ),
    ] {
        let message = panic_of(build);
        assert!(message.contains(problem), "{message}");
    }
}

#[test]
fn a_file_with_an_unknown_member_is_refused() {
    let file = r#"{ "why": "x", "rule": "saml", "request": { "method": "GET", "target": "/" }, "verdict": "accept", "extra": 1 }"#;
    assert!(Vector::parse("accept/saml/x".into(), file).unwrap_err().contains("unknown field `extra`"));
    let file = r#"{ "why": "x", "rule": "saml", "request": { "method": "GET", "target": "/" }, "verdict": "accept" }"#;
    assert!(Vector::parse("reject/saml/x".into(), file).unwrap_err().contains("contradicts the folder"));
}

#[test]
fn every_vector_can_be_made() {
    let rules = [
        "endpoint",
        "saml",
        "saml-decoder",
        "saml-logout",
        "saml-metadata",
        "wsfed",
        "wsfed-open",
        "wsfed-token",
        "saml-artifact",
        "saml-response",
        "saml-sign-on",
        "saml-product",
        "authorization-request",
        "token-request",
        "client-authentication",
        "logout-request",
        "access-token",
        "introspected-token",
        "client-registration",
        "key-set",
        "passkey-registration",
        "passkey-assertion",
        "provider-metadata",
        "provider-callback",
        "token-answer",
        "provider-token",
        "provider-userinfo",
    ];
    for vector in load_all() {
        let name = &vector.name;
        assert!(rules.contains(&vector.rule.as_str()), "{name}: unknown rule {}", vector.rule);
        assert!(vector.why.ends_with(['.', '?']) && vector.why.len() > 10, "{name}: why is one sentence");
        if let Verdict::Refuse { code, .. } = &vector.verdict {
            assert!(code.split('.').count() >= 2 && !code.contains(' '), "{name}: {code} is no reason code");
        }
        let requests = vector.materialise(Keys::shared(), NOW, BASE_URL, 1);
        assert_eq!(requests.len(), vector.times as usize);
        let reply = vector.reply(Keys::shared(), NOW, BASE_URL, 1);
        assert_eq!(reply.is_some(), vector.rule == "introspected-token", "{name}: introspection");
    }
}

#[test]
fn the_registry_can_be_read() {
    let registered = registry(Keys::shared(), BASE_URL);
    for (module, identifier) in [
        ("saml2", "https://sp.example.com/metadata"),
        ("saml2", "https://unsigned.example.com/metadata"),
        ("oidc", "public-client"),
        ("oidc", "confidential-client"),
        ("oidc", "jwt-client"),
    ] {
        assert!(
            registered.iter().any(|found| found.module == module && found.identifier == identifier),
            "{module} {identifier} is not registered"
        );
    }
}

#[test]
fn every_refused_vector_belongs_to_a_class() {
    let classes = classes();
    let names: BTreeSet<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names.len(), classes.len(), "classes.json: a name comes twice");
    let (accepted, refused): (Vec<_>, Vec<_>) =
        load_all().into_iter().partition(|vector| vector.verdict == Verdict::Accept);
    let mut problems = Vec::new();
    for vector in &refused {
        match vector.class.as_deref() {
            None => problems.push(format!("{}: `class` is missing: name one of classes.json", vector.name)),
            Some(class) if !names.contains(class) => {
                problems.push(format!("{}: classes.json has no class {class}", vector.name));
            }
            Some(_) => {}
        }
        if vector.from.is_some() {
            problems.push(format!("{}: `from` is for what real software sends", vector.name));
        }
    }
    for vector in accepted.iter().filter(|vector| vector.class.is_some()) {
        problems.push(format!("{}: a class is for what is refused", vector.name));
    }
    let used: BTreeSet<&str> = refused.iter().filter_map(|vector| vector.class.as_deref()).collect();
    problems.extend(names.difference(&used).map(|class| format!("classes.json: {class} has no vector")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(refused.len() >= 400, "{} vectors are refused", refused.len());
    let captured = accepted.iter().filter(|vector| vector.from.is_some()).count();
    assert!(captured >= 60, "{captured} vectors are from real software");
}

#[test]
fn every_class_says_what_it_stands_for() {
    for class in classes() {
        let name = &class.name;
        assert!(class.attack.ends_with('.') && class.attack.len() > 20, "{name}: attack is one sentence");
        assert!(!class.stands_for.is_empty(), "{name} stands for nothing");
        for reference in &class.stands_for {
            let id = &reference.id;
            assert!(reference.what.ends_with('.'), "{name}, {id}: what is one sentence");
            assert!(reference.source.starts_with("https://"), "{name}, {id}: source is an address");
        }
    }
}

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalogue.md");
    let written = fs::read_to_string(&path).unwrap_or_default();
    let current = catalogue::page(&classes(), &load_all());
    assert!(written == current, "docs/catalogue.md is not current: {}", catalogue::COMMAND);
}
