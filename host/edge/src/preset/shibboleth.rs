//! Shibboleth IdP.
//!
//! Sources: "ProtocolsAndInterfaces" of the IdP's documentation (wiki.shibboleth.net) for the
//! SAML profiles, "OPProfileConfiguration" and the plugin's `conf/oidc.properties` for OpenID
//! Connect (`/profile/oidc/…`). `/idp/profile/admin` and `/idp/status` are for administrators.
//!
//! The sign-on goes on at the path where the message arrived, with `execution=e1s1` in the query (Spring
//! Web Flow) and forms as bodies. Their fields are those of the views of the IdP (`login.vm`,
//! `client-storage/client-storage-*.vm` with the names that `local-storage-*.js` posts, `intercept/*.vm`,
//! `duo.vm`, `logout.vm`; read in the mirror mmoayyed/java-identity-provider, `idp-conf/…/views`);
//! `csrf_token` came with version 4. Other views: `shibboleth.login_fields`.
//!
//! The profiles `POST-SimpleSign` and SOAP are closed: nobody judges their messages here.

use postern_endpoint::Method;

use postern_saml::ContinuationForm;

use super::{Endpoint, Preset, assets, document, form, form_of, page, page_with_form, saml, texts};
use crate::settings::{Protocol, ShibbolethSection};

/// Administrative flows.
pub(super) const NEVER: [&str; 3] = ["/profile/admin", "/status", "/profile/status"];

/// What the query of a flow has: `_eventId_proceed` and `_eventId` of links and frames in its pages.
const FLOW: [&str; 3] = ["execution", "_eventId_proceed", "_eventId"];

/// Where messages arrive that are judged.
const JUDGED: [&str; 4] = ["Redirect/SSO", "POST/SSO", "Redirect/SLO", "POST/SLO"];

pub(super) fn preset(section: &ShibbolethSection, protocols: &[Protocol]) -> Preset {
    let base = section.path.as_str();
    let profile = format!("{base}/profile");
    let mut preset = Preset {
        endpoints: vec![page_with_form(format!("{profile}/Logout"))],
        assets: ["css", "images", "js"].map(|folder| assets(format!("{base}/{folder}/"))).into(),
        keys: Some(format!("{profile}/oidc/keyset")),
        consumer_paths: vec![format!("{profile}/Authn/SAML2/POST/SSO")],
        ..Preset::default()
    };
    let flow = |path: &str| form_of(path, &FLOW, login_forms(&section.login_fields));
    for protocol in protocols {
        match protocol {
            Protocol::Saml2 => {
                preset.saml_paths = JUDGED.map(|path| format!("{profile}/SAML2/{path}")).into();
                let judged = preset.saml_paths.iter();
                preset.continuations = judged.clone().map(|path| flow(path)).collect();
                preset.endpoints.extend(judged.map(|path| saml(path.clone(), &FLOW)));
                preset.endpoints.push(document(format!("{base}/shibboleth")));
                preset.artifact_paths = vec![format!("{profile}/SAML2/SOAP/ArtifactResolution")];
            }
            Protocol::Oidc => {
                let authorize = format!("{profile}/oidc/authorize");
                preset.authorization_continuations = vec![flow(&authorize)];
                preset.authorization_paths = vec![authorize];
                preset.endpoints.extend(oidc(&profile));
            }
            Protocol::Wsfed | Protocol::Openid2 | Protocol::Wstrust => {}
        }
    }
    preset
}

/// Every form of a sign-on, in one list: which of them comes is not known here.
fn login_forms(further: &[String]) -> ContinuationForm {
    let stored = ["exception", "success", "value"].map(|kind| {
        ["shib_idp_session_ss", "shib_idp_persistent_ss"].map(|key| format!("shib_idp_ls_{kind}.{key}"))
    });
    let mut fields = texts(&[
        "csrf_token",
        "j_username",
        "j_password",
        "donotcache",
        "_shib_idp_revokeConsent",
        "_shib_idp_consentOptions",
        "_eventId",
        "_eventId_proceed",
        "_eventId_AttributeReleaseRejected",
        "_eventId_TermsRejected",
        "shib_idp_ls_supported",
    ]);
    fields.extend(stored.into_iter().flatten());
    fields.extend(further.iter().cloned());
    ContinuationForm { fields, repeated: texts(&["_shib_idp_consentIds"]), numbered: Vec::new() }
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
