//! Authorization responses: code or error, on their way back to the client.

use postern_form::encode;
use serde::{Deserialize, Serialize};

/// `response_mode` (OAuth 2.0 Multiple Response Types section 2.1, Form Post Response Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// Posted by a page.
    FormPost,
}

/// A registered redirect URI with what has to come back with the response. Made by
/// [`crate::AuthorizationRequest::judge`] alone, and read back from a state that it went into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseTarget {
    pub(crate) redirect_uri: String,
    pub(crate) response_mode: ResponseMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
}

/// What the browser is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationAnswer {
    /// Go there.
    Redirect(String),
    /// Post these fields there.
    FormPost {
        /// The redirect URI.
        action: String,
        /// Name and value.
        fields: Vec<(String, String)>,
    },
}

impl ResponseTarget {
    /// The redirect URI, as registered.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The response with these fields, `state` and `iss` (RFC 9207).
    pub fn answer(&self, issuer: &str, fields: &[(&str, &str)]) -> AuthorizationAnswer {
        let state = self.state.as_deref().map(|state| ("state", state));
        let fields = fields.iter().copied().chain(state).chain([("iss", issuer)]);
        match self.response_mode {
            ResponseMode::Query => AuthorizationAnswer::Redirect(with_query(&self.redirect_uri, fields)),
            ResponseMode::FormPost => AuthorizationAnswer::FormPost {
                action: self.redirect_uri.clone(),
                fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            },
        }
    }
}

/// The URI, which has no fragment, with the fields after those of its own query.
pub fn with_query<'a>(uri: &str, fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut url = uri.to_owned();
    let mut separator = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    for (name, value) in fields {
        url.push_str(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(&encode(value));
        separator = "&";
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(redirect_uri: &str, response_mode: ResponseMode) -> ResponseTarget {
        let state = Some("a b&c".to_owned());
        ResponseTarget { redirect_uri: redirect_uri.to_owned(), response_mode, state }
    }

    #[test]
    fn the_query_of_a_redirect_uri_is_kept() {
        let answer = |uri| target(uri, ResponseMode::Query).answer("https://i", &[("code", "x")]);
        let redirect = |url: &str| AuthorizationAnswer::Redirect(url.to_owned());
        let fields = "code=x&state=a%20b%26c&iss=https%3A%2F%2Fi";
        assert_eq!(answer("https://a/cb"), redirect(&format!("https://a/cb?{fields}")));
        assert_eq!(answer("https://a/cb?t=1"), redirect(&format!("https://a/cb?t=1&{fields}")));
        assert_eq!(answer("https://a/cb?"), redirect(&format!("https://a/cb?{fields}")));
    }

    #[test]
    fn form_post_carries_plain_values() {
        let answer = target("https://a/cb", ResponseMode::FormPost).answer("https://i", &[("code", "x")]);
        let AuthorizationAnswer::FormPost { action, fields } = answer else { panic!("{answer:?}") };
        assert_eq!(action, "https://a/cb");
        assert_eq!(fields[1], ("state".to_owned(), "a b&c".to_owned()));
    }
}
