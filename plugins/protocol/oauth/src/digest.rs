//! SHA-2 as OAuth and OpenID Connect use it.

use postern_jose::base64url_encode;
use postern_signature::Algorithm;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// SHA-256 of the bytes, as base64url.
pub fn sha256(bytes: &[u8]) -> String {
    base64url_encode(&Sha256::digest(bytes))
}

/// `at_hash` (OpenID Connect Core section 3.1.3.6): the left half of the hash that belongs to the
/// ID token's algorithm. Ed25519 takes SHA-512, the hash inside it.
pub fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let token = access_token.as_bytes();
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => Sha256::digest(token).to_vec(),
        Algorithm::Rs384 | Algorithm::Es384 => Sha384::digest(token).to_vec(),
        Algorithm::Rs512 | Algorithm::EdDsa => Sha512::digest(token).to_vec(),
    };
    let (left, _) = hash.split_at(hash.len() / 2);
    base64url_encode(left)
}
