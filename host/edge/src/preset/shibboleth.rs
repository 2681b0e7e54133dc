//! Shibboleth IdP.
//!
//! Sources: "ProtocolsAndInterfaces" of the IdP's documentation (wiki.shibboleth.net) for the
//! SAML profiles, "OPProfileConfiguration" and the plugin's `conf/oidc.properties` for OpenID
//! Connect (`/profile/oidc/…`). `/idp/profile/admin` and `/idp/status` are for administrators.

use postern_endpoint::Method;

use super::{Endpoint, Preset, assets, document, form, page, page_with_form, saml, soap};
use crate::settings::Protocol;

/// Administrative flows.
pub(super) const NEVER: [&str; 3] = ["/profile/admin", "/status", "/profile/status"];

pub(super) fn preset(base: &str, protocols: &[Protocol]) -> Preset {
    let profile = format!("{base}/profile");
    let mut preset = Preset {
        endpoints: vec![page_with_form(format!("{profile}/Logout"))],
        assets: ["css", "images", "js"].map(|folder| assets(format!("{base}/{folder}/"))).into(),
        keys: Some(format!("{profile}/oidc/keyset")),
        ..Preset::default()
    };
    for protocol in protocols {
        preset.endpoints.extend(match protocol {
            Protocol::Saml2 => saml2(base, &profile),
            Protocol::Oidc => oidc(&profile),
            Protocol::Wsfed | Protocol::Openid2 | Protocol::Wstrust => Vec::new(),
        });
    }
    preset
}

/// The sign-in goes on at the path where the message arrived, with `execution=e1s1` in the query
/// and the login form as body: the decoder would refuse that, and is not put there.
fn saml2(base: &str, profile: &str) -> Vec<Endpoint> {
    let binding = |path: &str| saml(format!("{profile}/SAML2/{path}"), &["execution", "_eventId"]);
    vec![
        binding("Redirect/SSO"),
        binding("POST/SSO"),
        binding("POST-SimpleSign/SSO"),
        binding("Redirect/SLO"),
        binding("POST/SLO"),
        soap(format!("{profile}/SAML2/SOAP/ArtifactResolution")),
        soap(format!("{profile}/SAML2/SOAP/SLO")),
        document(format!("{base}/shibboleth")),
    ]
}

fn oidc(profile: &str) -> Vec<Endpoint> {
    let oidc = format!("{profile}/oidc");
    let mut userinfo = form(format!("{oidc}/userinfo"));
    userinfo.methods.insert(0, Method::Get);
    vec![
        document("/.well-known/openid-configuration"),
        page_with_form(format!("{oidc}/authorize")),
        form(format!("{oidc}/token")),
        userinfo,
        document(format!("{oidc}/keyset")),
        page(format!("{oidc}/logout")),
        form(format!("{profile}/oauth2/introspection")),
        form(format!("{profile}/oauth2/revocation")),
    ]
}
