//! Keys, made when the tests start.
use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use rsa::pkcs8::DecodePrivateKey as _;

/// The names of all keys; the ending says the kind.
const NAMES: [&str; 12] = [
    "sp-rsa",
    "sp-ec",
    "other-sp-rsa",
    "unknown-rsa",
    "unknown-ec",
    "client-rsa",
    "client-ec",
    "client-ed",
    "other-client-ec",
    "idp-rsa",
    "idp-ec",
    "idp-ed",
];

/// The keys that vectors name. They live in memory only.
pub struct Keys {
    keys: BTreeMap<&'static str, OnceLock<Key>>,
}

impl Keys {
    /// Fresh keys. Each is made when it is first used.
    #[must_use]
    pub fn generate() -> Self {
        Self { keys: NAMES.into_iter().map(|name| (name, OnceLock::new())).collect() }
    }

    /// The keys of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Keys> = OnceLock::new();
        SHARED.get_or_init(Self::generate)
    }

    /// The key of that name, or none.
    pub fn get(&self, name: &str) -> Option<&Key> {
        self.keys.get_key_value(name).map(|(name, key)| key.get_or_init(|| Key::generate(name)))
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.keys().copied()
    }
}

/// A key pair with its certificate.
pub struct Key {
    name: &'static str,
    pair: Pair,
    pkcs8: Vec<u8>,
    spki: Vec<u8>,
    certificate: Vec<u8>,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// A self-signed certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The private key as PKCS #8, DER: to hand it to relying parties under test.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The private key as PEM.
    pub fn private_pem(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8)
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The public key as PEM.
    pub fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki)
    }

    /// The public key as a JSON Web Key (RFC 7517); its `kid` is the key's name.
    pub fn jwk(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let name = self.name;
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                format!(
                    r#"{{"kty":"RSA","use":"sig","kid":"{name}","n":"{}","e":"{}"}}"#,
                    encode(public.modulus().big_endian_without_leading_zero()),
                    encode(public.exponent().big_endian_without_leading_zero()),
                )
            }
            Pair::Ec(pair) => {
                // An uncompressed point: 4, then x and y of 32 bytes.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                format!(
                    r#"{{"kty":"EC","use":"sig","kid":"{name}","crv":"P-256","x":"{}","y":"{}"}}"#,
                    encode(x),
                    encode(y)
                )
            }
            Pair::Ed(pair) => format!(
                r#"{{"kty":"OKP","use":"sig","kid":"{name}","crv":"Ed25519","x":"{}"}}"#,
                encode(pair.public_key().as_ref())
            ),
        }
    }

    /// The thumbprint of the public key (RFC 7638): the hash of its own members, in alphabetical order.
    ///
    /// # Panics
    /// Not in practice.
    pub fn thumbprint(&self) -> String {
        let jwk: serde_json::Value = serde_json::from_str(&self.jwk()).expect("JSON");
        let members: Vec<String> = ["crv", "e", "kty", "n", "x", "y"]
            .into_iter()
            .filter_map(|name| Some(format!(r#""{name}":{}"#, jwk.get(name)?)))
            .collect();
        let canonical = format!("{{{}}}", members.join(","));
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    /// A signature for XML; none when the key can't make one.
    pub(crate) fn sign_xml(&self, algorithm: &str, message: &[u8]) -> Option<Vec<u8>> {
        match (algorithm, &self.pair) {
            ("rsa-sha1", Pair::Rsa(_)) => Some(self.sign_rsa_sha1(message)),
            ("rsa-sha256", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PKCS1_SHA256, message)),
            ("rsa-sha384", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PKCS1_SHA384, message)),
            ("rsa-sha512", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PKCS1_SHA512, message)),
            ("ecdsa-sha256", Pair::Ec(pair)) => Some(sign_ec(pair, message)),
            _ => None,
        }
    }

    /// A signature as a JSON Web Token carries it; none when the key can't make one.
    pub fn sign_jwt(&self, algorithm: &str, message: &[u8]) -> Option<Vec<u8>> {
        match (algorithm, &self.pair) {
            ("none", _) => Some(Vec::new()),
            ("HS256", _) => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, self.pem().as_bytes());
                Some(hmac::sign(&secret, message).as_ref().to_vec())
            }
            ("RS256", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PKCS1_SHA256, message)),
            ("RS384", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PKCS1_SHA384, message)),
            ("RS512", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PKCS1_SHA512, message)),
            ("PS256", Pair::Rsa(pair)) => Some(sign_rsa(pair, &RSA_PSS_SHA256, message)),
            ("ES256", Pair::Ec(pair)) => Some(sign_ec(pair, message)),
            ("EdDSA", Pair::Ed(pair)) => Some(pair.sign(message).as_ref().to_vec()),
            _ => None,
        }
    }

    fn generate(name: &'static str) -> Self {
        if name.ends_with("-rsa") {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
            let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("PKCS #8").as_ref().to_vec();
            let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).expect("SPKI");
            let spki = spki.as_ref().to_vec();
            Self::certified(name, Pair::Rsa(Box::new(pair)), pkcs8, spki)
        } else if name.ends_with("-ec") {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key");
            let pkcs8 = pair.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec();
            let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).expect("SPKI");
            let spki = spki.as_ref().to_vec();
            Self::certified(name, Pair::Ec(pair), pkcs8, spki)
        } else {
            let pair = Ed25519KeyPair::generate().expect("an Ed25519 key");
            let pkcs8 = pair.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec();
            let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).expect("SPKI");
            let spki = spki.as_ref().to_vec();
            Self::certified(name, Pair::Ed(pair), pkcs8, spki)
        }
    }

    fn certified(name: &'static str, pair: Pair, pkcs8: Vec<u8>, spki: Vec<u8>) -> Self {
        let algorithm = match pair {
            Pair::Rsa(_) => &PKCS_RSA_SHA256,
            Pair::Ec(_) => &PKCS_ECDSA_P256_SHA256,
            Pair::Ed(_) => &PKCS_ED25519,
        };
        let signer = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.clone().into(), algorithm)
            .expect("a key that rcgen reads");
        let certificate = CertificateParams::new([format!("{name}.example")])
            .and_then(|parameters| parameters.self_signed(&signer))
            .expect("a certificate");
        Self { name, pair, pkcs8, spki, certificate: certificate.der().to_vec() }
    }

    fn sign_rsa_sha1(&self, message: &[u8]) -> Vec<u8> {
        // RFC 8017 section 9.2: the DER in front of a SHA-1 digest.
        const PREFIX: [u8; 15] = [48, 33, 48, 9, 6, 5, 43, 14, 3, 2, 26, 5, 0, 4, 20];
        let padding = rsa::Pkcs1v15Sign { hash_len: Some(20), prefix: PREFIX.into() };
        let hashed = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
        rsa::RsaPrivateKey::from_pkcs8_der(&self.pkcs8)
            .expect("an RSA key")
            .sign(padding, hashed.as_ref())
            .expect("an RSA signature")
    }
}

fn sign_rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("an RSA signature");
    signature
}

fn sign_ec(pair: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    pair.sign(&SystemRandom::new(), message).expect("an ECDSA signature").as_ref().to_vec()
}

/// PEM (RFC 7468) of the DER.
fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
