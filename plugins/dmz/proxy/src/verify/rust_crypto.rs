//! Verification with RustCrypto, through `jsonwebtoken`. Ed25519 has its own file.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use postern_signature::{Algorithm, VerifyError};

use super::key::Key;

pub(super) fn verify(
    algorithm: Algorithm,
    key: &Key<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    let (algorithm, key) = match algorithm {
        Algorithm::Rs256 => (jsonwebtoken::Algorithm::RS256, DecodingKey::from_rsa_der(key.bits)),
        Algorithm::Rs384 => (jsonwebtoken::Algorithm::RS384, DecodingKey::from_rsa_der(key.bits)),
        Algorithm::Rs512 => (jsonwebtoken::Algorithm::RS512, DecodingKey::from_rsa_der(key.bits)),
        Algorithm::Ps256 => (jsonwebtoken::Algorithm::PS256, DecodingKey::from_rsa_der(key.bits)),
        Algorithm::Es256 => (jsonwebtoken::Algorithm::ES256, DecodingKey::from_ec_der(key.bits)),
        Algorithm::Es384 => (jsonwebtoken::Algorithm::ES384, DecodingKey::from_ec_der(key.bits)),
        Algorithm::EdDsa => return Err(VerifyError::UnfitKey),
    };
    // `jsonwebtoken` takes the signature as the text of a token's third part.
    let signature = URL_SAFE_NO_PAD.encode(signature);
    match jsonwebtoken::crypto::verify(&signature, message, &key, algorithm) {
        Ok(true) => Ok(()),
        Ok(false) => Err(VerifyError::Mismatch),
        Err(_) => Err(VerifyError::UnfitKey),
    }
}
