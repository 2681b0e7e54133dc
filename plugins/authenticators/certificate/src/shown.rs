//! The certificate that the browser shows now.

use core::fmt::Write as _;

use postern_authenticator::*;
use postern_refusal::{Fault, Refusal};
use postern_x509::{ClientCertificate, NameKind, Trust};

use crate::settings::Settings;
use crate::verifier::Kernel;

/// A certificate that an authority of the operator's stands for.
pub(crate) struct Shown {
    pub(crate) fingerprint: [u8; 32],
    /// What it is found by later.
    pub(crate) handle: Vec<u8>,
    /// For its holder to tell it from others.
    pub(crate) called: String,
}

/// Why there is none.
pub(crate) enum NotShown {
    /// None came: the browser has none, or its person chose none.
    None,
    /// It is not accepted; the log has the reason.
    Refused,
    /// The operator's settings are wrong: a reason for the log.
    Settings(String),
}

impl Shown {
    pub(crate) fn now(context: &Context, settings: &Settings) -> Result<Self, NotShown> {
        let der = context.client_certificate.as_deref().ok_or(NotShown::None)?;
        Self::judge(der, settings).map_err(|refusal| match refusal.fault {
            Fault::Configuration => NotShown::Settings(refusal.to_string()),
            _ => {
                system::log(system::Level::Info, &refusal.to_string());
                NotShown::Refused
            }
        })
    }

    fn judge(der: &[u8], settings: &Settings) -> Result<Self, Refusal> {
        let certificate = ClientCertificate::read(der)?;
        let trust =
            Trust { anchors: &settings.anchors, intermediates: &settings.intermediates, now: system::now() };
        let vouched = certificate.judge(&trust, &Kernel)?;
        let fingerprint = certificate.fingerprint();
        let handle = match settings.bound_to {
            None => [b"certificate:".as_slice(), &fingerprint].concat(),
            // Two authorities may give one name to two people.
            Some(kind) => {
                let name = certificate.name(kind)?;
                [kind.as_str().as_bytes(), b":", &vouched.issuer, name.as_bytes()].concat()
            }
        };
        Ok(Self { fingerprint, handle, called: called(&certificate) })
    }
}

/// Its common name, or another one that it has, or else the beginning of its fingerprint.
fn called(certificate: &ClientCertificate) -> String {
    let kinds = [NameKind::SubjectCommonName, NameKind::SanEmail, NameKind::SanUpn];
    let name = kinds.into_iter().find_map(|kind| certificate.name(kind).ok());
    name.unwrap_or_else(|| {
        let mut text = String::new();
        for byte in certificate.fingerprint().iter().take(8) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    })
}
