//! A client's certificate, as nginx tells it.
//!
//! nginx writes it as PEM (`$ssl_client_raw_cert`) with the TLS library that it has itself loaded: the
//! module calls nothing of that library, whose structures differ from release to release.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----\n";
const END: &[u8] = b"-----END CERTIFICATE-----\n";

/// SHA-256 of the certificate's DER in lower-case hexadecimal, as Envoy tells it; none when it is not one
/// certificate in PEM.
pub(crate) fn digest(pem: &[u8]) -> Option<Vec<u8>> {
    let lines = pem.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let text: Vec<u8> = lines.iter().copied().filter(|byte| *byte != b'\n').collect();
    // A second certificate would have dashes, which base64 has not.
    let der = STANDARD.decode(text).ok().filter(|der| !der.is_empty())?;
    Some(hex::encode(Sha256::digest(&der)).into_bytes())
}
