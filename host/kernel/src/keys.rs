//! Signing keys, behind a trait. Private keys never leave the implementation.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::unavailable::Unavailable;

/// Algorithms that modules sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, RSA-2048.
    Rs256,
    /// ECDSA on P-256 with SHA-256, signatures as r||s.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// The JWA name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a JWA name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// Algorithms that peers may sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the JWA names say it all")]
pub enum PeerAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

/// A key as peers may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// JWK `kid`: the RFC 7638 thumbprint.
    pub key_id: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Self-signed X.509 certificate, DER.
    pub certificate: Vec<u8>,
    /// Whether new signatures are made with it; otherwise it is published until what it signed has expired.
    pub active: bool,
}

/// A signature and the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// [`PublishedKey::key_id`].
    pub key_id: String,
    /// RSA PKCS#1 v1.5, ECDSA as r||s, Ed25519.
    pub bytes: Vec<u8>,
}

/// How a peer wraps a content key for us (XML Encryption 1.1 section 5.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSA-OAEP with SHA-1, and MGF1 with SHA-1.
    RsaOaepSha1,
    /// RSA-OAEP with SHA-256, and MGF1 with SHA-256.
    RsaOaepSha256,
}

/// How a peer encrypts content for us (section 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum ContentCipher {
    Aes128Gcm,
    Aes256Gcm,
}

/// What a peer encrypted for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedContent {
    /// How `key` is wrapped.
    pub transport: KeyTransport,
    /// The wrapped content key.
    pub key: Vec<u8>,
    /// How `content` is encrypted.
    pub cipher: ContentCipher,
    /// Nonce of 12 bytes, ciphertext, tag of 16 bytes.
    pub content: Vec<u8>,
}

/// Ending of the name under which the keys are kept that peers encrypt for.
pub const DECRYPTION: &str = ".decryption";

/// The name under which an authenticator's signing keys are kept. Names of modules have no dot.
pub fn signing_name(authenticator: &str) -> String {
    format!("{authenticator}.signing")
}

/// The name under which the keys are kept that are used for decryption alone.
pub fn decryption_name(authenticator: &str) -> String {
    format!("{authenticator}{DECRYPTION}")
}

/// What was sealed; wiped from memory when it goes.
pub type Opened = Zeroizing<Vec<u8>>;

/// The keys of all modules. Each module has its own: a flaw in one protocol's component can't
/// forge what another signs.
#[async_trait]
pub trait KeyRing: Send + Sync {
    /// Makes the keys that the module still lacks. Called when a module is loaded.
    async fn provide(&self, module: &str, algorithms: &[SigningAlgorithm]) -> Result<(), Unavailable>;

    /// Signs with the module's active key.
    ///
    /// # Errors
    /// [`Unavailable`] when there is none.
    fn sign(
        &self,
        module: &str,
        algorithm: SigningAlgorithm,
        message: &[u8],
    ) -> Result<Signature, Unavailable>;

    /// The module's keys, active ones first.
    fn published(&self, module: &str) -> Vec<PublishedKey>;

    /// Whether the signature of a peer is good. An unreadable or unfit key is `false`.
    fn verify(&self, algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool;

    /// Opens what a peer encrypted for one of the keys under a name that ends with [`DECRYPTION`], those that
    /// have retired too. `None`: it is for another key, or was changed.
    fn decrypt(&self, _name: &str, _encrypted: &EncryptedContent) -> Option<Opened> {
        None
    }

    /// Encrypts a value that is kept in the store, under a key of the installation for this place alone.
    /// What the place names is authenticated with it: no value can be put in the place of another.
    ///
    /// # Errors
    /// [`Unavailable`] when no randomness is to be had.
    fn seal(&self, place: &[&str], value: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// Opens what [`KeyRing::seal`] sealed for the same place.
    ///
    /// # Errors
    /// [`Unavailable`] when it was sealed elsewhere, or somebody has changed it.
    fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Opened, Unavailable>;

    /// HMAC-SHA-256 of the message under a key of the installation that is used for this purpose
    /// alone: pairwise identifiers, anti-forgery tokens.
    fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32];
}
