//! Keys of the three algorithms that passkeys have.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::cbor;

/// Which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// COSE -7.
    Es256,
    /// COSE -8.
    EdDsa,
    /// COSE -257.
    Rs256,
}

/// A private key, made at run time.
pub enum Key {
    /// ES256.
    Es256(EcdsaKeyPair),
    /// EdDSA.
    EdDsa(Ed25519KeyPair),
    /// RS256.
    Rs256(RsaKeyPair),
}

impl Key {
    /// A new one.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Es256 => {
                Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
            }
            Kind::EdDsa => Self::EdDsa(Ed25519KeyPair::generate().expect("a key")),
            Kind::Rs256 => Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
        }
    }

    /// ES256 from PKCS#8, such as that of a certificate.
    pub fn from_pkcs8(der: &[u8]) -> Self {
        Self::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).expect("a key"))
    }

    /// COSE's number.
    pub fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
            Self::Rs256(_) => -257,
        }
    }

    /// The public key as COSE.
    pub fn cose(&self) -> Vec<u8> {
        let number = cbor::number;
        let algorithm = (number(3), number(self.algorithm()));
        match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (cbor::bytes(&point[1..33]), cbor::bytes(&point[33..]));
                let curve = (number(-1), number(1));
                cbor::map(&[(number(1), number(2)), algorithm, curve, (number(-2), x), (number(-3), y)])
            }
            Self::EdDsa(key) => {
                let x = cbor::bytes(key.public_key().as_ref());
                cbor::map(&[(number(1), number(1)), algorithm, (number(-1), number(6)), (number(-2), x)])
            }
            Self::Rs256(key) => {
                let modulus: aws_lc_rs::rsa::PublicKeyComponents<Vec<u8>> =
                    aws_lc_rs::rsa::PublicKeyComponents::from(key.public_key());
                let (n, e) = (cbor::bytes(&modulus.n), cbor::bytes(&modulus.e));
                cbor::map(&[(number(1), number(3)), algorithm, (number(-1), n), (number(-2), e)])
            }
        }
    }

    /// A signature as WebAuthn carries it.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }
}
