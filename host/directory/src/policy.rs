//! What names, passwords and claims may be.

use postern_kernel::directory::Claim;

/// Longest name, in bytes.
pub const MAX_USERNAME: usize = 128;

/// Shortest password, in characters (NIST SP 800-63B section 5.1.1.2).
pub const MIN_PASSWORD: usize = 8;

/// Longest password, in bytes. NIST asks for 64 characters at least.
pub const MAX_PASSWORD: usize = 1_024;

/// Longest value of a claim, in bytes.
pub const MAX_CLAIM_VALUE: usize = 1_024;

/// Most values of all claims of a person.
const MAX_VALUES: usize = 500;

/// Longest name of a claim, in bytes.
const MAX_CLAIM_NAME: usize = 64;

/// Claims that protocols and the directory set themselves.
const RESERVED: [&str; 13] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "exp",
    "iat",
    "iss",
    "nbf",
    "nonce",
    "preferred_username",
    "sub",
];

/// Why a name, password or claim was refused. Never quotes a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Empty or longer than [`MAX_USERNAME`].
    #[error("user.name.length: expected 1 to {MAX_USERNAME} bytes, found {0}")]
    UsernameLength(usize),
    /// White space around it, or a control character in it.
    #[error("user.name.characters: expected no control characters and no white space around it")]
    UsernameCharacters,
    /// Fewer than [`MIN_PASSWORD`] characters.
    #[error("user.password.short: expected at least {MIN_PASSWORD} characters")]
    PasswordShort,
    /// More than [`MAX_PASSWORD`] bytes.
    #[error("user.password.long: expected at most {MAX_PASSWORD} bytes")]
    PasswordLong,
    /// The name, but for upper and lower case.
    #[error("user.password.is-name: expected something else than the user's name")]
    PasswordIsName,
    /// Not a name for a claim, or one that is set by Postern itself, or given twice.
    #[error("user.claim.name: {0:?} is not a claim that can be set (or it is given twice)")]
    ClaimName(String),
    /// Empty, too long, with control characters, or too many values.
    #[error(
        "user.claim.value: expected one or more values of {0:?}, each of 1 to {MAX_CLAIM_VALUE} bytes \
         without control characters"
    )]
    ClaimValue(String),
}

/// A name for a new person.
///
/// # Errors
/// [`PolicyError`] when it is none.
pub fn check_username(username: &str) -> Result<(), PolicyError> {
    if username.is_empty() || username.len() > MAX_USERNAME {
        return Err(PolicyError::UsernameLength(username.len()));
    }
    if username.trim() != username || username.chars().any(char::is_control) {
        return Err(PolicyError::UsernameCharacters);
    }
    Ok(())
}

/// A password for the person of this name.
///
/// It is taken byte by byte as typed: no Unicode normalisation, no trimming. Two keyboards that
/// write `é` in two ways make two passwords of it.
///
/// # Errors
/// [`PolicyError`] when it is too short, too long or the name itself.
pub fn check_new_password(username: &str, password: &str) -> Result<(), PolicyError> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(PolicyError::PasswordShort);
    }
    if password.len() > MAX_PASSWORD {
        return Err(PolicyError::PasswordLong);
    }
    if password.to_lowercase() == username.to_lowercase() {
        return Err(PolicyError::PasswordIsName);
    }
    Ok(())
}

/// Claims of a person.
///
/// # Errors
/// [`PolicyError`] naming the claim.
pub fn check_claims(claims: &[Claim]) -> Result<(), PolicyError> {
    let mut values = 0_usize;
    for (index, claim) in claims.iter().enumerate() {
        let given_before = claims.iter().take(index).any(|before| before.name == claim.name);
        if !is_claim_name(&claim.name) || RESERVED.contains(&claim.name.as_str()) || given_before {
            return Err(PolicyError::ClaimName(claim.name.clone()));
        }
        values = values.saturating_add(claim.values.len());
        if claim.values.is_empty() || values > MAX_VALUES || !claim.values.iter().all(|v| is_claim_value(v)) {
            return Err(PolicyError::ClaimValue(claim.name.clone()));
        }
    }
    Ok(())
}

fn is_claim_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_CLAIM_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

fn is_claim_value(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_CLAIM_VALUE && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, values: &[&str]) -> Claim {
        Claim { name: name.into(), values: values.iter().map(|value| (*value).into()).collect() }
    }

    #[test]
    fn names() {
        for good in ["alice", "Ärztin", "a b", "alice@example.com", &"x".repeat(128)] {
            assert_eq!(check_username(good), Ok(()), "{good}");
        }
        for bad in ["", " alice", "alice ", "al\nice", "al\u{0}ice", "\u{a0}alice", &"x".repeat(129)] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords() {
        assert_eq!(check_new_password("alice", "correct horse"), Ok(()));
        assert_eq!(check_new_password("alice", "pässwörd"), Ok(()));
        assert_eq!(check_new_password("alice", &"x".repeat(1_024)), Ok(()));
        assert_eq!(check_new_password("alice", "1234567"), Err(PolicyError::PasswordShort));
        assert_eq!(check_new_password("alice", "ääää"), Err(PolicyError::PasswordShort));
        assert_eq!(check_new_password("alice", &"x".repeat(1_025)), Err(PolicyError::PasswordLong));
        assert_eq!(check_new_password("alice.smith", "Alice.Smith"), Err(PolicyError::PasswordIsName));
    }

    #[test]
    fn claims() {
        assert_eq!(check_claims(&[claim("email", &["a@b.c"]), claim("groups", &["x", "y"])]), Ok(()));
        for bad in [
            claim("sub", &["somebody-else"]),
            claim("preferred_username", &["root"]),
            claim("", &["x"]),
            claim("e mail", &["x"]),
            claim("email", &[]),
            claim("email", &[""]),
            claim("email", &["a\r\nb"]),
            claim("email", &[&"x".repeat(1_025)]),
        ] {
            assert!(check_claims(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
        assert!(check_claims(&[claim("email", &["a"]), claim("email", &["b"])]).is_err());
    }
}
