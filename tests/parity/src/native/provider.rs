//! `postern-oidc` as a client: what the provider `https://op.example.com` and people who come back from it say.
use postern_jose::KeySet;
use postern_keys::NativeVerifier;
use postern_oidc::relying_party::{
    Callback, IdTokenRule, PendingSignIn, ProviderMetadata, TokenAnswer, judge_provider_token, judge_userinfo,
};
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use postern_vectors::{Keys, Request, Vector, Verdict};

use super::token::jwks;
use crate::{BASE_URL, now, verdict};

const ISSUER: &str = "https://op.example.com";
const SUBJECT: &str = "248289761001";

/// The verdict on the vector's last request, whose body (or query) is what came from the provider. A body that
/// begins with a status and a space came with that one, others with 200.
///
/// # Panics
/// When the vector is no good or has another rule.
pub fn judge(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    let request = requests.last().expect("a request");
    let (status, body) = answer(request);
    verdict(match vector.rule.as_str() {
        "provider-metadata" => ProviderMetadata::read(body, ISSUER, true).map(drop),
        "provider-callback" => Callback::judge(request.query(), &pending(), &provider()).map(drop),
        "token-answer" => TokenAnswer::read(status, body).map(drop),
        "provider-token" => provider_token(body),
        "provider-userinfo" => {
            judge_userinfo(status, request.header("content-type").unwrap_or_default(), body, SUBJECT)
                .map(drop)
        }
        other => panic!("{}: {other} is no rule about providers", vector.name),
    })
}

fn answer(request: &Request) -> (u16, &[u8]) {
    let split = request.body.split_at_checked(4).and_then(|(status, body)| {
        let status = std::str::from_utf8(status).ok()?.strip_suffix(' ')?.parse().ok()?;
        Some((status, body))
    });
    split.unwrap_or((200, &request.body))
}

fn provider() -> ProviderMetadata {
    ProviderMetadata {
        issuer: ISSUER.into(),
        authorization_endpoint: format!("{ISSUER}/authorize"),
        token_endpoint: format!("{ISSUER}/token"),
        jwks_uri: format!("{ISSUER}/jwks"),
        userinfo_endpoint: None,
        sends_issuer: true,
    }
}

fn pending() -> PendingSignIn {
    PendingSignIn {
        state: "a-state".into(),
        nonce: "a-nonce".into(),
        code_verifier: "a-verifier".into(),
        authenticated_since: None,
        max_age: None,
    }
}

fn provider_token(body: &[u8]) -> Result<(), Refusal> {
    let token = std::str::from_utf8(body).expect("a token is text");
    // `max_age` was asked for where the token has an answer to it.
    let has_time = token.split('.').nth(1).is_some_and(|payload| {
        let claims = postern_jose::base64url_decode("payload", payload).unwrap_or_default();
        String::from_utf8_lossy(&claims).contains("auth_time")
    });
    let rule = IdTokenRule {
        issuer: ISSUER,
        client_id: "postern",
        nonce: "a-nonce",
        access_token: "access",
        authenticated_since: None,
        max_age: has_time.then_some(3_600),
        may_lack_time: false,
        algorithms: &[Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa],
        now: now(),
        clock_skew: 30,
    };
    let keys = KeySet::read_unnamed(jwks().as_bytes())?;
    judge_provider_token(token, &rule, &keys, &NativeVerifier).map(drop)
}
