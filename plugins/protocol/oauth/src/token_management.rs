//! Revocation (RFC 7009 section 2.1) and introspection (RFC 7662 section 2.1) requests.

use crate::one_time_value::{OneTimeKind, OneTimeValue};
use crate::parameter::{optional, required};
use crate::secret::Secret;
use crate::token_error::TokenError;
use postern_form::Form;
use postern_jose::MAX_TOKEN;

/// The token that a request is about. The hint is read and not needed: the forms differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenQuery {
    /// It can be one of our refresh tokens.
    RefreshToken(OneTimeValue),
    /// It can be one of our access tokens.
    AccessToken(Secret),
}

impl TokenQuery {
    /// Reads the form of an authenticated client.
    ///
    /// # Errors
    /// `oauth.parameter.…`, `form.duplicate`.
    pub fn read(form: &Form<'_>) -> Result<Self, TokenError> {
        for parameter in form.parameters() {
            form.single(parameter.name).map_err(TokenError::request)?;
        }
        optional(form, "token_type_hint", 64).map_err(TokenError::request)?;
        let token = required(form, "token", MAX_TOKEN).map_err(TokenError::request)?;
        Ok(match OneTimeValue::presented(OneTimeKind::RefreshToken, token) {
            Some(refresh_token) => Self::RefreshToken(refresh_token),
            None => Self::AccessToken(Secret::new(token.to_owned())),
        })
    }
}
