//! Extensions (RFC 5280 section 4.2): those that are understood, each once; no other critical one.

use alloc::vec::Vec;

use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralNames;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions {
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) names: GeneralNames,
    pub(crate) constraints: Option<BasicConstraints>,
    purposes: Option<Vec<ObjectIdentifier>>,
}

/// What is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Twice,
    Malformed,
    /// One that is critical, and that nobody here understands.
    Critical,
    /// They would have to be applied to all names below. They are not, so nobody is believed below them.
    NameConstraints,
}

impl Extensions {
    pub(crate) fn read(certificate: &Certificate) -> Result<Self, Wrong> {
        let mut read = Self::default();
        let mut seen: Vec<ObjectIdentifier> = Vec::new();
        for extension in certificate.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default() {
            if seen.contains(&extension.extn_id) {
                return Err(Wrong::Twice);
            }
            seen.push(extension.extn_id);
            let value = extension.extn_value.as_bytes();
            match extension.extn_id {
                KEY_USAGE => read.key_usage = Some(exact(value)?),
                SUBJECT_ALT_NAME => read.names = exact::<SubjectAltName>(value)?.0,
                BASIC_CONSTRAINTS => read.constraints = Some(exact(value)?),
                EXTENDED_KEY_USAGE => read.purposes = Some(exact::<ExtendedKeyUsage>(value)?.0),
                NAME_CONSTRAINTS => return Err(Wrong::NameConstraints),
                _ if extension.critical => return Err(Wrong::Critical),
                _ => {}
            }
        }
        Ok(read)
    }

    pub(crate) fn is_authority(&self) -> bool {
        self.constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// Whether it says that the key is for clients in TLS.
    pub(crate) fn names_clients(&self) -> bool {
        self.purposes.as_ref().is_some_and(|purposes| purposes.contains(&CLIENT_AUTHENTICATION))
    }

    /// Whether an authority may issue for clients in TLS: it names them, any purpose, or none (RFC 5280 section
    /// 4.2.1.12).
    pub(crate) fn allows_clients(&self) -> bool {
        self.purposes.as_ref().is_none_or(|purposes| {
            purposes.contains(&CLIENT_AUTHENTICATION) || purposes.contains(&ANY_PURPOSE)
        })
    }
}

/// DER in its normal form.
fn exact<T: for<'d> Decode<'d> + Encode>(value: &[u8]) -> Result<T, Wrong> {
    let read = T::from_der(value).map_err(|_| Wrong::Malformed)?;
    let written = read.to_der().map_err(|_| Wrong::Malformed)?;
    if written == value { Ok(read) } else { Err(Wrong::Malformed) }
}
