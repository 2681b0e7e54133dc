//! WSO2 Identity Server.
//!
//! Sources: "Deployment pattern of WSO2 Identity Server in production" (`/commonauth`,
//! `/authenticationendpoint`, `/samlsso`, `/openid`, `/passivests`, `/oauth2`; the console never),
//! for the pages `identity-apps-core/apps/authentication-portal/src/main/webapp/WEB-INF/web.xml` of
//! wso2/identity-apps, and for OpenID Connect the discovery document that the product publishes
//! (WSO2 IS documentation, "Discover OpenID Connect endpoints"). Tenants: "Tenant-qualified URLs" of
//! the same documentation: the same paths below `/t/<tenant domain>/`.

use postern_endpoint::Method;
use postern_endpoint::never_public::SECURITY_TOKEN_SERVICE;

use postern_saml::Continuation;

use super::{Endpoint, Preset, assets, document, form, page, page_with_form, saml, soap};
use crate::settings::{Protocol, Wso2isSection};

/// Pages of `/authenticationendpoint` (web.xml), by file name without `.do`.
const PAGES: [&str; 20] = [
    "claims",
    "cookie_policy",
    "device",
    "device_success",
    "dynamic_prompt",
    "email_otp",
    "email_otp_error",
    "error",
    "handle-multiple-sessions",
    "idf-confirm",
    "login",
    "logout",
    "privacy_policy",
    "retry",
    "sms_otp",
    "sms_otp_error",
    "totp",
    "totp_enroll",
    "totp_error",
    "wait",
];

/// The parameter that names a tenant.
const TENANT: &str = "tenantDomain";

/// Where SAML messages arrive.
const SAML_SSO: &str = "/samlsso";

pub(super) fn preset(section: &Wso2isSection, protocols: &[Protocol]) -> Preset {
    let mut preset = of_the_super_tenant(protocols);
    let common = preset.clone();
    for tenant in &section.tenants {
        let below = |path: &str| format!("/t/{tenant}{path}");
        let own = common.endpoints.iter().filter(|endpoint| endpoint.path != SECURITY_TOKEN_SERVICE);
        preset
            .endpoints
            .extend(own.map(|endpoint| Endpoint { path: below(&endpoint.path), ..endpoint.clone() }));
        preset.assets.extend(common.assets.iter().map(|known| assets(below(&known.prefix))));
        preset.saml_paths.extend(common.saml_paths.iter().map(|path| below(path)));
        let continuations = common.continuations.iter();
        preset
            .continuations
            .extend(continuations.map(|known| Continuation { path: below(&known.path), ..known.clone() }));
    }
    if !section.tenants.is_empty() {
        // The flow of a tenant may come back to the path without one.
        for continuation in &mut preset.continuations {
            continuation.parameters.push(TENANT.into());
        }
        let judged = preset.endpoints.iter_mut();
        for endpoint in judged.filter(|endpoint| preset.saml_paths.contains(&endpoint.path)) {
            endpoint.query_parameters.push(TENANT.into());
        }
    }
    preset
}

fn of_the_super_tenant(protocols: &[Protocol]) -> Preset {
    let mut preset = Preset {
        endpoints: vec![page_with_form("/commonauth"), page("/logincontext")],
        assets: ["css", "extensions", "fonts", "images", "js", "libs"]
            .map(|folder| assets(format!("/authenticationendpoint/{folder}/")))
            .into(),
        keys: Some("/oauth2/jwks".into()),
        ..Preset::default()
    };
    preset.endpoints.extend(PAGES.map(|name| page(format!("/authenticationendpoint/{name}.do"))));
    if protocols.contains(&Protocol::Saml2) {
        preset.saml_paths = vec![SAML_SSO.into()];
        // After the sign-in `/commonauth` redirects to it.
        preset.continuations =
            vec![Continuation { path: SAML_SSO.into(), parameters: vec!["sessionDataKey".into()] }];
    }
    for protocol in protocols {
        preset.endpoints.extend(match protocol {
            Protocol::Saml2 => saml2(),
            Protocol::Oidc => oidc(),
            Protocol::Wsfed => wsfed(),
            Protocol::Openid2 => openid2(),
            // Public because it was asked for by name: the one service below /services.
            Protocol::Wstrust => vec![soap(SECURITY_TOKEN_SERVICE)],
        });
    }
    preset
}

fn saml2() -> Vec<Endpoint> {
    let mut endpoints = vec![
        saml(SAML_SSO, &["sessionDataKey", "spEntityID"]),
        soap("/samlartresolve"),
        document("/identity/metadata/saml2"),
    ];
    endpoints.extend(pages(&["samlsso_login", "samlsso_logout", "samlsso_notification", "samlsso_redirect"]));
    endpoints
}

fn oidc() -> Vec<Endpoint> {
    let mut userinfo = form("/oauth2/userinfo");
    userinfo.methods.insert(0, Method::Get);
    userinfo.max_query = 1_024;
    userinfo.query_parameters = vec!["schema".into()];
    let mut endpoints = vec![
        page_with_form("/oauth2/authorize"),
        form("/oauth2/token"),
        form("/oauth2/introspect"),
        form("/oauth2/revoke"),
        form("/oauth2/par"),
        form("/oauth2/device_authorize"),
        userinfo,
        document("/oauth2/jwks"),
        document("/oauth2/token/.well-known/openid-configuration"),
        document("/oauth2/oidcdiscovery/.well-known/openid-configuration"),
        page_with_form("/oidc/logout"),
        page("/oidc/checksession"),
    ];
    endpoints.extend(pages(&[
        "oauth2_authz",
        "oauth2_consent",
        "oauth2_error",
        "oauth2_login",
        "oauth2_logout",
        "oauth2_logout_consent",
    ]));
    endpoints
}

fn wsfed() -> Vec<Endpoint> {
    let mut sts = page_with_form("/passivests");
    sts.max_body = 98_304;
    let mut endpoints = vec![sts, document("/FederationMetadata/2007-06/FederationMetadata.xml")];
    endpoints.extend(pages(&["passivests_login"]));
    endpoints
}

fn openid2() -> Vec<Endpoint> {
    let mut endpoints = vec![page("/openid"), page_with_form("/openidserver")];
    endpoints.extend(pages(&["openid_login", "openid_profile"]));
    endpoints
}

fn pages(names: &[&str]) -> Vec<Endpoint> {
    names.iter().map(|name| page(format!("/authenticationendpoint/{name}.do"))).collect()
}
