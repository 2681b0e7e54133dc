//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

use crate::authentication_request::text;
use crate::id_token_hint::IdTokenHint;
use postern_form::Form;
use postern_jose::MAX_TOKEN;
use postern_oauth::{Registration, with_query};
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// A request to end the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutRequest {
    /// For [`crate::judge_id_token_hint`].
    pub id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// Where the browser goes when the session has ended: a registered URI and the client's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutTarget {
    uri: String,
    state: Option<String>,
}

impl LogoutTarget {
    /// The URL.
    pub fn url(&self) -> String {
        with_query(&self.uri, self.state.as_deref().map(|state| ("state", state)).into_iter())
    }
}

impl LogoutRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `form.duplicate`, `oidc.parameter.too-long`.
    pub fn read(form: &Form<'_>) -> Result<Self, Refusal> {
        for parameter in form.parameters() {
            form.single(parameter.name)?;
        }
        let owned = |name, max| text(form, name, max).map(|value| value.map(str::to_owned));
        Ok(Self {
            id_token_hint: owned("id_token_hint", MAX_TOKEN)?,
            client_id: owned("client_id", 256)?,
            post_logout_redirect_uri: owned("post_logout_redirect_uri", 2_048)?,
            state: owned("state", 1_024)?,
        })
    }

    /// The client that asks: that of the hint, or the named one. None when neither is there.
    ///
    /// # Errors
    /// `oidc.logout.client-mismatch` when hint and name differ.
    pub fn client_id<'a>(&'a self, hint: Option<&'a IdTokenHint>) -> Result<Option<&'a str>, Refusal> {
        match (hint, self.client_id.as_deref()) {
            (Some(hint), Some(named)) if hint.client_id != named => {
                Err(Refusal::misbehaved("oidc.logout.client-mismatch")
                    .at("client_id")
                    .expected(&hint.client_id)
                    .found(named))
            }
            (Some(hint), _) => Ok(Some(&hint.client_id)),
            (None, named) => Ok(named),
        }
    }

    /// Where to go afterwards. A redirect needs a client whose registration names the URI, letter
    /// by letter.
    ///
    /// # Errors
    /// `oidc.logout.client-missing`, `oidc.logout.redirect-uri.mismatch`.
    pub fn target(&self, registration: Option<&Registration>) -> Result<Option<LogoutTarget>, Refusal> {
        let Some(uri) = &self.post_logout_redirect_uri else { return Ok(None) };
        let registration = registration.ok_or_else(|| {
            Refusal::misbehaved("oidc.logout.client-missing")
                .at("post_logout_redirect_uri")
                .expected("client_id or id_token_hint with it")
        })?;
        if !registration.post_logout_redirect_uris.contains(uri) {
            return Err(Refusal::misbehaved("oidc.logout.redirect-uri.mismatch")
                .at("post_logout_redirect_uri")
                .expected("a registered URI, letter by letter")
                .found(uri));
        }
        Ok(Some(LogoutTarget { uri: uri.clone(), state: self.state.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> LogoutRequest {
        LogoutRequest::read(&Form::parse(query.as_bytes()).unwrap()).unwrap()
    }

    fn registration() -> Registration {
        let json = br#"{"client_id": "shop", "redirect_uris": ["https://shop.example.com/cb"],
            "post_logout_redirect_uris": ["https://shop.example.com/bye?x=1"]}"#;
        Registration::read(json).unwrap()
    }

    #[test]
    fn the_target_is_exactly_a_registered_one() {
        let registration = registration();
        let target = |query: &str| read(query).target(Some(&registration)).map_err(|refusal| refusal.code);
        let uri = "post_logout_redirect_uri=https%3A%2F%2Fshop.example.com%2Fbye%3Fx%3D1";
        let accepted = target(&format!("{uri}&state=a%20b")).unwrap().unwrap();
        assert_eq!(accepted.url(), "https://shop.example.com/bye?x=1&state=a%20b");
        assert_eq!(target("state=x"), Ok(None));
        for wrong in
            ["https://shop.example.com/bye", "https://shop.example.com/bye?x=1&y=2", "https://evil.example/"]
        {
            let query = format!("post_logout_redirect_uri={}", postern_form::encode(wrong));
            assert_eq!(target(&query), Err("oidc.logout.redirect-uri.mismatch"), "{wrong}");
        }
        assert_eq!(read(uri).target(None).unwrap_err().code, "oidc.logout.client-missing");
    }

    #[test]
    fn hint_and_name_have_to_agree() {
        let hint = IdTokenHint { subject: "a".into(), client_id: "shop".into(), session_index: None };
        assert_eq!(read("").client_id(Some(&hint)).unwrap(), Some("shop"));
        assert_eq!(read("client_id=shop").client_id(Some(&hint)).unwrap(), Some("shop"));
        assert_eq!(read("client_id=shop").client_id(None).unwrap(), Some("shop"));
        let refusal = read("client_id=other").client_id(Some(&hint)).unwrap_err().code;
        assert_eq!(refusal, "oidc.logout.client-mismatch");
    }
}
