//! What a route demands of a token beyond its being good: 401 when another token is needed, 403
//! when the token is good and its rights do not suffice (RFC 6750 section 3.1).

use super::bearer::{Denial, check_scopes, deny};
use super::route_configuration::{ClaimRule, Route};
use crate::access_token::AccessToken;
use crate::binding::is_bound_to_certificate;
use crate::json::Value;
use postern_refusal::Refusal;

/// Judges a good token at a route.
///
/// # Errors
/// `token.issuer.mismatch`, `token.lifetime.too-long` and `token.certificate.required` (401), `token.scope.insufficient`,
/// `token.client.not-allowed` and `token.claim.insufficient` (403).
pub fn check_route(token: &AccessToken, route: &Route) -> Result<(), Denial> {
    if !route.accepts(&token.issuer) {
        let refusal = Refusal::misbehaved("token.issuer.mismatch").at("iss");
        return Err(deny(refusal.expected(&route.issuers.join(", ")).found(&token.issuer)));
    }
    if let Some(longest) = route.max_token_lifetime_seconds
        && token.expires_at.saturating_sub(token.issued_at) > longest
    {
        let refusal = Refusal::misbehaved("token.lifetime.too-long").at("exp");
        let expected = format!("{longest} seconds after iat at most on this route");
        return Err(deny(refusal.expected(&expected).found(&token.expires_at.to_string())));
    }
    if route.require_certificate && !is_bound_to_certificate(token) {
        let refusal = Refusal::misbehaved("token.certificate.required").at("cnf");
        return Err(deny(refusal.expected("a token that is bound to its client's certificate")));
    }
    check_scopes(token, &route.scopes)?;
    if !route.clients.is_empty() && !route.clients.contains(&token.client_id) {
        let refusal = Refusal::misbehaved("token.client.not-allowed").at("client_id");
        return Err(forbid(refusal.expected("a client of the route").found(&token.client_id)));
    }
    route.claims.iter().try_for_each(|rule| check_claim(token, rule))
}

fn check_claim(token: &AccessToken, rule: &ClaimRule) -> Result<(), Denial> {
    let values: &[Value] = match rule.claim.find(&token.claims) {
        None => &[],
        Some(Value::Array(values)) => values,
        Some(value) => core::slice::from_ref(value),
    };
    let has = |wanted: &Value| values.contains(wanted);
    let holds = if rule.any_of.is_empty() {
        !rule.all_of.is_empty() && rule.all_of.iter().all(has)
    } else {
        rule.any_of.iter().any(has)
    };
    if holds {
        return Ok(());
    }
    let (which, wanted) =
        if rule.any_of.is_empty() { ("all of", &rule.all_of) } else { ("one of", &rule.any_of) };
    let wanted = wanted.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    // What the person has instead is nobody's business in a log.
    let refusal = Refusal::misbehaved("token.claim.insufficient").at(&rule.claim.to_string());
    Err(forbid(refusal.expected(&format!("{which} {wanted}"))))
}

fn forbid(refusal: Refusal) -> Denial {
    Denial {
        refusal: refusal.with_status(403),
        challenge: Some("Bearer error=\"insufficient_scope\"".to_owned()),
        dpop_nonce: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Claims;
    use crate::json::read_object;
    use crate::scope::Scopes;
    use crate::validator::RoutePath;

    fn token(claims: &str) -> AccessToken {
        AccessToken {
            issuer: "https://sso.example.com".into(),
            subject: "alice".into(),
            client_id: "shop".into(),
            scopes: Scopes::read("orders.read").unwrap(),
            audience: Vec::new(),
            token_id: None,
            issued_at: 1_000,
            expires_at: 1_300,
            grant: None,
            claims: Claims::new(read_object("claims", claims.as_bytes()).unwrap()),
        }
    }

    fn judge(route: &str, claims: &str) -> (&'static str, u16, Option<String>) {
        let mut json = r#"{"match":{"prefix":"/orders"}"#.to_owned();
        json.push_str(route);
        json.push('}');
        let route: Route = serde_json::from_str(&json).unwrap();
        route.check("route").unwrap();
        assert_eq!(route.path, RoutePath::Prefix("/orders".into()));
        match check_route(&token(claims), &route) {
            Ok(()) => ("accepted", 200, None),
            Err(denial) => (denial.refusal.code, denial.refusal.status, denial.challenge),
        }
    }

    const ROLES: &str = r#"{"realm_access":{"roles":["ops","audit"]},"tier":3,"member":true,"a/b":"c"}"#;

    #[test]
    fn nested_and_array_claims() {
        for (rule, holds) in [
            (r#"{"claim":["realm_access","roles"],"any_of":["admin","ops"]}"#, true),
            (r#"{"claim":["realm_access","roles"],"all_of":["audit","ops"]}"#, true),
            (r#"{"claim":["realm_access","roles"],"all_of":["audit","admin"]}"#, false),
            (r#"{"claim":["realm_access","roles"],"any_of":["op"]}"#, false),
            (r#"{"claim":["realm_access"],"any_of":["ops"]}"#, false),
            (r#"{"claim":["realm_access","roles","0"],"any_of":["ops"]}"#, false),
            (r#"{"claim":"realm_access/roles","any_of":["ops"]}"#, false),
            (r#"{"claim":"a/b","any_of":["c"]}"#, true),
            (r#"{"claim":"tier","any_of":[3]}"#, true),
            (r#"{"claim":"tier","any_of":["3"]}"#, false),
            (r#"{"claim":"member","all_of":[true]}"#, true),
            (r#"{"claim":"absent","all_of":["x"]}"#, false),
        ] {
            let (code, status, challenge) = judge(&format!(r#","claims":[{rule}]"#), ROLES);
            if holds {
                assert_eq!(code, "accepted", "{rule}");
            } else {
                assert_eq!((code, status), ("token.claim.insufficient", 403), "{rule}");
                assert_eq!(challenge.as_deref(), Some("Bearer error=\"insufficient_scope\""));
            }
        }
    }

    #[test]
    fn issuers_clients_and_lifetimes_of_a_route() {
        assert_eq!(judge(r#","issuers":["https://sso.example.com"]"#, "{}").0, "accepted");
        let (code, status, challenge) = judge(r#","issuers":["https://other.example.com"]"#, "{}");
        assert_eq!((code, status), ("token.issuer.mismatch", 401));
        assert_eq!(challenge.as_deref(), Some("Bearer error=\"invalid_token\""));
        assert_eq!(judge(r#","clients":["shop"]"#, "{}").0, "accepted");
        let (code, status, _) = judge(r#","clients":["Shop","shop2"]"#, "{}");
        assert_eq!((code, status), ("token.client.not-allowed", 403));
        assert_eq!(judge(r#","max_token_lifetime_seconds":300"#, "{}").0, "accepted");
        let (code, status, _) = judge(r#","max_token_lifetime_seconds":299"#, "{}");
        assert_eq!((code, status), ("token.lifetime.too-long", 401));
        let (code, status, _) = judge(r#","require_certificate":true"#, r#"{"cnf":{"jkt":"a"}}"#);
        assert_eq!((code, status), ("token.certificate.required", 401));
        assert_eq!(judge(r#","require_certificate":true"#, r#"{"cnf":{"x5t#S256":"a"}}"#).0, "accepted");
        let (code, status, _) = judge(r#","scopes":["orders.write"]"#, "{}");
        assert_eq!((code, status), ("token.scope.insufficient", 403));
    }
}
