//! What an authentication request adds to an authorization request (OpenID Connect Core section
//! 3.1.2.1).

use crate::prompt::Prompt;
use postern_form::Form;
use postern_jose::MAX_TOKEN;
use postern_oauth::{AuthorizationError, AuthorizationErrorCode, ResponseTarget};
use postern_refusal::Refusal;

/// Most authentication contexts that a request may name.
const MAX_CONTEXTS: usize = 16;

/// Longest name of an authentication context, in bytes.
const MAX_CONTEXT: usize = 256;

/// How the person has to be signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationRequest {
    /// Which pages to show or not to show.
    pub prompt: Prompt,
    /// Seconds since the sign-in at most.
    pub max_age: Option<u64>,
    /// `acr_values`, best first.
    pub contexts: Vec<String>,
    /// Whom the client expects, to fill the form in.
    pub login_hint: Option<String>,
    /// For [`crate::judge_id_token_hint`].
    pub id_token_hint: Option<String>,
}

impl AuthenticationRequest {
    /// Judges the parameters; `target` is that of the accepted authorization request.
    ///
    /// # Errors
    /// `invalid_request` with `oidc.prompt.…`, `oidc.max-age.syntax`, `oidc.acr-values.syntax`,
    /// `oidc.parameter.too-long`, `form.duplicate`.
    pub fn judge(form: &Form<'_>, target: &ResponseTarget) -> Result<Self, AuthorizationError> {
        Self::read(form).map_err(|refusal| invalid_request(target, refusal))
    }

    fn read(form: &Form<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            prompt: text(form, "prompt", 128)?.map(Prompt::read).transpose()?.unwrap_or_default(),
            max_age: text(form, "max_age", 32)?.map(read_max_age).transpose()?,
            contexts: text(form, "acr_values", 4_096)?.map(read_contexts).transpose()?.unwrap_or_default(),
            login_hint: text(form, "login_hint", 256)?.map(str::to_owned),
            id_token_hint: text(form, "id_token_hint", MAX_TOKEN)?.map(str::to_owned),
        })
    }
}

/// The error for a parameter that is refused, such as a hint by [`crate::judge_id_token_hint`].
pub fn invalid_request(target: &ResponseTarget, refusal: Refusal) -> AuthorizationError {
    AuthorizationError::to_client(target.clone(), AuthorizationErrorCode::InvalidRequest, refusal)
}

/// A parameter that is there once and not empty.
pub(crate) fn text<'a>(
    form: &'a Form<'_>,
    name: &'static str,
    max: usize,
) -> Result<Option<&'a str>, Refusal> {
    let value =
        form.single(name)?.map(|parameter| parameter.value.as_str()).filter(|value| !value.is_empty());
    match value {
        Some(value) if value.len() > max || value.chars().any(char::is_control) => {
            Err(Refusal::misbehaved("oidc.parameter.too-long")
                .at(name)
                .expected(&format!("{max} bytes at most, without control characters")))
        }
        value => Ok(value),
    }
}

fn read_max_age(text: &str) -> Result<u64, Refusal> {
    let digits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        Refusal::misbehaved("oidc.max-age.syntax").at("max_age").expected("seconds").found(text)
    })
}

fn read_contexts(text: &str) -> Result<Vec<String>, Refusal> {
    let contexts: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let sized = |context: &String| (1..=MAX_CONTEXT).contains(&context.len());
    if contexts.len() > MAX_CONTEXTS || !contexts.iter().all(sized) {
        return Err(Refusal::misbehaved("oidc.acr-values.syntax")
            .at("acr_values")
            .expected("16 values of 256 bytes at most, divided by single spaces")
            .found(text));
    }
    Ok(contexts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> &'static str {
        let form = Form::parse(query.as_bytes()).unwrap();
        AuthenticationRequest::read(&form).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn parameters_are_read_strictly() {
        let query = b"prompt=login&max_age=60&acr_values=a+b&login_hint=ada";
        let form = Form::parse(query).unwrap();
        let request = AuthenticationRequest::read(&form).unwrap();
        assert!(request.prompt.login);
        assert_eq!(request.max_age, Some(60));
        assert_eq!(request.contexts, ["a", "b"]);
        assert_eq!(request.login_hint.as_deref(), Some("ada"));
        assert_eq!(code(""), "accepted");
        assert_eq!(code("max_age=-1"), "oidc.max-age.syntax");
        assert_eq!(code("max_age=1.5"), "oidc.max-age.syntax");
        assert_eq!(code("max_age=99999999999"), "oidc.max-age.syntax");
        assert_eq!(code("acr_values=a++b"), "oidc.acr-values.syntax");
        assert_eq!(code(&format!("acr_values={}", "a".repeat(257))), "oidc.acr-values.syntax");
        assert_eq!(code("prompt=none&prompt=login"), "form.duplicate");
        assert_eq!(code(&format!("login_hint={}", "a".repeat(257))), "oidc.parameter.too-long");
        assert_eq!(code("login_hint=a%0d%0ab"), "oidc.parameter.too-long");
    }
}
