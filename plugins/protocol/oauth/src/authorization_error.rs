//! Refused authorization requests, split by who may hear of it (RFC 6749 section 4.1.2.1).

use crate::authorization_response::{AuthorizationAnswer, ResponseTarget};
use postern_refusal::Refusal;

/// `error` of an authorization response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the specifications")]
pub enum AuthorizationErrorCode {
    // RFC 6749 section 4.1.2.1
    InvalidRequest,
    UnauthorizedClient,
    AccessDenied,
    UnsupportedResponseType,
    InvalidScope,
    ServerError,
    // RFC 8707 section 2
    InvalidTarget,
    // OpenID Connect Core section 3.1.2.6
    InteractionRequired,
    LoginRequired,
    ConsentRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    // OpenID Connect Core Unmet Authentication Requirements 1.0
    UnmetAuthenticationRequirements,
}

impl AuthorizationErrorCode {
    /// The code as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::InvalidTarget => "invalid_target",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
        }
    }
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// Nobody knows whom a redirect would reach: the person sees a page.
    Page(Refusal),
    /// The client hears of it, at a redirect URI that is its own.
    Redirect(Box<ErrorRedirect>),
}

impl AuthorizationError {
    /// The error that is sent to the target.
    pub fn to_client(target: ResponseTarget, error: AuthorizationErrorCode, refusal: Refusal) -> Self {
        Self::Redirect(Box::new(ErrorRedirect { target, error, refusal }))
    }

    /// The refusal, for the log.
    pub fn refusal(&self) -> &Refusal {
        match self {
            Self::Page(refusal) => refusal,
            Self::Redirect(redirect) => &redirect.refusal,
        }
    }
}

/// An error that is sent to the client. It exists only with a target, and a target only with a
/// registered redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRedirect {
    /// Where it goes.
    pub target: ResponseTarget,
    /// What the client is told.
    pub error: AuthorizationErrorCode,
    /// For the log.
    pub refusal: Refusal,
}

impl ErrorRedirect {
    /// The answer; `issuer` is sent as `iss` (RFC 9207).
    pub fn answer(&self, issuer: &str) -> AuthorizationAnswer {
        self.target.answer(issuer, &[("error", self.error.as_str())])
    }
}
