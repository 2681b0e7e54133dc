//! What outside providers, and people who come back from them, say: see `mod.rs`.
use postern_jose::KeySet;
use postern_oidc::relying_party::{
    Callback, ClaimSource, IdTokenRule, MappedClaims, PendingSignIn, ProviderMetadata, TokenAnswer,
    judge_provider_token, judge_userinfo,
};
use postern_signature::Algorithm;

use super::{AnythingIsGood, NOW, NothingIsGood};

const ISSUER: &str = "https://op.example.com";

/// A discovery document: whatever it says, it is the issuer's, and nothing is asked in the clear.
pub fn provider_metadata(bytes: &[u8]) {
    for has_secret in [true, false] {
        let Ok(provider) = ProviderMetadata::read(bytes, ISSUER, has_secret) else { continue };
        assert_eq!(provider.issuer, ISSUER);
        for endpoint in [&provider.authorization_endpoint, &provider.token_endpoint, &provider.jwks_uri] {
            let is_local = ["http://127.0.0.1", "http://[::1]"].iter().any(|here| endpoint.starts_with(here));
            assert!(endpoint.starts_with("https://") || is_local, "{endpoint}");
            assert!(endpoint.bytes().all(|byte| byte.is_ascii_graphic()), "{endpoint}");
        }
    }
}

/// The answer of a token endpoint, and the ID token in it; and what came back with a person.
pub fn token_answer(bytes: &[u8]) {
    for status in [200, 400, 500] {
        let Ok(tokens) = TokenAnswer::read(status, bytes) else { continue };
        assert!(status == 200 && tokens.access_token.bytes().all(|byte| byte.is_ascii_graphic()));
        id_token(&tokens.id_token);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        id_token(text);
        callback(text);
    }
    if let Ok(claims) = judge_userinfo(200, "application/json", bytes, "248289761001") {
        assert_eq!(claims["sub"], "248289761001");
    }
}

fn id_token(token: &str) {
    let keys = KeySet::read(
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"idp-ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    )
    .expect("a key set");
    let rule = IdTokenRule {
        issuer: ISSUER,
        client_id: "postern",
        nonce: "a-nonce",
        access_token: "access",
        authenticated_since: Some(NOW - 60),
        max_age: None,
        may_lack_time: false,
        algorithms: &[Algorithm::EdDsa],
        now: NOW,
        clock_skew: 30,
    };
    assert!(judge_provider_token(token, &rule, &keys, &NothingIsGood).is_err());
    if let Ok(identity) = judge_provider_token(token, &rule, &keys, &AnythingIsGood) {
        let claims = &identity.get().claims;
        let source = ClaimSource { id_token: claims, userinfo: None };
        let mapped = MappedClaims::of([("email", "email"), ("x", "amr")], source, false);
        assert!(mapped.0.iter().flat_map(|(_, values)| values).all(|value| !value.contains('\n')));
    }
}

fn callback(query: &str) {
    let pending = PendingSignIn {
        state: "a-state".into(),
        nonce: "a-nonce".into(),
        code_verifier: "v".into(),
        authenticated_since: None,
        max_age: None,
    };
    let provider = ProviderMetadata {
        issuer: ISSUER.into(),
        authorization_endpoint: ISSUER.into(),
        token_endpoint: ISSUER.into(),
        jwks_uri: ISSUER.into(),
        userinfo_endpoint: None,
        sends_issuer: true,
    };
    if Callback::judge(query, &pending, &provider).is_ok() {
        assert!(query.contains("state=") && query.contains("iss="), "{query}");
    }
}
