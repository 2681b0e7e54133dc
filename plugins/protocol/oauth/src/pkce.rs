//! Proof Key for Code Exchange (RFC 7636), S256 only.

use crate::digest::sha256;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// An S256 code challenge: base64url of SHA-256 of the verifier, 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method`.
    ///
    /// # Errors
    /// `oauth.pkce.method` (`plain`, named or implied by leaving the method out, is not offered),
    /// `oauth.pkce.challenge`, `oauth.pkce.method-alone`.
    pub(crate) fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, Refusal> {
        let Some(challenge) = challenge else {
            return match method {
                None => Ok(None),
                Some(_) => Err(Refusal::misbehaved("oauth.pkce.method-alone")
                    .at("code_challenge_method")
                    .expected("code_challenge as well")),
            };
        };
        if method != Some("S256") {
            return Err(Refusal::misbehaved("oauth.pkce.method")
                .at("code_challenge_method")
                .expected("S256")
                .found(method.unwrap_or("none, which means plain")));
        }
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if challenge.len() != 43 || !challenge.bytes().all(good) {
            return Err(Refusal::misbehaved("oauth.pkce.challenge")
                .at("code_challenge")
                .expected("43 characters of base64url"));
        }
        Ok(Some(Self(challenge.to_owned())))
    }
}

/// Compares what the token request brings with what the authorization request promised, in
/// constant time. A verifier without a challenge is refused too: somebody took the challenge away
/// from the authorization request (the downgrade of RFC 9700 section 4.8.2).
///
/// # Errors
/// `oauth.pkce.verifier-missing`, `oauth.pkce.downgrade`, `oauth.pkce.verifier-syntax`,
/// `oauth.pkce.mismatch`. To be answered with `invalid_grant`.
pub fn check_code_verifier(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> Result<(), Refusal> {
    let at = |code| Refusal::misbehaved(code).at("code_verifier");
    let (challenge, verifier) = match (challenge, verifier) {
        (None, None) => return Ok(()),
        (Some(_), None) => return Err(at("oauth.pkce.verifier-missing").expected("the verifier")),
        (None, Some(_)) => {
            return Err(at("oauth.pkce.downgrade").expected("a code_challenge when the code was asked for"));
        }
        (Some(challenge), Some(verifier)) => (challenge, verifier),
    };
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(good) {
        return Err(at("oauth.pkce.verifier-syntax").expected("43 to 128 unreserved characters"));
    }
    let computed = sha256(verifier.as_bytes());
    if bool::from(computed.as_bytes().ct_eq(challenge.0.as_bytes())) {
        Ok(())
    } else {
        Err(at("oauth.pkce.mismatch").expected("the verifier of the code_challenge"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(challenge: Option<&str>, method: Option<&str>) -> &'static str {
        CodeChallenge::read(challenge, method).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn only_s256_is_read() {
        assert_eq!(read(Some(CHALLENGE), Some("S256")), "accepted");
        assert_eq!(read(None, None), "accepted");
        assert_eq!(read(Some(CHALLENGE), Some("plain")), "oauth.pkce.method");
        assert_eq!(read(Some(CHALLENGE), Some("s256")), "oauth.pkce.method");
        assert_eq!(read(Some(CHALLENGE), None), "oauth.pkce.method");
        assert_eq!(read(None, Some("S256")), "oauth.pkce.method-alone");
        assert_eq!(read(Some("short"), Some("S256")), "oauth.pkce.challenge");
        assert_eq!(read(Some(&CHALLENGE.replace('-', "+")), Some("S256")), "oauth.pkce.challenge");
    }

    #[test]
    fn the_verifier_has_to_fit() {
        let challenge = CodeChallenge::read(Some(CHALLENGE), Some("S256")).unwrap();
        let code = |challenge, verifier| {
            check_code_verifier(challenge, verifier)
                .map(|()| "accepted")
                .unwrap_or_else(|refusal| refusal.code)
        };
        let challenge = challenge.as_ref();
        assert_eq!(code(challenge, Some(VERIFIER)), "accepted");
        assert_eq!(code(None, None), "accepted");
        assert_eq!(code(challenge, None), "oauth.pkce.verifier-missing");
        assert_eq!(code(None, Some(VERIFIER)), "oauth.pkce.downgrade");
        assert_eq!(code(challenge, Some("short")), "oauth.pkce.verifier-syntax");
        assert_eq!(code(challenge, Some(CHALLENGE)), "oauth.pkce.mismatch");
    }
}
