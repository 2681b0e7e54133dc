//! Verification of signatures in a filter: by the proxy's own cryptography where it has some,
//! by RustCrypto otherwise.

mod ed25519;
mod key;
mod native;
mod rust_crypto;

use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use ed25519::Ed25519Keys;
use key::Key;

/// Smallest RSA modulus that is accepted, in bits (NIST SP 800-131A).
pub const MIN_RSA_BITS: usize = 2048;
/// Largest RSA modulus that is accepted, in bits: RustCrypto's limit, and a bound on the work.
pub const MAX_RSA_BITS: usize = 4096;

/// Verifies signatures for a filter. Made once, when the filter is configured.
///
/// Envoy offers its BoringSSL as the foreign function `verify_signature`, for RSA PKCS#1 v1.5
/// and ECDSA: 14 to 46 times faster than RustCrypto in the VM. RSA-PSS and Ed25519, and
/// everything in a proxy without that function, go to RustCrypto through `jsonwebtoken`; Ed25519
/// directly, with keys that are kept.
#[derive(Debug)]
pub struct ProxyVerifier {
    native: bool,
    ed25519: Ed25519Keys,
}

impl ProxyVerifier {
    /// Asks the proxy whether it has the function.
    #[cfg(target_family = "wasm")]
    pub fn detect() -> Self {
        // It refuses this call, which has no key; an unknown function is not found.
        let answer = crate::host::foreign(native::FUNCTION, &[]);
        let native = answer.err() != Some(crate::host::Failed::NOT_FOUND);
        Self { native, ed25519: Ed25519Keys::default() }
    }

    /// Verifies with RustCrypto alone.
    pub fn rust_crypto() -> Self {
        Self { native: false, ed25519: Ed25519Keys::default() }
    }

    /// Whether the proxy's own cryptography is used.
    pub fn is_native(&self) -> bool {
        self.native
    }
}

/// Verifies with the proxy's own cryptography and nothing else: a filter that has no other use
/// for signatures stays small. In a proxy without the function no signature is good.
#[cfg(target_family = "wasm")]
#[derive(Clone, Copy, Debug)]
pub struct NativeVerifier;

#[cfg(target_family = "wasm")]
impl Verifier for NativeVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let key = Key::read(algorithm, key)?;
        let arguments = native::arguments(algorithm, &key, message, signature);
        ask(&arguments.ok_or(VerifyError::UnfitKey)?)
    }
}

#[cfg(target_family = "wasm")]
fn ask(arguments: &[u8]) -> Result<(), VerifyError> {
    let answer = crate::host::foreign(native::FUNCTION, arguments).ok();
    answer.filter(|answer| native::says_yes(answer)).map(|_| ()).ok_or(VerifyError::Mismatch)
}

impl Verifier for ProxyVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        // Both ways accept the same keys, so that a proxy's own cryptography never decides
        // which ones are strong enough.
        let key = Key::read(algorithm, key)?;
        if algorithm == Algorithm::EdDsa {
            return self.ed25519.verify(&key, message, signature);
        }
        match native::arguments(algorithm, &key, message, signature) {
            #[cfg(target_family = "wasm")]
            Some(arguments) if self.native => ask(&arguments),
            _ => rust_crypto::verify(algorithm, &key, message, signature),
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::panic, clippy::unwrap_used)]
mod wycheproof;
