//! The claims of an access token (RFC 9068 section 2.2).

use postern_jose::json::{Object, Value};
use postern_jose::{GRANT_CLAIM, Scopes};

/// What an access token says.
#[derive(Clone, Debug)]
pub struct AccessTokenContent<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`: the person as the client knows them, or the client itself for client credentials.
    pub subject: &'a str,
    /// `aud`, not empty.
    pub audience: Vec<&'a str>,
    /// `client_id`.
    pub client_id: &'a str,
    /// `scope`.
    pub scopes: &'a Scopes,
    /// `jti`, unguessable.
    pub token_id: &'a str,
    /// `iat`, in seconds.
    pub issued_at: u64,
    /// `exp` minus `iat`, in seconds.
    pub lifetime: u64,
    /// The kernel's grant; none for client credentials.
    pub grant: Option<&'a str>,
    /// `auth_time` and `acr` (RFC 9068 section 2.2.1), when a person signed in.
    pub authentication: Option<(u64, &'a str)>,
}

impl AccessTokenContent<'_> {
    /// The claims.
    pub fn claims(&self) -> Object {
        let mut claims = Object::new();
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("iss", self.issuer.into());
        set("sub", self.subject.into());
        match self.audience.as_slice() {
            [only] => set("aud", (*only).into()),
            several => set("aud", several.to_vec().into()),
        }
        set("client_id", self.client_id.into());
        if !self.scopes.tokens().is_empty() {
            set("scope", self.scopes.to_string().into());
        }
        set("jti", self.token_id.into());
        set("iat", self.issued_at.into());
        set("exp", self.issued_at.saturating_add(self.lifetime).into());
        if let Some(grant) = self.grant {
            set(GRANT_CLAIM, grant.into());
        }
        if let Some((auth_time, acr)) = self.authentication {
            set("auth_time", auth_time.into());
            if !acr.is_empty() {
                set("acr", acr.into());
            }
        }
        claims
    }
}

/// `aud` of a client's access tokens: what is registered, or the issuer. With `openid` the issuer
/// is always among them, as the token has to open userinfo.
pub fn access_token_audience<'a>(registered: &'a [String], issuer: &'a str, scopes: &Scopes) -> Vec<&'a str> {
    let mut audience: Vec<&str> = registered.iter().map(String::as_str).collect();
    if (audience.is_empty() || scopes.contains("openid")) && !audience.contains(&issuer) {
        audience.push(issuer);
    }
    audience
}
