//! The public endpoints of identity providers, by name. Each list says where it is from.

mod keycloak;
mod shibboleth;
mod wso2is;

use postern_endpoint::never_public::NEVER_PUBLIC;
use postern_endpoint::{Assets, Endpoint, Method};

use postern_saml::{Continuation, ContinuationForm, IssuerQualifier};

use crate::policy::Behind;
use crate::settings::EdgeFile;

/// The media type of HTML forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// What a product offers to the public.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preset {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) assets: Vec<Assets>,
    /// Where SAML messages arrive that the decoder can judge.
    pub(crate) saml_paths: Vec<String>,
    /// Paths of their own below these.
    pub(crate) unjudged_paths: Vec<String>,
    /// How the product's own sign-on flow comes back to them.
    pub(crate) continuations: Vec<Continuation>,
    /// Where requests of WS-Federation arrive.
    pub(crate) wsfed_paths: Vec<String>,
    /// Where artifacts are resolved. Open only where that is judged.
    pub(crate) artifact_paths: Vec<String>,
    /// Where Responses of federated identity providers arrive, and whether other forms do too.
    pub(crate) consumer_paths: Vec<String>,
    pub(crate) consumer_serves_other_forms: bool,
    /// The parameter that names a tenant beside a message, and the public tenants.
    pub(crate) tenant_parameter: Option<String>,
    pub(crate) tenants: Vec<String>,
    /// The parameter that chooses among registrations of one SAML issuer.
    pub(crate) issuer_qualifier: Option<IssuerQualifier>,
    /// Authorization endpoints of OpenID Connect.
    pub(crate) authorization_paths: Vec<String>,
    /// How the product's own sign-on flow comes back to them.
    pub(crate) authorization_continuations: Vec<Continuation>,
    /// Where the published keys are.
    pub(crate) keys: Option<String>,
}

/// The list for what the file says.
pub(crate) fn of(file: &EdgeFile) -> Preset {
    let mut preset = by_product(file);
    let asked = file.saml.artifact_resolution.as_ref();
    // Where nobody judges it, it is closed.
    if asked.is_some_and(|section| section.paths.is_empty()) {
        let paths = preset.artifact_paths.clone();
        preset.endpoints.extend(paths.into_iter().map(soap));
    }
    preset
}

fn by_product(file: &EdgeFile) -> Preset {
    match file.behind {
        Behind::Wso2is => wso2is::preset(&file.wso2is, &file.protocols),
        Behind::Keycloak => file
            .keycloak
            .as_ref()
            .map(|section| keycloak::preset(section, &file.protocols))
            .unwrap_or_default(),
        Behind::Shibboleth => shibboleth::preset(&file.shibboleth, &file.protocols),
        Behind::Endpoints => Preset { saml_paths: file.saml.paths.clone(), ..Preset::default() },
        Behind::Postern => Preset::default(),
    }
}

/// What of the product's management the path is at or below, if any: no policy can expose it.
pub(crate) fn never_public(behind: Behind, path: &str) -> Option<&'static str> {
    let own: &[&'static str] = match behind {
        Behind::Keycloak => &keycloak::NEVER,
        Behind::Shibboleth => &shibboleth::NEVER,
        _ => &[],
    };
    // The one exception of the list, by exactly its name: the WS-Trust service of WSO2.
    if path == postern_endpoint::never_public::SECURITY_TOKEN_SERVICE {
        return None;
    }
    own.iter().chain(NEVER_PUBLIC.iter()).copied().find(|never| {
        // The names of management also lie below a product's base path (`/auth/admin`).
        path.to_ascii_lowercase().match_indices(never).any(|(at, _)| {
            let base = path.get(..at).unwrap_or_default();
            let rest = path.get(at.saturating_add(never.len())..).unwrap_or_default();
            let is_base =
                at == 0 || (own.contains(never) && !base.get(1..).unwrap_or_default().contains('/'));
            is_base && (rest.is_empty() || rest.starts_with('/'))
        })
    })
}

/// GET without a query: metadata, keys.
fn document(path: impl Into<String>) -> Endpoint {
    endpoint(path.into(), &[Method::Get])
}

/// GET with any query: a page that reads parameters which differ from release to release.
fn page(path: impl Into<String>) -> Endpoint {
    Endpoint { max_query: 8_192, ignores_other_parameters: true, ..endpoint(path.into(), &[Method::Get]) }
}

/// GET and POST of a form, with any query.
fn page_with_form(path: impl Into<String>) -> Endpoint {
    let with_form = form(path);
    Endpoint {
        methods: vec![Method::Get, Method::Post],
        max_query: 16_384,
        ignores_other_parameters: true,
        ..with_form
    }
}

/// POST of a form, without a query.
fn form(path: impl Into<String>) -> Endpoint {
    Endpoint { content_types: vec![FORM.into()], max_body: 65_536, ..endpoint(path.into(), &[Method::Post]) }
}

/// SAML messages by HTTP-Redirect and HTTP-POST (saml-bindings-2.0-os sections 3.4 and 3.5), with
/// further parameters of the product.
fn saml(path: impl Into<String>, further: &[&str]) -> Endpoint {
    let names = ["SAMLRequest", "SAMLResponse", "SAMLEncoding", "RelayState", "SigAlg", "Signature"];
    Endpoint {
        methods: vec![Method::Get, Method::Post],
        max_body: 98_304,
        max_query: 16_384,
        query_parameters: names.iter().chain(further).map(|name| (*name).to_owned()).collect(),
        ..form(path)
    }
}

/// A form of the product's own flow at a path.
fn form_of(path: &str, parameters: &[&str], form: ContinuationForm) -> Continuation {
    Continuation { form: Some(form), ..Continuation::get(path, parameters) }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// SOAP (saml-bindings-2.0-os section 3.2).
fn soap(path: impl Into<String>) -> Endpoint {
    Endpoint { content_types: vec!["text/xml".into()], ..form(path) }
}

fn endpoint(path: String, methods: &[Method]) -> Endpoint {
    Endpoint {
        path,
        methods: methods.to_vec(),
        content_types: Vec::new(),
        max_body: 0,
        max_query: 0,
        query_parameters: Vec::new(),
        ignores_other_parameters: false,
        posted_query_parameters: None,
    }
}

fn assets(prefix: impl Into<String>) -> Assets {
    Assets { prefix: prefix.into() }
}

#[cfg(test)]
mod tests;
