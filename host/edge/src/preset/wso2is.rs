//! WSO2 Identity Server.
//!
//! Sources: "Deployment pattern of WSO2 Identity Server in production" (`/commonauth`,
//! `/authenticationendpoint`, `/samlsso`, `/openid`, `/passivests`, `/oauth2`; the console never),
//! for the pages `identity-apps-core/apps/authentication-portal/src/main/webapp/WEB-INF/web.xml` of
//! wso2/identity-apps, and for OpenID Connect the discovery document that the product publishes
//! (WSO2 IS documentation, "Discover OpenID Connect endpoints"). Tenants: "Tenant-qualified URLs" of
//! the same documentation: the same paths below `/t/<tenant domain>/`.
//!
//! What comes back to the paths of messages, in the product's repositories:
//! - `DefaultAuthenticationRequestHandler.sendResponse` and `DefaultLogoutRequestHandler.sendResponse` of
//!   wso2/carbon-identity-framework redirect to the caller's path with `sessionDataKey`, and with
//!   `chkRemember=on` when that box was ticked on the login page. Callers are `SAMLSSOProviderServlet`
//!   (wso2-extensions/identity-inbound-auth-saml), `PassiveSTS` (identity-inbound-auth-sts) and
//!   `OAuth2AuthzEndpoint` (identity-inbound-auth-oauth).
//! - The login page of the same repository: `init-loginform-action-url.jsp` has it post to `/samlsso` when the
//!   sign-on began there, `basicauth.jsp` with the field `tocommonauth` at `/samlsso` and `/oauth2/authorize`.
//! - The consent pages `oauth2_authz.jsp` and `oauth2_consent.jsp` (wso2/identity-apps) post to
//!   `/oauth2/authorize`.
//! - `tenantDomain`: `SAMLSSOProviderServlet.handleRequest` and `PassiveSTS` read it as a parameter beside
//!   the message where the path names no tenant.
//! - `spQualifier`: `SAMLSSOProviderServlet.handleRequest` reads it beside every message
//!   (`SAMLSSOConstants.INBOUND_ISSUER_QUALIFIER`), and `SAMLSSOUtil.getIssuerWithQualifier` makes the
//!   registered name of it.
//! - `/commonauth` takes the Responses of federated identity providers (`SAMLSSOAuthenticator` of
//!   identity-outbound-auth-samlsso) and the forms of its login pages.

use postern_endpoint::Method;
use postern_endpoint::never_public::SECURITY_TOKEN_SERVICE;

use postern_saml::{Continuation, ContinuationForm, IssuerQualifier};

use super::{Endpoint, Preset, assets, document, form, form_of, page, page_with_form, saml, soap, texts};
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

/// The tenant that is always there, whose paths have no `/t/`.
const SUPER_TENANT: &str = "carbon.super";
/// Parameters with which the authentication framework comes back.
const RESUMED: [&str; 2] = ["sessionDataKey", "chkRemember"];
/// Where SAML messages arrive.
const SAML_SSO: &str = "/samlsso";
/// Where requests of WS-Federation arrive.
const PASSIVE_STS: &str = "/passivests";
/// Where authorization requests arrive.
const AUTHORIZE: &str = "/oauth2/authorize";

pub(super) fn preset(section: &Wso2isSection, protocols: &[Protocol]) -> Preset {
    let mut preset = of_the_super_tenant(protocols, &section.login_fields);
    let common = preset.clone();
    for tenant in &section.tenants {
        let below = |path: &str| format!("/t/{tenant}{path}");
        let own = common.endpoints.iter().filter(|endpoint| endpoint.path != SECURITY_TOKEN_SERVICE);
        preset
            .endpoints
            .extend(own.map(|endpoint| Endpoint { path: below(&endpoint.path), ..endpoint.clone() }));
        preset.assets.extend(common.assets.iter().map(|known| assets(below(&known.prefix))));
        for (all, own) in [
            (&mut preset.saml_paths, &common.saml_paths),
            (&mut preset.wsfed_paths, &common.wsfed_paths),
            (&mut preset.artifact_paths, &common.artifact_paths),
            (&mut preset.consumer_paths, &common.consumer_paths),
            (&mut preset.authorization_paths, &common.authorization_paths),
        ] {
            all.extend(own.iter().map(|path| below(path)));
        }
        for (all, own) in [
            (&mut preset.continuations, &common.continuations),
            (&mut preset.authorization_continuations, &common.authorization_continuations),
        ] {
            all.extend(own.iter().map(|known| Continuation { path: below(&known.path), ..known.clone() }));
        }
    }
    if !section.tenants.is_empty() {
        preset.tenant_parameter = Some(TENANT.into());
        preset.tenants = [&[SUPER_TENANT.to_owned()], section.tenants.as_slice()].concat();
        let judged = preset.endpoints.iter_mut();
        for endpoint in judged.filter(|endpoint| preset.saml_paths.contains(&endpoint.path)) {
            endpoint.query_parameters.push(TENANT.into());
        }
    }
    preset
}

fn of_the_super_tenant(protocols: &[Protocol], login_fields: &[String]) -> Preset {
    let mut preset = Preset {
        endpoints: vec![page_with_form("/commonauth"), page("/logincontext")],
        assets: ["css", "extensions", "fonts", "images", "js", "libs"]
            .map(|folder| assets(format!("/authenticationendpoint/{folder}/")))
            .into(),
        keys: Some("/oauth2/jwks".into()),
        consumer_paths: vec!["/commonauth".into()],
        consumer_serves_other_forms: true,
        ..Preset::default()
    };
    preset.endpoints.extend(PAGES.map(|name| page(format!("/authenticationendpoint/{name}.do"))));
    if protocols.contains(&Protocol::Saml2) {
        preset.saml_paths = vec![SAML_SSO.into()];
        preset.continuations.push(Continuation::get(SAML_SSO, &RESUMED));
        preset.continuations.push(form_of(SAML_SSO, &[], login(login_fields)));
        preset.artifact_paths = vec!["/samlartresolve".into()];
        preset.issuer_qualifier = Some(IssuerQualifier::wso2is());
    }
    if protocols.contains(&Protocol::Wsfed) {
        preset.wsfed_paths = vec![PASSIVE_STS.into()];
        preset.continuations.push(Continuation::get(PASSIVE_STS, &RESUMED));
    }
    if protocols.contains(&Protocol::Oidc) {
        preset.authorization_paths = vec![AUTHORIZE.into()];
        preset.authorization_continuations = vec![
            Continuation::get(AUTHORIZE, &RESUMED),
            form_of(AUTHORIZE, &[], login(login_fields)),
            form_of(AUTHORIZE, &[], consent()),
        ];
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

/// The login page of a sign-on that began with a SAML message, in some releases with any, is posted to the path
/// of the message; `tocommonauth` tells it from one.
fn login(further: &[String]) -> ContinuationForm {
    let own = texts(&[
        "tocommonauth",
        "sessionDataKey",
        "usernameUserInput",
        "username",
        "password",
        "authType",
        "chkRemember",
        "g-recaptcha-response",
    ]);
    ContinuationForm { fields: [own, further.to_vec()].concat(), ..ContinuationForm::default() }
}

/// The consent pages. Older ones have `hasApprovedAlways`; each claim has a box with its number.
fn consent() -> ContinuationForm {
    ContinuationForm {
        fields: texts(&[
            "sessionDataKeyConsent",
            "consent",
            "scope-approval",
            "hasApprovedAlways",
            "user_claims_consent",
            "consent_select_all",
        ]),
        repeated: Vec::new(),
        numbered: texts(&["consent_"]),
    }
}

fn saml2() -> Vec<Endpoint> {
    let mut endpoints = vec![
        saml(SAML_SSO, &["sessionDataKey", "chkRemember", "spEntityID", "spQualifier"]),
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
        page_with_form(AUTHORIZE),
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
    let mut sts = page_with_form(PASSIVE_STS);
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
