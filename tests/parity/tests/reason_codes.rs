//! Every reason code of a rule has a vector, or a reason why a request can't show it.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use postern_end_to_end::tools;
use postern_vectors::{Verdict, load_all};

/// Codes that no vector shows. Prefixes end with a dot.
const ELSEWHERE: &[(&str, &str)] = &[
    ("endpoint.body.length-mismatch", "a parser of HTTP waits for the body that was announced"),
    ("endpoint.authority.user-information", "Envoy refuses it before: unit test of postern-endpoint"),
    ("endpoint.client-address.", "of an operator's rules: unit test of postern-endpoint, end-to-end edge"),
    ("endpoint.client.", "of an operator's rules: unit test of postern-endpoint, end-to-end edge"),
    ("endpoint.pseudo-header.", "no HTTP/2 client sends it: unit test of postern-endpoint"),
    ("endpoint.rate.exceeded", "of an operator's rules: unit test of postern-endpoint, end-to-end edge"),
    ("endpoint.scheme.unknown", "no HTTP/1.1 request has one: unit test of postern-endpoint"),
    ("endpoint.target.empty", "a parser of HTTP refuses a request line without a target"),
    ("form.field.missing", "a form is told from a message by that field before: unit test of postern-form"),
    ("certificate.", "shown in TLS, in no request: tests of postern-x509, end-to-end edge_certificate"),
    ("feed.", "no request: tests/judging.rs of postern-feed, and end-to-end tests/edge_feed.rs"),
    ("jose.key.unreadable", "ours: a key of the kernel that can't be published"),
    ("jose.token.too-long", "a bearer token of that length is refused by its syntax before"),
    ("oauth.pkce.downgrade", "needs a code: relying_parties::oidc"),
    ("oauth.pkce.mismatch", "needs a code: relying_parties::oidc"),
    ("oauth.pkce.verifier-missing", "needs a code: relying_parties::oidc"),
    ("oauth.pkce.verifier-syntax", "needs a code: unit test of postern-oauth"),
    ("saml.authn-context.unknown", "an answer after sign-on: unit test of postern-saml"),
    ("saml.decoder.configuration", "the operator's: unit test of postern-saml"),
    ("saml.identifier.random", "ours: no randomness"),
    ("saml.clock.absent", "needs a proxy without a clock: unit test of postern-saml"),
    ("saml.key.malformed", "keys of metadata that no library of today makes: unit test of postern-saml"),
    ("saml.metadata.binding", "the operator's: tests/service_provider.rs of postern-saml"),
    ("saml.name-id-policy.unsupported", "an answer after sign-on: unit test of postern-saml"),
    ("saml.name-id.unavailable", "an answer after sign-on: unit test of postern-saml"),
    ("saml.replay.full", "needs thousands of signed messages: unit test of postern-saml"),
    ("saml.replay.unavailable", "needs a proxy without shared memory: unit test of postern-saml"),
    ("saml.request.build", "ours: an AuthnRequest that can't be written"),
    ("saml.response.build", "ours: a Response that can't be built"),
    ("saml.settings.", "the operator's: unit test of postern-saml"),
    ("saml.sign-on.", "an answer after sign-on: unit test of postern-saml"),
    (
        "token.authorization.several",
        "two headers arrive joined, or the router counts them: unit test of postern-jose",
    ),
    ("oidc.pending.malformed", "ours: what was kept is not what was kept"),
    ("oidc.authorization-guard.invalid", "the operator's: unit test of postern-oidc"),
    ("token.dpop.memory-full", "needs thousands of proofs: unit test of postern-jose"),
    ("token.dpop.nonce", "needs a proxy that demands nonces: end-to-end, tokens"),
    ("token.dpop.required", "needs a route that demands proofs: end-to-end, tokens"),
    ("token.claim.", "needs a route with rules for claims: end-to-end, tokens"),
    ("token.certificate.required", "needs a route that demands certificates: end-to-end, tokens"),
    ("token.introspection.client-rate", "needs many tokens: end-to-end, tokens"),
    ("token.introspection.rate", "needs many tokens: end-to-end, tokens"),
    ("token.introspection.unreachable", "needs an issuer that is away: end-to-end, tokens"),
    ("token.client.not-allowed", "needs a route with clients: end-to-end, tokens"),
    ("token.configuration.invalid", "the operator's: unit test of postern-jose"),
    ("token.keys.unavailable", "needs an issuer that is away"),
    ("spnego.", "in a header at one path of the host: tests of postern-spnego; end-to-end, kerberos"),
    ("webauthn.anchor.malformed", "the operator's: tests of postern-webauthn"),
    ("webauthn.attestation.untrusted", "needs trust anchors: tests of postern-webauthn"),
    ("webauthn.credential.not-allowed", "needs somebody who is known: tests of postern-webauthn"),
    ("webauthn.create", "a type of clientDataJSON, no reason"),
    ("webauthn.get", "a type of clientDataJSON, no reason"),
    ("webauthn.options.", "of components, not of requests: tests of postern-webauthn and postern-sandbox"),
    ("wsfed.configuration", "the operator's: tests of postern-wsfed"),
    ("wsfed.registration.", "the operator's: tests of postern-wsfed"),
    ("xml.sign.", "ours: what can't be signed"),
    (
        "xml.signature.",
        "of callers with other allowlists, or that demand a signature: unit tests of postern-xml",
    ),
];

#[test]
fn every_reason_code_has_a_vector() {
    let shown: BTreeSet<String> = load_all()
        .into_iter()
        .filter_map(|vector| match vector.verdict {
            Verdict::Refuse { code, .. } => Some(code),
            Verdict::Accept => None,
        })
        .collect();
    let known = codes();
    assert!(known.len() > 200, "{} codes found in the sources", known.len());
    let excused = |code: &str| {
        ELSEWHERE.iter().any(|(name, _)| *name == code || (name.ends_with('.') && code.starts_with(name)))
    };
    let missing: Vec<_> = known.iter().filter(|code| !shown.contains(*code) && !excused(code)).collect();
    assert!(missing.is_empty(), "codes without a vector: {missing:#?}");
    let invented: Vec<_> = shown.iter().filter(|code| !known.contains(*code)).collect();
    assert!(invented.is_empty(), "codes that no rule has: {invented:#?}");
    for (name, _) in ELSEWHERE {
        let used = known.iter().any(|code| code == name || (name.ends_with('.') && code.starts_with(name)));
        assert!(used, "{name} is excused and does not exist");
    }
}

/// String literals of that form in the sources of the rules, without their tests.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    collect(&tools::workspace().join("plugins/protocol"), &mut codes);
    codes
}

fn collect(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, codes);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            codes.extend(text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(literals));
        }
    }
}

fn literals(line: &str) -> impl Iterator<Item = String> {
    line.split('"').skip(1).step_by(2).filter(|text| is_code(text)).map(str::to_owned)
}

fn is_code(text: &str) -> bool {
    const AREAS: [&str; 14] = [
        "certificate",
        "endpoint",
        "feed",
        "form",
        "saml",
        "wsfed",
        "xml",
        "jose",
        "json",
        "token",
        "oauth",
        "oidc",
        "spnego",
        "webauthn",
    ];
    let mut parts = text.split('.');
    parts.next().is_some_and(|area| AREAS.contains(&area))
        && text.contains('.')
        && !text.ends_with('.')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
}
