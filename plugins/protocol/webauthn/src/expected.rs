//! What a ceremony was begun with.

use postern_signature::Algorithm;

/// Whether the authenticator has to know its user: section 5.8.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserVerification {
    /// By a PIN or by what they are, or the ceremony fails.
    Required,
    /// If it can.
    Preferred,
}

/// What the relying party expects of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The challenge of this very ceremony.
    pub challenge: &'e [u8],
    /// The origins that may have run it, such as `https://sso.example.com`. Compared letter by letter.
    pub origins: &'e [&'e str],
    /// The relying party's id: the host.
    pub rp_id: &'e str,
    /// What keys may be of.
    pub algorithms: &'e [Algorithm],
    /// Whether the user has to be verified.
    pub user_verification: UserVerification,
}

/// The relying party's id for pages of this origin, such as `https://sso.example.com:8443`: its host
/// (section 5.1.2).
pub fn rp_id_of(origin: &str) -> &str {
    let authority = origin.strip_prefix("https://").unwrap_or(origin);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}
