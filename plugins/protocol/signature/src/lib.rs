//! Signature algorithms, public keys, and the verifier that a caller hands in.
//!
//! The rules under `plugins/protocol` verify signatures without doing cryptography: they take a
//! [`Verifier`] and an allowlist of [`Algorithm`]s as arguments. The DMZ filter answers with the
//! proxy's native verification or RustCrypto, the LAN component with the kernel's.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use core::fmt;

/// A signature algorithm. There is no `none`, no HMAC and no SHA-1 to allow by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, for lookups by name.
    pub const ALL: [Self; 7] =
        [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The JWA name (RFC 7518 section 3.1, RFC 8037 section 3.1).
    pub fn jwa_name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a JWA name, letter by letter. `Ed25519` is what RFC 9864 section 2.2 calls
    /// EdDSA with that curve, and what clients of today write.
    pub fn from_jwa_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.jwa_name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.jwa_name())
    }
}

/// A public key as DER of its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spki: Vec<u8>,
}

impl PublicKey {
    /// The key in this DER. It is read by the verifier, which refuses what it cannot read.
    pub fn from_spki(spki: Vec<u8>) -> Self {
        Self { spki }
    }

    /// DER of the SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bytes of SPKI)", self.spki.len())
    }
}

/// Why a signature did not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The signature is not that key's over that message.
    Mismatch,
    /// The key is not one of the algorithm, or can't be read.
    UnfitKey,
}

/// Verifies one signature.
pub trait Verifier {
    /// Whether `signature` is made by `key` over `message`.
    ///
    /// ECDSA signatures are r||s of fixed length, as JWS (RFC 7518 section 3.4) and XML
    /// signatures carry them. The caller has checked `algorithm` against its allowlist.
    ///
    /// # Errors
    /// [`VerifyError`] whenever it is not.
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError>;
}
