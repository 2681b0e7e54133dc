//! Self-signed certificates: what SAML metadata and WS-Federation publish a key as. Nobody
//! validates them as such; relying parties pin the key.

use postern_kernel::clock::Timestamp;
use postern_kernel::keys::SigningAlgorithm;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey,
};
use time::OffsetDateTime;

use crate::key::PrivateKey;

/// Ten years of 365.25 days, in seconds.
const VALIDITY: u64 = 315_576_000;

/// Clocks of relying parties may be behind by so many seconds.
const LEEWAY: u64 = 300;

/// Longest common name, RFC 5280 appendix A.1.
const MAX_COMMON_NAME: usize = 64;

/// DER of a self-signed certificate of the key, with the host of the public origin as its name.
pub(crate) fn self_signed(
    key: &PrivateKey,
    pkcs8: &[u8],
    algorithm: SigningAlgorithm,
    base_url: &str,
    usage: KeyUsagePurpose,
    now: Timestamp,
) -> Result<Vec<u8>, rcgen::Error> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name(base_url));
    parameters.not_before = date(now.0.saturating_sub(LEEWAY))?;
    parameters.not_after = date(now.plus(VALIDITY).0)?;
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![usage];
    let certificate = parameters.self_signed(&Signer { key, pkcs8, algorithm })?;
    Ok(certificate.der().to_vec())
}

/// The host of `https://sso.example.com:8443`, without the port.
fn common_name(base_url: &str) -> String {
    let authority = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    if host.is_empty() || host.len() > MAX_COMMON_NAME { "Postern".into() } else { host.into() }
}

fn date(seconds: u64) -> Result<OffsetDateTime, rcgen::Error> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(rcgen::Error::Time)
}

/// rcgen signs with our key, and never holds it.
struct Signer<'a> {
    key: &'a PrivateKey,
    pkcs8: &'a [u8],
    algorithm: SigningAlgorithm,
}

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.key.public_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.algorithm {
            SigningAlgorithm::Rs256 => &PKCS_RSA_SHA256,
            SigningAlgorithm::Es256 => &PKCS_ECDSA_P256_SHA256,
            SigningAlgorithm::EdDsa => &PKCS_ED25519,
        }
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.key.sign_certificate(self.pkcs8, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_host() {
        assert_eq!(common_name("https://sso.example.com"), "sso.example.com");
        assert_eq!(common_name("https://sso.example.com:8443"), "sso.example.com");
        assert_eq!(common_name("https://[::1]:8443"), "[::1]");
        assert_eq!(common_name("https://[::1]"), "[::1]");
        assert_eq!(common_name(&format!("https://{}.example", "x".repeat(60))), "Postern");
        assert_eq!(common_name("https://"), "Postern");
    }
}
