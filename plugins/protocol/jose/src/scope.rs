//! Scopes (RFC 6749 section 3.3).

use postern_refusal::Refusal;

/// Most scope tokens of one value.
pub const MAX_SCOPES: usize = 32;

/// Longest scope token, in bytes.
const MAX_SCOPE_TOKEN: usize = 128;

/// Scope tokens in the order in which they came, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads scope tokens divided by single spaces.
    ///
    /// # Errors
    /// `oauth.scope.syntax`, `oauth.scope.duplicate`.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let syntax = || {
            Refusal::misbehaved("oauth.scope.syntax")
                .at("scope")
                .expected("1 to 32 scope tokens of 128 bytes at most, divided by single spaces")
                .found(text)
        };
        let mut scopes = Vec::new();
        for token in text.split(' ') {
            let good = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            if token.is_empty()
                || token.len() > MAX_SCOPE_TOKEN
                || !token.bytes().all(good)
                || scopes.len() >= MAX_SCOPES
            {
                return Err(syntax());
            }
            if scopes.iter().any(|scope| scope == token) {
                return Err(Refusal::misbehaved("oauth.scope.duplicate")
                    .at("scope")
                    .expected("each scope token once")
                    .found(token));
            }
            scopes.push(token.to_owned());
        }
        Ok(Self(scopes))
    }

    /// The tokens.
    pub fn tokens(&self) -> &[String] {
        &self.0
    }

    /// Whether the token is one of them.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|scope| scope == token)
    }

    /// The first token that the others lack.
    pub fn first_beyond(&self, others: &Self) -> Option<&str> {
        self.0.iter().find(|scope| !others.contains(scope)).map(String::as_str)
    }
}

impl core::fmt::Display for Scopes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_strictly() {
        assert_eq!(Scopes::read("openid profile").unwrap().to_string(), "openid profile");
        for text in ["", " openid", "openid  email", "openid\temail", "a\"b", "a\\b", "ä"] {
            assert_eq!(Scopes::read(text).unwrap_err().code, "oauth.scope.syntax", "{text:?}");
        }
        let many: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
        assert_eq!(Scopes::read(&many.join(" ")).unwrap_err().code, "oauth.scope.syntax");
        assert_eq!(Scopes::read("a b a").unwrap_err().code, "oauth.scope.duplicate");
    }
}
