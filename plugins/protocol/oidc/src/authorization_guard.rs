//! Authorization requests at the edge, by the rules of the LAN: what needs neither keys nor state.

use std::collections::BTreeMap;

use crate::authentication_request::AuthenticationRequest;
use postern_form::{Continuation, Form};
use postern_jose::json::{Object, Value};
use postern_jose::validator::RoutePath;
use postern_oauth::{AuthorizationClient, AuthorizationRequest, client_id, unknown_client};
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Largest body of an authorization request, in bytes.
pub const MAX_AUTHORIZATION_BODY: usize = 65_536;

/// Most clients: with the length of their fields a bound on the memory.
const MAX_CLIENTS: usize = 10_000;

/// Parameters that make a request an authorization request, or change one (OAuth 2.0 and OpenID Connect).
const PARAMETERS: [&str; 13] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "request",
    "request_uri",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "claims",
];

/// The member of the filter's configuration.
const MEMBER: &str = "authorization";

/// The parameters of a request that a browser sends: the query of a GET, the body of a POST
/// (OpenID Connect Core section 3.1.2.1), never both.
///
/// # Errors
/// `oidc.query.unexpected`, `oidc.body.unexpected` and the `form.…` codes.
pub fn browser_parameters<'a>(post: bool, query: &'a [u8], body: &'a [u8]) -> Result<Form<'a>, Refusal> {
    match post {
        false if body.is_empty() => Form::parse(query),
        false => Err(unexpected_body()),
        true if query.is_empty() => Form::parse(body),
        true => Err(Refusal::misbehaved("oidc.query.unexpected")
            .at("query")
            .expected("all parameters in the body of a POST")),
    }
}

/// A GET has its parameters in the query. Servers differ in whether they read a body that comes with it.
pub fn unexpected_body() -> Refusal {
    Refusal::misbehaved("oidc.body.unexpected").at("body").expected("none with a GET")
}

/// Which requests are authorization requests, and who may make them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationGuard {
    paths: Vec<RoutePath>,
    clients: BTreeMap<String, AuthorizationClient>,
    continuations: Vec<Continuation>,
}

/// The guard as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    paths: Vec<String>,
    clients: Vec<AuthorizationClient>,
    /// Requests of the identity provider's own flow: it comes back to the path where it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    continuations: Vec<Continuation>,
}

impl AuthorizationGuard {
    /// A guard of these paths, such as `/oauth2/authorize`.
    ///
    /// # Errors
    /// `oidc.authorization-guard.invalid`, and those of [`AuthorizationClient::check`].
    pub fn new(paths: Vec<String>, clients: Vec<AuthorizationClient>) -> Result<Self, Refusal> {
        let demand = |field: &str, expected: &str, holds: bool| {
            if holds { Ok(()) } else { Err(invalid(field, expected)) }
        };
        let absolute = |path: &String| path.starts_with('/') && path.len() <= 2_048 && path.is_ascii();
        let paths_are_good = (1..=16).contains(&paths.len()) && paths.iter().all(absolute);
        demand("authorization.paths", "1 to 16 absolute paths", paths_are_good)?;
        demand("authorization.clients", "10,000 at most", clients.len() <= MAX_CLIENTS)?;
        let mut by_id = BTreeMap::new();
        for client in clients {
            client.check()?;
            if let Some(twice) = by_id.insert(client.client_id.clone(), client) {
                return Err(invalid("authorization.clients", "each client once").found(&twice.client_id));
            }
        }
        let paths = paths.into_iter().map(RoutePath::Exact).collect();
        Ok(Self { paths, clients: by_id, continuations: Vec::new() })
    }

    /// The same before an identity provider whose own flow comes back to these paths.
    ///
    /// # Errors
    /// `oidc.authorization-guard.invalid`.
    pub fn with_continuations(self, continuations: Vec<Continuation>) -> Result<Self, Refusal> {
        let is_own = |path: &str| {
            self.paths.iter().any(|own| matches!(own, RoutePath::Exact(own) if own.as_str() == path))
        };
        let has_meaning = |name: &str| PARAMETERS.contains(&name);
        match continuations.iter().find(|own| !is_own(&own.path) || !own.is_sound(has_meaning)) {
            None => Ok(Self { continuations, ..self }),
            Some(wrong) => {
                let expected = "one of the paths, and names without a meaning in OAuth";
                Err(invalid("authorization.continuations", expected).found(&wrong.path))
            }
        }
    }

    /// Takes the member `authorization` out of the filter's configuration; none when it is absent.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn take_from(configuration: &mut Object) -> Result<Option<Self>, Refusal> {
        let Some(member) = configuration.remove(MEMBER) else { return Ok(None) };
        let written: Written = serde_json::from_value(member)
            .map_err(|error| invalid(MEMBER, "paths and clients").found(&error.to_string()))?;
        Self::new(written.paths, written.clients)?.with_continuations(written.continuations).map(Some)
    }

    /// Writes the member `authorization` into the filter's configuration.
    pub fn put_into(&self, configuration: &mut Object) {
        let path = |path: &RoutePath| match path {
            RoutePath::Exact(path) | RoutePath::Prefix(path) => path.clone(),
        };
        let written = Written {
            paths: self.paths.iter().map(path).collect(),
            clients: self.clients.values().cloned().collect(),
            continuations: self.continuations.clone(),
        };
        let written = serde_json::to_value(written).unwrap_or(Value::Null);
        configuration.insert(MEMBER.to_owned(), written);
    }

    /// Whether a path, in whatever spelling, is one of an authorization endpoint.
    pub fn guards(&self, path: &str) -> bool {
        self.paths.iter().any(|own| own.matches(path))
    }

    /// Judges what a browser sends to one of the paths: an authorization request, or a request of the
    /// identity provider's own flow, which has other parameters and none of an authorization request.
    ///
    /// # Errors
    /// Those of [`browser_parameters`], [`Self::judge`] and [`Continuation::judge_posted`].
    pub fn judge_request(&self, path: &str, post: bool, query: &[u8], body: &[u8]) -> Result<(), Refusal> {
        for own in self.continuations.iter().filter(|own| own.path == path) {
            if !post && body.is_empty() && own.is_get(query) {
                return Ok(());
            }
            if post && own.may_be_form(query) && (!query.is_empty() || own.is_form_by_itself(body)) {
                return own.judge_posted(query, body);
            }
        }
        self.judge(&browser_parameters(post, query, body)?)
    }

    /// Judges a request at the authorization endpoint. A hint (`id_token_hint`) is left to the
    /// LAN, and so is everything that the LAN alone can know.
    ///
    /// # Errors
    /// Those of [`client_id`], [`unknown_client`], [`AuthorizationRequest::judge`] and
    /// [`AuthenticationRequest::judge`]; which of them the LAN would send to the client makes no
    /// difference here.
    pub fn judge(&self, form: &Form<'_>) -> Result<(), Refusal> {
        let client_id = client_id(form)?;
        let client = self.clients.get(client_id).ok_or_else(|| unknown_client(client_id))?;
        let request = AuthorizationRequest::judge(form, client).map_err(|error| error.refusal().clone())?;
        AuthenticationRequest::judge(form, &request.target).map_err(|error| error.refusal().clone())?;
        Ok(())
    }
}

fn invalid(field: &str, expected: &str) -> Refusal {
    Refusal::configuration("oidc.authorization-guard.invalid").at(field).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_jose::json::read_object;

    const CLIENTS: &str = r#"[{"client_id":"shop","redirect_uris":["https://shop.example.com/cb"],
        "scope":"openid","require_pkce":true,"require_state":true,"require_nonce":true}]"#;

    fn guard(authorization: &str) -> Result<Option<AuthorizationGuard>, Refusal> {
        let json = format!(r#"{{"routes":[],"authorization":{authorization}}}"#);
        let mut object = read_object("configuration", json.as_bytes()).unwrap();
        let guard = AuthorizationGuard::take_from(&mut object)?;
        assert!(!object.contains_key("authorization"));
        Ok(guard)
    }

    #[test]
    fn a_guard_is_read_and_written() {
        let read =
            guard(&format!(r#"{{"paths":["/oauth2/authorize"],"clients":{CLIENTS}}}"#)).unwrap().unwrap();
        for path in ["/oauth2/authorize", "/OAuth2/authorize/", "/oauth2/%61uthorize"] {
            assert!(read.guards(path), "{path}");
        }
        assert!(!read.guards("/oauth2/authorizer") && !read.guards("/oauth2/authorize/x"));
        let mut object = Object::new();
        read.put_into(&mut object);
        assert_eq!(AuthorizationGuard::take_from(&mut object).unwrap(), Some(read));
        for wrong in [
            r#"{"paths":[],"clients":[]}"#,
            r#"{"paths":["x"],"clients":[]}"#,
            r#"{"paths":["/x"]}"#,
            r#"{"paths":["/x"],"clients":[],"more":1}"#,
            r#"{"paths":["/x"],"clients":[{"client_id":"a","redirect_uris":[],"require_pkce":true,"client_secret":"s"}]}"#,
            r#"{"paths":["/x"],"clients":[{"client_id":"a","redirect_uris":[],"require_pkce":true},{"client_id":"a","redirect_uris":[],"require_pkce":true}]}"#,
        ] {
            assert_eq!(guard(wrong).unwrap_err().code, "oidc.authorization-guard.invalid", "{wrong}");
        }
        let fragment = r#"{"paths":["/x"],"clients":[{"client_id":"a","redirect_uris":["https://a/#"],"require_pkce":true}]}"#;
        assert_eq!(guard(fragment).unwrap_err().code, "oauth.registration.invalid");
    }

    #[test]
    fn the_own_flow_of_an_identity_provider_goes_on() {
        let continuations = r#"[{"path":"/a","parameters":["sessionDataKey","chkRemember"]},
            {"path":"/a","form":{"fields":["sessionDataKeyConsent","consent"],"numbered":["consent_"]}}]"#;
        let written =
            format!(r#"{{"paths":["/a","/b"],"clients":{CLIENTS},"continuations":{continuations}}}"#);
        let guard = guard(&written).unwrap().unwrap();
        let mut object = Object::new();
        guard.put_into(&mut object);
        assert_eq!(AuthorizationGuard::take_from(&mut object).unwrap(), Some(guard.clone()));
        let code = |path: &str, post: bool, query: &str, body: &str| {
            guard
                .judge_request(path, post, query.as_bytes(), body.as_bytes())
                .map_or_else(|refusal| refusal.code, |()| "accepted")
        };
        assert_eq!(code("/a", false, "sessionDataKey=0d3c&chkRemember=on", ""), "accepted");
        let consent = "sessionDataKeyConsent=0d3c&consent=approve&consent_0=on";
        assert_eq!(code("/a", true, "", consent), "accepted");
        for (path, post, query, body, expected) in [
            ("/b", false, "sessionDataKey=0d3c", "", "oauth.parameter.missing"),
            ("/a", false, "sessionDataKey=0d3c&client_id=shop", "", "oauth.parameter.missing"),
            ("/a", true, "sessionDataKey=0d3c", "", "oidc.query.unexpected"),
            ("/a", false, "sessionDataKey=0d3c", "client_id=shop", "oidc.body.unexpected"),
            ("/a", true, "", "consent=approve", "oauth.parameter.missing"),
            ("/a", true, "", "sessionDataKeyConsent=0d3c&client_id=shop", "form.field.unknown"),
            ("/a", true, "x=y", consent, "oidc.query.unexpected"),
            ("/b", true, "", consent, "oauth.parameter.missing"),
        ] {
            assert_eq!(code(path, post, query, body), expected, "{path} {query} {body}");
        }
        for wrong in [
            written.replace(r#""path":"/a","form""#, r#""path":"/c","form""#),
            written.replace("chkRemember", "client_id"),
            written.replace(r#""consent"]"#, r#""State"]"#),
        ] {
            assert_ne!(wrong, written);
            assert_eq!(self::guard(&wrong).unwrap_err().element, "authorization.continuations", "{wrong}");
        }
    }

    #[test]
    fn what_a_client_needs_is_demanded() {
        let guard = guard(&format!(r#"{{"paths":["/a"],"clients":{CLIENTS}}}"#)).unwrap().unwrap();
        let code = |query: &str| {
            let query = format!(
                "response_type=code&client_id=shop&redirect_uri=https%3A%2F%2Fshop.example.com%2Fcb&\
                 code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256{query}"
            );
            let form = browser_parameters(false, query.as_bytes(), b"").unwrap();
            guard.judge(&form).map_or_else(|refusal| refusal.code, |()| "accepted")
        };
        assert_eq!(code("&state=s&nonce=n"), "accepted");
        assert_eq!(code("&nonce=n"), "oauth.state.required");
        assert_eq!(code("&state=&nonce=n"), "oauth.state.required");
        assert_eq!(code("&state=s"), "oauth.nonce.required");
        assert_eq!(code("&state=s&nonce=n&nonce=n"), "form.duplicate");
        assert_eq!(code("&state=s&nonce=n&request_uri=urn:x"), "oauth.request-uri.not-supported");
        let beside = browser_parameters(false, b"client_id=shop", b"client_id=evil").unwrap_err();
        assert_eq!(beside.code, "oidc.body.unexpected");
        let twice = browser_parameters(true, b"client_id=shop", b"client_id=shop").unwrap_err();
        assert_eq!(twice.code, "oidc.query.unexpected");
    }
}
