//! The token validator's part.

use postern_endpoint::RequestTarget;
use postern_jose::validator::{
    Denial, RoutePath, ValidatorConfiguration, check_scopes, deny, find_route, read_bearer,
};
use postern_jose::{AccessTokenRule, KeySet, judge_access_token};

use super::{RawRequest, Stage, Surroundings, Verdict};
use crate::policy::Guard;

pub(super) fn stage(guard: &Guard, request: &RawRequest, surroundings: &Surroundings<'_>) -> Stage {
    let stage = Stage::new("token-validator");
    let configuration = match ValidatorConfiguration::read(guard.configuration.to_string().as_bytes()) {
        Ok(configuration) => configuration,
        Err(refusal) => return stage.refused(&refusal),
    };
    let target = match RequestTarget::parse(&request.target) {
        Ok(target) => target,
        Err(refusal) => return stage.refused(&refusal),
    };
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
    let token = match read_bearer(&authorization) {
        Ok(token) => token,
        Err(Denial { refusal, .. }) => return stage.refused(&refusal),
    };
    stage.field("Authorization", "Bearer and a token", "one header");
    let Some(keys) = surroundings.keys else {
        stage.verdict = Verdict::Open;
        return stage.noted("the token itself is not judged: the issuer's keys are not known here (--keys)");
    };
    let judged = KeySet::read(keys).and_then(|keys| {
        let rule = AccessTokenRule {
            issuer: &configuration.issuer,
            audiences: &[&configuration.audience],
            algorithms: &configuration.allowed_algorithms()?,
            max_lifetime: configuration.max_token_lifetime_seconds,
            skew: configuration.clock_skew_seconds,
        };
        judge_access_token(token, &rule, &keys, surroundings.now, surroundings.verifier)
    });
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
    match check_scopes(token, &route.scopes) {
        Ok(()) => {
            stage.field("scope", token.scopes.to_string(), format!("has {}", route.scopes.join(" ")));
            stage
        }
        Err(Denial { refusal, .. }) => stage.refused(&refusal),
    }
}
