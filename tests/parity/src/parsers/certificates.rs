//! Client certificates: see `mod.rs`.
use postern_x509::{Authority, ClientCertificate, NameKind, Trust, certificates_of_pem};

use super::{AnythingIsGood, NOW};

/// DER of a certificate. No authority is a person, nobody is believed by their own word, and a name can be
/// written into a log.
pub fn client_certificate(bytes: &[u8]) {
    let authority = Authority::read(bytes);
    if let Ok(certificate) = ClientCertificate::read(bytes) {
        assert!(authority.is_err());
        for kind in NameKind::ALL {
            if let Ok(name) = certificate.name(kind) {
                assert!(!name.is_empty() && name.len() <= 256 && !name.chars().any(char::is_control));
            }
        }
        let nobody = Trust { anchors: &[], intermediates: &[], now: NOW };
        assert!(certificate.judge(&nobody, &AnythingIsGood).is_err());
    }
    if let Ok(text) = core::str::from_utf8(bytes)
        && let Ok(found) = certificates_of_pem(text)
    {
        assert!(!found.is_empty());
    }
}
