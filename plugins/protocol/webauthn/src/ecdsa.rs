//! Signatures as WebAuthn carries them (section 6.5.6) to what a verifier takes: those of ECDSA come as DER.

use alloc::borrow::Cow;

use postern_signature::{Algorithm, PublicKey, Verifier};
use postern_x509::fixed_ecdsa;

/// Whether the signature is good.
pub(crate) fn verifies(
    verifier: &dyn Verifier,
    algorithm: Algorithm,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let signature = match algorithm {
        Algorithm::Es256 => fixed_ecdsa(signature, 32).map(Cow::Owned),
        _ => Some(Cow::Borrowed(signature)),
    };
    signature.is_some_and(|signature| verifier.verify(algorithm, key, message, &signature).is_ok())
}
