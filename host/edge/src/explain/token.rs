//! The token validator's part.

use postern_endpoint::RequestTarget;
use postern_jose::json::Object;
use postern_jose::validator::{
    Denial, Judge, ReportOnly, RoutePath, Scheme, ValidatorConfiguration, check_route, deny, find_route,
    read_authorization,
};
use postern_jose::{
    AccessToken, AccessTokenRule, KeySet, UnverifiedAccessToken, Verified, check_binding, unknown_issuer,
};
use postern_oidc::AuthorizationGuard;
use postern_refusal::Refusal;

use super::{RawRequest, Stage, Surroundings, Verdict};
use crate::policy::Guard;

pub(super) fn stage(guard: &Guard, request: &RawRequest, surroundings: &Surroundings<'_>) -> Stage {
    let stage = Stage::new("token-validator");
    let read = || {
        let mut members: Object = guard.configuration.as_object().cloned().unwrap_or_default();
        let authorization = AuthorizationGuard::take_from(&mut members)?;
        let report_only = ReportOnly::take_from(&mut members)?;
        Ok((authorization, report_only, ValidatorConfiguration::from_object(members)?))
    };
    let (authorization, report_only, configuration) = match read() {
        Ok(read) => read,
        Err(refusal) => return stage.refused(&refusal),
    };
    let stage = judge_request(stage, authorization, &configuration, request, surroundings);
    match &stage.refusal {
        Some(reason) if report_only.holds(reason.code) => stage.reported(),
        _ => stage,
    }
}

fn judge_request(
    stage: Stage,
    authorization: Option<AuthorizationGuard>,
    configuration: &ValidatorConfiguration,
    request: &RawRequest,
    surroundings: &Surroundings<'_>,
) -> Stage {
    let target = match RequestTarget::parse(&request.target) {
        Ok(target) => target,
        Err(refusal) => return stage.refused(&refusal),
    };
    if let Some(authorization) = authorization.filter(|guard| guard.guards(target.path())) {
        return judge_authorization(stage, &authorization, target.path(), request);
    }
    let Some(route) = find_route(&configuration.routes, target.path()) else {
        return stage.noted("no route of its own: no token is needed");
    };
    let mut stage = stage;
    let (RoutePath::Exact(path) | RoutePath::Prefix(path)) = &route.path;
    stage.field("route", path, "wants an access token");
    let authorization: Vec<&[u8]> = request
        .headers
        .iter()
        .filter(|(name, _)| name == b"authorization")
        .map(|(_, value)| value.as_slice())
        .collect();
    let (scheme, token) = match read_authorization(&authorization, configuration.dpop.is_some()) {
        Ok(read) => read,
        Err(Denial { refusal, .. }) => return stage.refused(&refusal),
    };
    stage.field("Authorization", "a scheme and a token", "one header");
    if scheme == Scheme::Dpop || route.require_dpop {
        stage.verdict = Verdict::Open;
        return stage.noted("a proof of the client's key is not judged here");
    }
    if let Judge::Introspection { issuer, settings, .. } = configuration.judge_of(route, token) {
        stage.verdict = Verdict::Open;
        let asked = format!("{}{}", settings.authority, settings.path);
        return stage.noted(format!("the token is not judged here: {} is asked at {asked}", issuer.issuer));
    }
    let Some(keys) = surroundings.keys else {
        stage.verdict = Verdict::Open;
        return stage.noted("the token itself is not judged: the issuer's keys are not known here (--keys)");
    };
    let judged = KeySet::read(keys).and_then(|keys| judge(token, configuration, &keys, surroundings));
    let token = match judged {
        Ok(token) => token,
        Err(refusal) => return stage.refused(&deny(refusal).refusal),
    };
    let token = token.get();
    stage.field(
        "token",
        format!("of {} for {}", token.client_id, token.audience.join(", ")),
        "signed, valid now",
    );
    match check_route(token, route) {
        Ok(()) => {
            stage.field("scope", token.scopes.to_string(), format!("has {}", route.scopes.join(" ")));
            stage
        }
        Err(Denial { refusal, .. }) => stage.refused(&refusal),
    }
}

/// By the rule of the issuer that the token claims.
fn judge(
    token: &str,
    configuration: &ValidatorConfiguration,
    keys: &KeySet,
    surroundings: &Surroundings<'_>,
) -> Result<Verified<AccessToken>, Refusal> {
    let token = UnverifiedAccessToken::read(token)?;
    let mut issuers = configuration.issuers.iter();
    let issuer = issuers
        .find(|known| known.issuer == token.claimed_issuer())
        .ok_or_else(|| unknown_issuer(token.claimed_issuer(), "an issuer of the configuration"))?;
    let audiences: Vec<&str> = issuer.audiences.iter().map(String::as_str).collect();
    let types: Vec<&str> = issuer.token_types.iter().map(String::as_str).collect();
    let rule = AccessTokenRule {
        issuer: &issuer.issuer,
        audiences: &audiences,
        algorithms: &issuer.allowed_algorithms()?,
        types: &types,
        max_lifetime: issuer.max_token_lifetime_seconds,
        skew: configuration.clock_skew_seconds,
    };
    let token = token.judge(&rule, keys, surroundings.now, surroundings.verifier)?;
    check_binding(token.get(), None, None)?;
    Ok(token)
}

fn judge_authorization(
    mut stage: Stage,
    guard: &AuthorizationGuard,
    path: &str,
    request: &RawRequest,
) -> Stage {
    let query = request.target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    let post = request.method != b"GET" && request.method != b"HEAD";
    match guard.judge_request(path, post, query, &request.body) {
        Ok(()) => {
            let rule = "a registered client, its redirect URI, PKCE; or the provider's own flow";
            stage.field("authorization request", "accepted", rule);
            stage
        }
        Err(refusal) => stage.refused(&refusal),
    }
}
