//! Certificates in PEM (RFC 7468): the one form that peers hand them over in.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates of a file, DER, in order. Text around them is left out.
///
/// # Errors
/// What is wrong with it, in words; a file without a certificate among that.
pub(super) fn certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let text = core::str::from_utf8(file).map_err(|_| "is no PEM: it is not text".to_owned())?;
    let mut certificates = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let (body, _) = part.split_once(END).ok_or("has a certificate without an end")?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = BASE64_STANDARD.decode(body).map_err(|error| format!("is no PEM: {error}"))?;
        certificates.push(der);
    }
    if certificates.is_empty() {
        return Err(format!("holds no certificate (`{BEGIN}`)"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_in_order() {
        let file = format!("subject=a\n{BEGIN}\r\nAQI=\r\n{END}\n{BEGIN}\nAw\n==\n{END}\n");
        assert_eq!(certificates(file.as_bytes()), Ok(vec![vec![1, 2], vec![3]]));
        for wrong in ["", "AQI=", &format!("{BEGIN}\nAQI="), &format!("{BEGIN}\n!\n{END}")] {
            assert!(certificates(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(certificates(&[0xff]).is_err());
    }
}
