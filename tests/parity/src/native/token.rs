//! `postern-jose`: bearer tokens.
use postern_jose::validator::{Scheme, check_scopes, read_authorization};
use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessTokenRule, DpopProof, DpopRule, IntrospectionAnswer, IntrospectionRule, KeySet,
    check_binding, judge_access_token, judge_dpop_proof, judge_introspection, read_dpop_header,
};
use postern_keys::NativeVerifier;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use postern_vectors::{Key, Keys, Reply, Request, Vector, Verdict};

use crate::{BASE_URL, now, verdict};

/// What tokens may be signed with.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
/// The guarded path, with all below it.
pub const PATH: &str = "/orders";
/// The scope that it needs.
pub const SCOPE: &str = "orders.read";

/// The path that is guarded by tokens about which their issuer is asked.
pub const ASKED_PATH: &str = "/payments";
/// The scope that it needs.
pub const ASKED_SCOPE: &str = "payments.read";

/// The issuer that is asked about tokens.
pub fn asked_issuer(base_url: &str) -> String {
    format!("{base_url}/opaque")
}

/// The issuer's keys as a JWK Set.
///
/// # Panics
/// Not in practice.
pub fn jwks() -> String {
    let keys = ["idp-rsa", "idp-ec", "idp-ed"]
        .map(|name| Keys::shared().get(name).map_or_else(String::new, Key::jwk));
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The verdict on the vector's last request.
///
/// # Panics
/// When the vector is no good.
pub fn judge(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    verdict(judge_request(requests.last().expect("a request")))
}

/// The verdict on the JWK Set in the vector's body.
///
/// # Panics
/// When the vector is no good.
pub fn judge_key_set(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    verdict(KeySet::read(&requests.last().expect("a request").body))
}

fn judge_request(request: &Request) -> Result<(), Refusal> {
    let (scheme, text) =
        read_authorization(&values(request, "authorization"), true).map_err(|denial| denial.refusal)?;
    let rule = AccessTokenRule {
        issuer: BASE_URL,
        audiences: &[BASE_URL],
        algorithms: &ALGORITHMS,
        types: &ACCESS_TOKEN_TYPES,
        max_lifetime: 3_600,
        skew: 30,
    };
    let keys = KeySet::read(jwks().as_bytes())?;
    let token = judge_access_token(text, &rule, &keys, now(), &NativeVerifier)?;
    let proof = match scheme {
        Scheme::Dpop => Some(judge_proof(request, text)?),
        Scheme::Bearer => None,
    };
    check_binding(token.get(), proof.as_ref(), None)?;
    check_scopes(token.get(), &[SCOPE.to_owned()]).map_err(|denial| denial.refusal)
}

/// The verdict on the vector's last request, whose token its issuer is asked about.
///
/// # Panics
/// When the vector is no good.
pub fn judge_introspected(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    let reply = vector.reply(Keys::shared(), now(), BASE_URL, 1).expect("an answer of the issuer");
    verdict(judge_reply(requests.last().expect("a request"), &reply))
}

fn judge_reply(request: &Request, reply: &Reply) -> Result<(), Refusal> {
    let (scheme, text) =
        read_authorization(&values(request, "authorization"), true).map_err(|denial| denial.refusal)?;
    let types = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let types: Vec<&[u8]> = types.map(|(_, value)| value.as_slice()).collect();
    let answer = IntrospectionAnswer { status: reply.status, content_types: &types, body: &reply.body };
    let rule = IntrospectionRule {
        issuer: &asked_issuer(BASE_URL),
        audiences: &[BASE_URL],
        may_lack: &[],
        max_lifetime: 3_600,
        max_cache: 30,
        skew: 30,
    };
    let token = judge_introspection(&answer, &rule, now())?;
    let proof = match scheme {
        Scheme::Dpop => Some(judge_proof(request, text)?),
        Scheme::Bearer => None,
    };
    check_binding(token.get(), proof.as_ref(), None)?;
    check_scopes(token.get(), &[ASKED_SCOPE.to_owned()]).map_err(|denial| denial.refusal)
}

fn judge_proof(request: &Request, token: &str) -> Result<DpopProof, Refusal> {
    let path = String::from_utf8_lossy(&request.target);
    let uris = [format!("{BASE_URL}{}", path.split('?').next().unwrap_or_default())];
    let rule = DpopRule {
        method: &request.method,
        uris: &uris,
        access_token: token,
        algorithms: &[Algorithm::Es256, Algorithm::EdDsa],
        max_age: 60,
        skew: 30,
        nonces: None,
    };
    let headers = values(request, "dpop");
    judge_dpop_proof(read_dpop_header(&headers)?, &rule, now(), &NativeVerifier)
        .map(|proof| proof.into_inner())
}

fn values<'a>(request: &'a Request, name: &str) -> Vec<&'a [u8]> {
    let headers = request.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
    headers.map(|(_, value)| value.as_slice()).collect()
}
