//! Certificates as operators have them.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_refusal::Refusal;

use crate::MAX_DER;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// DER of each certificate in a text of PEM blocks (RFC 7468): one at least. Between the blocks there are lines
/// of white space alone, and each block has a certificate: a private key that got in is told at once.
///
/// # Errors
/// `certificate.pem.malformed`.
pub fn certificates_of_pem(text: &str) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        match (&mut block, line) {
            (None, BEGIN) => block = Some(String::new()),
            (None, "") => {}
            (None, _) => return Err(malformed("blocks of -----BEGIN CERTIFICATE----- and nothing else")),
            (Some(base64), END) => {
                let der = STANDARD.decode(&*base64).ok().filter(|der| (1..=MAX_DER).contains(&der.len()));
                found.push(der.ok_or_else(|| malformed("base64 of a certificate"))?);
                block = None;
            }
            (Some(base64), line) => base64.push_str(line),
        }
    }
    if found.is_empty() || block.is_some() {
        return Err(malformed("a block that begins and ends"));
    }
    Ok(found)
}

fn malformed(expected: &str) -> Refusal {
    Refusal::configuration("certificate.pem.malformed").expected(expected)
}
