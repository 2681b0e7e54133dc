//! `prompt` (OpenID Connect Core section 3.1.2.1).

use postern_refusal::Refusal;

/// What a client wants the person to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page at all.
    pub none: bool,
    /// Sign in again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Choose the account.
    pub select_account: bool,
}

impl Prompt {
    /// Reads values divided by single spaces.
    ///
    /// # Errors
    /// `oidc.prompt.unknown`, `oidc.prompt.duplicate`, `oidc.prompt.none-with-others`.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for value in text.split(' ') {
            let flag = match value {
                "none" => &mut prompt.none,
                "login" => &mut prompt.login,
                "consent" => &mut prompt.consent,
                "select_account" => &mut prompt.select_account,
                _ => {
                    return Err(Refusal::incompatible("oidc.prompt.unknown")
                        .at("prompt")
                        .expected("none, login, consent, select_account")
                        .found(text));
                }
            };
            if core::mem::replace(flag, true) {
                return Err(Refusal::misbehaved("oidc.prompt.duplicate")
                    .at("prompt")
                    .expected("each value once")
                    .found(text));
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(Refusal::misbehaved("oidc.prompt.none-with-others")
                .at("prompt")
                .expected("none alone")
                .found(text));
        }
        Ok(prompt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_combine_but_none_stands_alone() {
        let prompt = Prompt::read("login consent").unwrap();
        assert!(prompt.login && prompt.consent && !prompt.none && !prompt.select_account);
        assert!(Prompt::read("none").unwrap().none);
        for (text, code) in [
            ("none login", "oidc.prompt.none-with-others"),
            ("login login", "oidc.prompt.duplicate"),
            ("Login", "oidc.prompt.unknown"),
            ("login  consent", "oidc.prompt.unknown"),
            ("create", "oidc.prompt.unknown"),
            ("", "oidc.prompt.unknown"),
        ] {
            assert_eq!(Prompt::read(text).unwrap_err().code, code, "{text:?}");
        }
    }
}
