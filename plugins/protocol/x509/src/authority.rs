//! Who issues certificates: the operator's settings, so that what is wrong with one is the operator's.

use alloc::vec::Vec;

use postern_refusal::Refusal;
use postern_signature::PublicKey;
use sha2::{Digest as _, Sha256};
use x509_cert::der::Encode as _;

use crate::extensions::{Extensions, Wrong};
use crate::signed::Signed;

/// A certificate that the operator's settings name: a trust anchor, or an authority below one.
#[derive(Clone, Debug)]
pub struct Authority {
    pub(crate) signed: Signed,
    pub(crate) extensions: Extensions,
    pub(crate) key: PublicKey,
    /// Of its name and key: the same after it was renewed.
    pub(crate) identity: [u8; 32],
}

impl Authority {
    /// Reads the DER of an authority's certificate.
    ///
    /// # Errors
    /// `certificate.authority.malformed`, `certificate.authority.unfit`, `certificate.authority.name-constraints`:
    /// all of them the operator's.
    pub fn read(der: &[u8]) -> Result<Self, Refusal> {
        let malformed =
            |expected| Refusal::configuration("certificate.authority.malformed").expected(expected);
        let signed = Signed::read(der).map_err(|_| malformed("DER of an X.509 certificate of version 3"))?;
        let extensions = Extensions::read(&signed.certificate).map_err(|wrong| match wrong {
            Wrong::NameConstraints => Refusal::configuration("certificate.authority.name-constraints")
                .expected("no name constraints: they are not applied here"),
            Wrong::Critical => unfit("no critical extension that is unknown here"),
            Wrong::Twice | Wrong::Malformed => malformed("each extension once, and well-formed"),
        })?;
        if !extensions.is_authority() {
            return Err(unfit("basic constraints of an authority"));
        }
        if extensions.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(unfit("a key that signs certificates"));
        }
        if !extensions.allows_clients() {
            return Err(unfit("an authority for clients"));
        }
        let key = signed.key().ok_or_else(|| malformed("a public key"))?;
        let name = signed.certificate.tbs_certificate().subject().to_der();
        let name: Vec<u8> = name.map_err(|_| malformed("a name"))?;
        if signed.certificate.tbs_certificate().subject().is_empty() {
            return Err(unfit("a name"));
        }
        let identity = Sha256::new().chain_update(&name).chain_update(key.spki()).finalize().into();
        Ok(Self { signed, extensions, key, identity })
    }

    /// Whether it may have so many authorities below it (RFC 5280 section 4.2.1.9).
    pub(crate) fn allows_below(&self, authorities: usize) -> bool {
        let most =
            self.extensions.constraints.as_ref().and_then(|constraints| constraints.path_len_constraint);
        most.is_none_or(|most| authorities <= usize::from(most))
    }
}

fn unfit(expected: &str) -> Refusal {
    Refusal::configuration("certificate.authority.unfit").expected(expected)
}
