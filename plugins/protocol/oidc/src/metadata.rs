//! Discovery: OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2, one document.

use postern_oauth::ASSERTION_ALGORITHMS;
use postern_signature::Algorithm;
use serde_json::{Value, json};

/// Algorithms that we sign with.
pub const SIGNING_ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

/// Paths of the endpoints, as WSO2 Identity Server has them.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named as in the specifications")]
pub struct Endpoints {
    pub authorization: &'static str,
    pub token: &'static str,
    pub userinfo: &'static str,
    pub introspection: &'static str,
    pub revocation: &'static str,
    pub jwks: &'static str,
    pub end_session: &'static str,
    pub openid_configuration: &'static str,
    pub authorization_server: &'static str,
}

/// The one table of paths.
pub const ENDPOINTS: Endpoints = Endpoints {
    authorization: "/oauth2/authorize",
    token: "/oauth2/token",
    userinfo: "/oauth2/userinfo",
    introspection: "/oauth2/introspect",
    revocation: "/oauth2/revoke",
    jwks: "/oauth2/jwks",
    end_session: "/oidc/logout",
    openid_configuration: "/.well-known/openid-configuration",
    authorization_server: "/.well-known/oauth-authorization-server",
};

/// The document as JSON.
pub fn metadata(issuer: &str) -> String {
    let url = |path: &str| Value::from(format!("{issuer}{path}"));
    let names = |algorithms: &[Algorithm]| -> Value {
        algorithms.iter().map(|algorithm| algorithm.jwa_name()).collect::<Vec<_>>().into()
    };
    let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let methods_and_none = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
    let assertion_algorithms = names(&ASSERTION_ALGORITHMS);
    json!({
        "issuer": issuer,
        "authorization_endpoint": url(ENDPOINTS.authorization),
        "token_endpoint": url(ENDPOINTS.token),
        "userinfo_endpoint": url(ENDPOINTS.userinfo),
        "introspection_endpoint": url(ENDPOINTS.introspection),
        "revocation_endpoint": url(ENDPOINTS.revocation),
        "jwks_uri": url(ENDPOINTS.jwks),
        "end_session_endpoint": url(ENDPOINTS.end_session),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": names(&SIGNING_ALGORITHMS),
        "token_endpoint_auth_methods_supported": methods_and_none,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "revocation_endpoint_auth_methods_supported": methods_and_none,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "sub", "iss", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "sid",
            "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile",
            "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at", "email",
            "email_verified",
        ],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // Left out it would mean true (Discovery section 3).
        "request_uri_parameter_supported": false,
    })
    .to_string()
}
