//! What the component keeps between requests. Unknown members are ignored when they are read:
//! a node of a neighbouring version may have written them.

use postern_oauth::{CodeChallenge, ResponseTarget};
use serde::{Deserialize, Serialize};
use serde_json::{from_slice, to_string, to_vec};

/// An accepted authorization request, while the person signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAuthorization {
    /// The kernel's identifier of the client.
    pub relying_party: String,
    /// Where code or error go.
    pub target: ResponseTarget,
    /// Scope tokens divided by spaces.
    pub scope: String,
    /// For the ID token.
    pub nonce: Option<String>,
    /// For the token request.
    pub code_challenge: Option<CodeChallenge>,
    /// `sub` of an ID token hint: nobody else may get a code.
    pub hinted_subject: Option<String>,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeData {
    /// The kernel's grant.
    pub grant: String,
    /// Has to be repeated in the token request (RFC 6749 section 4.1.3).
    pub redirect_uri: String,
    /// For the ID token.
    pub nonce: Option<String>,
    /// S256.
    pub code_challenge: Option<CodeChallenge>,
}

/// What a refresh token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshData {
    /// The kernel's grant: the family.
    pub grant: String,
}

/// The module's part of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantData {
    /// Scope tokens that were granted, divided by spaces.
    pub scope: String,
    /// When the person signed in, in seconds.
    pub authenticated_at: u64,
    /// Authentication context class.
    pub context: String,
    /// Authentication methods.
    pub methods: Vec<String>,
    /// `sid`.
    pub session_index: String,
    /// When the grant ends, in seconds: refresh tokens live as long.
    pub until: u64,
}

macro_rules! as_bytes {
    ($($kept:ty),*) => {$(
        impl $kept {
            /// JSON; `None` never comes of these types.
            pub fn to_bytes(&self) -> Option<Vec<u8>> {
                to_vec(self).ok()
            }

            /// Reads what [`Self::to_bytes`] wrote.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                from_slice(bytes).ok()
            }
        }
    )*};
}

as_bytes!(PendingAuthorization, CodeData, RefreshData);

impl GrantData {
    /// JSON; `None` never comes of this type.
    pub fn to_text(&self) -> Option<String> {
        to_string(self).ok()
    }

    /// Reads what [`Self::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        from_slice(text.as_bytes()).ok()
    }
}
