//! Keycloak, each public realm by its name.
//!
//! Sources: the guide "Configuring a reverse proxy", section "Exposed path recommendations"
//! (keycloak.org/server/reverseproxy: `/realms/` and `/resources/` are public, `/admin/`,
//! `/metrics` and `/health` are not), and for the paths below a realm the resources
//! `OIDCLoginProtocolService`, `SamlService`, `LoginActionsService`, `IdentityBrokerService` and
//! `RealmsResource` of its repository. That guide opens all of `/realms/`; here the account
//! console, the client registration and what lies in other realms stay closed.
//!
//! `reset-credentials` is open only where it is named: `LoginActionsService.resetCredentialsGET` begins a
//! sign-in there for whatever `client_id` and registered `redirect_uri` the query has
//! (`createAuthenticationSessionForClient`: response type code; no state, nonce or code challenge), when the
//! browser has no session of a sign-in and the query neither `session_code` nor `client_data`. That is no
//! authorization request, and can't be judged as one.

use postern_endpoint::Method;

use super::{Endpoint, Preset, assets, document, form, page, page_with_form, saml};
use crate::settings::{KeycloakSection, Protocol};

/// Management: the console and its API, and what belongs to the management port. The master realm
/// is the administrators'.
pub(super) const NEVER: [&str; 5] = ["/admin", "/management", "/realms/master", "/q", "/lb-check"];

pub(super) fn preset(section: &KeycloakSection, protocols: &[Protocol]) -> Preset {
    let base = &section.path;
    let mut preset = Preset {
        // Themes: `/resources/<version>/login/<theme>/…` and `/resources/<version>/common/…`.
        assets: vec![assets(format!("{base}/resources/"))],
        ..Preset::default()
    };
    for realm in &section.realms {
        let realm = format!("{base}/realms/{realm}");
        preset.endpoints.extend(sign_on(&realm));
        if section.reset_credentials {
            preset.endpoints.push(page_with_form(format!("{realm}/login-actions/reset-credentials")));
        }
        for alias in &section.identity_providers {
            preset.endpoints.extend(broker(&realm, alias));
        }
        for protocol in protocols {
            match protocol {
                Protocol::Saml2 => {
                    let path = format!("{realm}/protocol/saml");
                    preset.endpoints.push(saml(path.clone(), &[]));
                    preset.endpoints.push(document(format!("{path}/descriptor")));
                    preset.unjudged_paths.push(format!("{path}/descriptor"));
                    // Sign-on that begins here carries no message: `SamlService.idpInitiatedSSO`.
                    for name in &section.idp_initiated {
                        let path = format!("{path}/clients/{name}");
                        preset.endpoints.push(page_of(path.clone(), &["RelayState"]));
                        preset.unjudged_paths.push(path);
                    }
                    // `ArtifactResolutionService` of its repository.
                    preset.artifact_paths.push(format!("{path}/resolve"));
                    preset.saml_paths.push(path);
                }
                Protocol::Oidc => {
                    preset.authorization_paths.push(format!("{realm}/protocol/openid-connect/auth"));
                    preset.endpoints.extend(oidc(&realm));
                }
                Protocol::Wsfed | Protocol::Openid2 | Protocol::Wstrust => {}
            }
        }
    }
    // One realm has one set of keys; with several, the file says which.
    if let [realm] = section.realms.as_slice() {
        preset.keys = Some(format!("{base}/realms/{realm}/protocol/openid-connect/certs"));
    }
    preset
}

/// The pages that people see, whatever the protocol (`LoginActionsService`).
fn sign_on(realm: &str) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = [
        "authenticate",
        "registration",
        "required-action",
        "action-token",
        "consent",
        "first-broker-login",
        "post-broker-login",
        "detached-info",
    ]
    .iter()
    .map(|action| page_with_form(format!("{realm}/login-actions/{action}")))
    .collect();
    endpoints.push(page(format!("{realm}/login-actions/restart")));
    // The page asks whether the sign-in went on in another tab.
    endpoints.push(page(format!("{realm}/login-actions/detached")));
    endpoints
}

/// `OIDCLoginProtocolService`.
fn oidc(realm: &str) -> Vec<Endpoint> {
    let protocol = format!("{realm}/protocol/openid-connect");
    vec![
        document(format!("{realm}/.well-known/openid-configuration")),
        document(format!("{protocol}/certs")),
        page_with_form(format!("{protocol}/auth")),
        page_with_form(format!("{protocol}/logout")),
        page_with_form(format!("{protocol}/logout/logout-confirm")),
        form(format!("{protocol}/token")),
        form(format!("{protocol}/token/introspect")),
        form(format!("{protocol}/revoke")),
        form(format!("{protocol}/ext/par/request")),
        endpoint_for_tokens(format!("{protocol}/userinfo")),
        // The session management frame and the cookie probe of keycloak.js.
        page(format!("{protocol}/login-status-iframe.html")),
        page(format!("{protocol}/login-status-iframe.html/init")),
        page(format!("{protocol}/3p-cookies/step1.html")),
        page(format!("{protocol}/3p-cookies/step2.html")),
    ]
}

/// GET with these parameters.
fn page_of(path: String, parameters: &[&str]) -> Endpoint {
    let query_parameters = parameters.iter().map(|name| (*name).to_owned()).collect();
    Endpoint { max_query: 2_048, query_parameters, ..document(path) }
}

fn endpoint_for_tokens(path: String) -> Endpoint {
    Endpoint { methods: vec![Method::Get, Method::Post], ..form(path) }
}

/// Sign-in at another identity provider and back (`IdentityBrokerService`).
fn broker(realm: &str, alias: &str) -> Vec<Endpoint> {
    let broker = format!("{realm}/broker/{alias}");
    let mut back = page_with_form(format!("{broker}/endpoint"));
    back.max_body = 262_144;
    vec![page(format!("{broker}/login")), back]
}
