//! The endpoints: host and DMZ let through what stands here, and nothing else.

use crate::bindings::protocol::Description;
use crate::bindings::types::{Algorithm, Audience, Endpoint, Method};
use postern_oidc::ENDPOINTS;

const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters of an authorization request. Others are ignored (RFC 6749 section 3.1).
const AUTHORIZATION_PARAMETERS: [&str; 22] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "response_mode",
    "nonce",
    "display",
    "prompt",
    "max_age",
    "ui_locales",
    "claims_locales",
    "claims",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
    "resource",
];

const LOGOUT_PARAMETERS: [&str; 6] =
    ["id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

pub(crate) fn describe() -> Description {
    Description {
        name: "oidc".to_owned(),
        title: "OpenID Connect".to_owned(),
        endpoints: vec![
            browser(ENDPOINTS.authorization, &AUTHORIZATION_PARAMETERS),
            browser(ENDPOINTS.end_session, &LOGOUT_PARAMETERS),
            form_post(ENDPOINTS.token),
            form_post(ENDPOINTS.introspection),
            form_post(ENDPOINTS.revocation),
            Endpoint {
                // Clients of WSO2 Identity Server send `?schema=openid`, which says nothing here.
                max_query: 64,
                query_parameters: vec!["schema".to_owned()],
                ..machine(ENDPOINTS.userinfo, vec![Method::Get, Method::Post])
            },
            machine(ENDPOINTS.jwks, vec![Method::Get]),
            machine(ENDPOINTS.openid_configuration, vec![Method::Get]),
            machine(ENDPOINTS.authorization_server, vec![Method::Get]),
        ],
        signing: vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
        // What the token-validator judges authorization requests by.
        edge_fields: [
            "client_id",
            "redirect_uris",
            "scope",
            "token_endpoint_auth_method",
            "require_pkce",
            "require_state",
            "require_nonce",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn browser(path: &str, parameters: &[&str]) -> Endpoint {
    Endpoint {
        methods: vec![Method::Get, Method::Post],
        content_types: vec![FORM.to_owned()],
        max_body: 32 * 1024,
        // An ID token as a hint is the largest part.
        max_query: 16 * 1024,
        query_parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
        ignores_other_parameters: true,
        audience: Audience::Browser,
        ..machine(path, Vec::new())
    }
}

fn form_post(path: &str) -> Endpoint {
    Endpoint {
        content_types: vec![FORM.to_owned()],
        max_body: 32 * 1024,
        ..machine(path, vec![Method::Post])
    }
}

fn machine(path: &str, methods: Vec<Method>) -> Endpoint {
    Endpoint {
        path: path.to_owned(),
        methods,
        content_types: Vec::new(),
        max_body: 0,
        max_query: 0,
        query_parameters: Vec::new(),
        ignores_other_parameters: false,
        audience: Audience::Machine,
    }
}
