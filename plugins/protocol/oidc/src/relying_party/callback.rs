//! What a person brings back from the provider (RFC 6749 section 4.1.2, RFC 9207).

use super::pending::PendingSignIn;
use super::provider::ProviderMetadata;
use postern_form::Form;
use postern_refusal::Refusal;
use subtle::ConstantTimeEq as _;

/// Longest code, in bytes.
const MAX_CODE: usize = 4_096;

/// The authorization response.
#[derive(Clone, PartialEq, Eq)]
pub enum Callback {
    /// A code, to be exchanged.
    Code(String),
    /// `error`, such as `access_denied`: characters of RFC 6749 section 4.1.2.1, 64 at most.
    Error(String),
}

impl core::fmt::Debug for Callback {
    /// Without the code: it is a credential.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code"),
            Self::Error(error) => write!(f, "Error({error})"),
        }
    }
}

impl Callback {
    /// Judges the query. Parameters that we do not know are ignored (RFC 6749 section 4.1.2); none may stand
    /// there twice.
    ///
    /// # Errors
    /// The `form.…` codes, `oidc.callback.state`, `oidc.callback.issuer` (RFC 9207 section 2.4: another provider's
    /// answer, or none says whose it is although this one always does), `oidc.callback.answer`.
    pub fn judge(query: &str, pending: &PendingSignIn, provider: &ProviderMetadata) -> Result<Self, Refusal> {
        let form = Form::parse(query.as_bytes())?.without_duplicates()?;
        let value = |name: &str| Ok(form.single(name)?.map(|parameter| parameter.value.clone()));
        let state: Option<String> = value("state")?;
        let is_ours = |state: &String| state.as_bytes().ct_eq(pending.state.as_bytes()).into();
        if !state.as_ref().is_some_and(is_ours) {
            return Err(Refusal::misbehaved("oidc.callback.state")
                .at("state")
                .expected("that of the request"));
        }
        let issuer: Option<String> = value("iss")?;
        let is_issuer = match &issuer {
            Some(issuer) => *issuer == provider.issuer,
            None => !provider.sends_issuer,
        };
        if !is_issuer {
            return Err(Refusal::misbehaved("oidc.callback.issuer")
                .at("iss")
                .expected(&provider.issuer)
                .found(issuer.as_deref().unwrap_or("none")));
        }
        let answer =
            |expected: &str| Refusal::misbehaved("oidc.callback.answer").at("code").expected(expected);
        match (value("code")?, value("error")?) {
            (Some(code), None) if is_code(&code) => Ok(Self::Code(code)),
            (None, Some(error)) if is_error(&error) => Ok(Self::Error(error)),
            (None, Some(_)) => Err(answer("an error of RFC 6749")),
            _ => Err(answer("either a code or an error")),
        }
    }
}

/// VSCHAR (RFC 6749 appendix A.11).
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_CODE && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// A name, as all registered ones are.
fn is_error(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
