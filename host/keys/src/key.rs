//! One private key.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use postern_kernel::keys::SigningAlgorithm;
use zeroize::Zeroizing;

use crate::thumbprint;

/// A private key that signs. Its `Debug` shows public halves only, as the library's does.
#[derive(Debug)]
pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// A new key with its PKCS#8 encoding. RSA takes some 100 ms.
    pub(crate) fn generate(algorithm: SigningAlgorithm) -> Result<(Self, Zeroizing<Vec<u8>>), Unspecified> {
        Ok(match algorithm {
            SigningAlgorithm::Rs256 => {
                let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
                let pkcs8 = Zeroizing::new(key.as_der()?.as_ref().to_vec());
                (Self::Rsa(key), pkcs8)
            }
            SigningAlgorithm::Es256 => {
                let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                let pkcs8 = Zeroizing::new(key.to_pkcs8v1()?.as_ref().to_vec());
                (Self::P256(key), pkcs8)
            }
            SigningAlgorithm::EdDsa => {
                let key = Ed25519KeyPair::generate()?;
                let pkcs8 = Zeroizing::new(key.to_pkcs8()?.as_ref().to_vec());
                (Self::Ed25519(key), pkcs8)
            }
        })
    }

    /// The key in this PKCS#8 encoding.
    pub(crate) fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, Unspecified> {
        Ok(match algorithm {
            SigningAlgorithm::Rs256 => Self::Rsa(RsaKeyPair::from_pkcs8(pkcs8)?),
            SigningAlgorithm::Es256 => {
                Self::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?)
            }
            SigningAlgorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8)?),
        })
    }

    /// RSA PKCS#1 v1.5, ECDSA as r||s, Ed25519.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(key) => sign_rsa(key, message),
            Self::P256(key) => Ok(key.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// The same, but ECDSA in ASN.1, as certificates carry it.
    pub(crate) fn sign_certificate(&self, pkcs8: &[u8], message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(_) | Self::Ed25519(_) => self.sign(message),
            Self::P256(_) => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8)?;
                Ok(key.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
            }
        }
    }

    /// The public key as the BIT STRING of a SubjectPublicKeyInfo holds it.
    pub(crate) fn public_bytes(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::P256(key) => key.public_key().as_ref(),
            Self::Ed25519(key) => key.public_key().as_ref(),
        }
    }

    /// SubjectPublicKeyInfo, DER.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Rsa(key) => key.public_key().as_der()?,
            Self::P256(key) => key.public_key().as_der()?,
            Self::Ed25519(key) => key.public_key().as_der()?,
        };
        Ok(der.as_ref().to_vec())
    }

    /// JWK `kid`: the thumbprint of RFC 7638.
    pub(crate) fn thumbprint(&self) -> Result<String, Unspecified> {
        match self {
            Self::Rsa(key) => {
                let public = key.public_key();
                Ok(thumbprint::rsa(
                    public.modulus().big_endian_without_leading_zero(),
                    public.exponent().big_endian_without_leading_zero(),
                ))
            }
            Self::P256(key) => match key.public_key().as_ref() {
                // SEC 1 section 2.3.3: 04, x, y.
                [4, point @ ..] if point.len() == 64 => {
                    let (x, y) = point.split_at(32);
                    Ok(thumbprint::p256(x, y))
                }
                _ => Err(Unspecified),
            },
            Self::Ed25519(key) => Ok(thumbprint::ed25519(key.public_key().as_ref())),
        }
    }
}

fn sign_rsa(key: &RsaKeyPair, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
    Ok(signature)
}
