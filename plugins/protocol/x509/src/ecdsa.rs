//! Signatures of ECDSA: certificates and authenticators carry them as DER, verifiers take them fixed.

use alloc::vec::Vec;

use x509_cert::der::asn1::UintRef;
use x509_cert::der::{self, Decode as _, Reader as _, SliceReader};

/// r||s, each of so many bytes: 32 for P-256, 48 for P-384; `None`: it is not DER of two numbers that fit
/// (RFC 3279 section 2.2.3).
pub fn fixed_ecdsa(der: &[u8], number_size: usize) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(der).ok()?;
    let (r, s) = reader
        .sequence(|numbers| -> der::Result<_> { Ok((UintRef::decode(numbers)?, UintRef::decode(numbers)?)) })
        .ok()?;
    reader.finish().ok()?;
    let mut fixed = Vec::new();
    for number in [r.as_bytes(), s.as_bytes()] {
        let zeros = number_size.checked_sub(number.len())?;
        fixed.extend(core::iter::repeat_n(0, zeros));
        fixed.extend_from_slice(number);
    }
    Some(fixed)
}
