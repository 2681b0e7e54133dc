//! Refusals of the token endpoint and its neighbours (RFC 6749 section 5.2).

use postern_refusal::Refusal;

/// `error` of a token response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are RFC 6749's")]
pub enum TokenErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
}

impl TokenErrorCode {
    /// The code as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    /// What the client is told.
    pub error: TokenErrorCode,
    /// For the log; its status is the answer's.
    pub refusal: Refusal,
}

impl TokenError {
    /// The request is not well-formed: 400.
    pub fn request(refusal: Refusal) -> Self {
        Self { error: TokenErrorCode::InvalidRequest, refusal: refusal.with_status(400) }
    }

    /// The client is not who it says, or doesn't say it as registered: 401.
    pub fn client(refusal: Refusal) -> Self {
        Self { error: TokenErrorCode::InvalidClient, refusal: refusal.with_status(401) }
    }

    /// The code or refresh token is not good: 400.
    pub fn grant(refusal: Refusal) -> Self {
        Self { error: TokenErrorCode::InvalidGrant, refusal: refusal.with_status(400) }
    }

    /// Another error with status 400.
    pub fn other(error: TokenErrorCode, refusal: Refusal) -> Self {
        Self { error, refusal: refusal.with_status(400) }
    }

    /// HTTP status of the answer.
    pub fn status(&self) -> u16 {
        self.refusal.status
    }

    /// The body as JSON. What was wrong with a request is told to the client's developer; why a
    /// client, a code or a token was refused is told to nobody but the log.
    pub fn body(&self) -> String {
        use TokenErrorCode::{InvalidClient, InvalidGrant};
        let mut body = serde_json::Map::new();
        body.insert("error".into(), self.error.as_str().into());
        if !matches!(self.error, InvalidClient | InvalidGrant) {
            let element = &self.refusal.element;
            // RFC 6749 section 5.2: printable ASCII without quote and backslash.
            let safe = element.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
            let description = match element.as_str() {
                "" => self.refusal.code.to_owned(),
                element if safe => format!("{} at {element}", self.refusal.code),
                _ => self.refusal.code.to_owned(),
            };
            body.insert("error_description".into(), description.into());
        }
        serde_json::Value::Object(body).to_string()
    }

    /// `WWW-Authenticate`, which a 401 has to carry (RFC 9110 section 15.5.2).
    pub fn challenge(&self) -> Option<&'static str> {
        (self.refusal.status == 401).then_some("Basic realm=\"token\", charset=\"UTF-8\"")
    }
}
