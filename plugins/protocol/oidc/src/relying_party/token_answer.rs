//! What the token endpoint answers (RFC 6749 sections 5.1 and 5.2, OpenID Connect Core section 3.1.3.3).

use postern_jose::MAX_TOKEN;
use postern_jose::json::{Value, read_object};
use postern_refusal::Refusal;

/// Largest answer, in bytes: ID token, access token and refresh token.
pub const MAX_TOKEN_ANSWER: usize = 65_536;

/// Tokens. The ID token is not verified yet.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenAnswer {
    /// `access_token`.
    pub access_token: String,
    /// `id_token`.
    pub id_token: String,
}

impl core::fmt::Debug for TokenAnswer {
    /// Nothing of it: tokens are credentials.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenAnswer")
    }
}

impl TokenAnswer {
    /// Reads a successful answer, or an error.
    ///
    /// # Errors
    /// `oidc.token-answer.error` (the provider says no, and found is its `error`), `oidc.token-answer.status`,
    /// `oidc.token-answer.too-long`, the `json.…` codes, `oidc.token-answer.member`,
    /// `oidc.token-answer.type`.
    pub fn read(status: u16, body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > MAX_TOKEN_ANSWER {
            return Err(Refusal::misbehaved("oidc.token-answer.too-long").expected("65,536 bytes at most"));
        }
        if status == 400 || status == 401 {
            let object = read_object("token answer", body)?;
            let error = object.get("error").and_then(Value::as_str);
            return Err(Refusal::misbehaved("oidc.token-answer.error")
                .at("error")
                .expected("tokens")
                .found(error.unwrap_or("no error code")));
        }
        if status != 200 {
            return Err(Refusal::misbehaved("oidc.token-answer.status")
                .expected("200")
                .found(&status.to_string()));
        }
        let object = read_object("token answer", body)?;
        let text = |name: &str| {
            let text = object.get(name).and_then(Value::as_str);
            let text = text.filter(|text| {
                (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            });
            text.map(str::to_owned).ok_or_else(|| {
                Refusal::misbehaved("oidc.token-answer.member")
                    .at(name)
                    .expected("a token of 16,384 bytes at most")
            })
        };
        let (access_token, id_token) = (text("access_token")?, text("id_token")?);
        let kind = object.get("token_type").and_then(Value::as_str).unwrap_or_default();
        if !kind.eq_ignore_ascii_case("Bearer") {
            return Err(Refusal::misbehaved("oidc.token-answer.type")
                .at("token_type")
                .expected("Bearer")
                .found(kind));
        }
        Ok(Self { access_token, id_token })
    }
}
