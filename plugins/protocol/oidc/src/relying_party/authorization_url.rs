//! Where somebody is sent to sign in (OpenID Connect Core section 3.1.2.1).

use super::pending::PendingSignIn;
use super::provider::ProviderMetadata;
use postern_oauth::sha256;

/// An authorization request: the code flow with PKCE (S256).
#[derive(Clone, Debug)]
pub struct AuthorizationUrl<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `scope`, with `openid`.
    pub scopes: &'a [&'a str],
    /// `prompt`.
    pub prompt: Option<&'a str>,
    /// `max_age`, in seconds.
    pub max_age: Option<u64>,
    /// `login_hint`.
    pub login_hint: Option<&'a str>,
    /// `acr_values`.
    pub acr_values: Option<&'a str>,
    /// `ui_locales`.
    pub ui_locales: Option<&'a str>,
}

impl AuthorizationUrl<'_> {
    /// The URL, for what is kept until the person is back.
    pub fn write(&self, provider: &ProviderMetadata, pending: &PendingSignIn) -> String {
        let scope = self.scopes.join(" ");
        let challenge = sha256(pending.code_verifier.as_bytes());
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let parameters = [
            ("response_type", Some("code")),
            ("client_id", Some(self.client_id)),
            ("redirect_uri", Some(self.redirect_uri)),
            ("scope", Some(scope.as_str())),
            ("state", Some(pending.state.as_str())),
            ("nonce", Some(pending.nonce.as_str())),
            ("code_challenge", Some(challenge.as_str())),
            ("code_challenge_method", Some("S256")),
            ("prompt", self.prompt),
            ("max_age", max_age.as_deref()),
            ("login_hint", self.login_hint),
            ("acr_values", self.acr_values),
            ("ui_locales", self.ui_locales),
        ];
        let pairs: Vec<String> = parameters
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encoded(value))))
            .collect();
        let endpoint = &provider.authorization_endpoint;
        // RFC 6749 section 3.1: a query of the endpoint's own is retained.
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{joint}{}", pairs.join("&"))
    }
}

/// All but unreserved characters (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}
