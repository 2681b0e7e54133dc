//! Tokens as bytes to be signed: the key stays with the kernel.

use crate::base64url::encode;
use crate::json::{Object, Value};
use postern_signature::Algorithm;

/// Header and payload of a token, encoded: what is signed (RFC 7515 section 5.1).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningInput {
    algorithm: Algorithm,
    text: String,
}

impl core::fmt::Debug for SigningInput {
    /// Without the claims.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SigningInput").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningInput {
    /// The token of the claims, to be signed by the key of that `kid`.
    pub fn new(algorithm: Algorithm, key_id: &str, token_type: &str, claims: Object) -> Self {
        let mut header = Object::new();
        for (name, value) in [("alg", algorithm.jwa_name()), ("kid", key_id), ("typ", token_type)] {
            header.insert(name.into(), value.into());
        }
        let mut text = encode(Value::Object(header).to_string().as_bytes());
        text.push('.');
        text.push_str(&encode(Value::Object(claims).to_string().as_bytes()));
        Self { algorithm, text }
    }

    /// The algorithm to sign with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes to sign.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The token with its signature (ECDSA as r||s).
    #[must_use]
    pub fn with_signature(self, signature: &[u8]) -> String {
        let mut token = self.text;
        token.push('.');
        token.push_str(&encode(signature));
        token
    }
}
