use postern_jose::json::{Object, Value};
use postern_jose::{SigningInput, base64url_encode};
use sha2::{Digest as _, Sha256};

use crate::{ALGORITHM, TOKEN_TYPE};

/// The sections of all filters, each under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sections {
    document: String,
    digest: String,
}

impl Sections {
    /// The configurations of the filters under their names.
    pub fn new(sections: Object) -> Self {
        let document = Value::Object(sections).to_string();
        let digest = base64url_encode(&Sha256::digest(&document));
        Self { document, digest }
    }

    /// SHA-256, base64url: the same for the same content.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// A document that waits for its signature: the kernel signs.
#[derive(Clone, Debug)]
pub struct UnsignedFeed {
    input: SigningInput,
    document: String,
}

impl UnsignedFeed {
    /// The document of these sections, to be signed by the key of that `kid`. `now` in seconds
    /// since 1970.
    pub fn new(key_id: &str, issuer: &str, sequence: u64, now: u64, sections: Sections) -> Self {
        let mut claims = Object::new();
        claims.insert("iss".into(), issuer.into());
        claims.insert("iat".into(), now.into());
        claims.insert("sequence".into(), sequence.into());
        claims.insert("sha256".into(), sections.digest.into());
        let input = SigningInput::new(ALGORITHM, key_id, TOKEN_TYPE, claims);
        Self { input, document: sections.document }
    }

    /// The bytes to sign.
    pub fn signing_input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The whole, with its signature (r||s).
    #[must_use]
    pub fn with_signature(self, signature: &[u8]) -> Vec<u8> {
        let mut bytes = self.input.with_signature(signature).into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(self.document.as_bytes());
        bytes
    }
}
