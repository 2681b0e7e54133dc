//! What a certificate calls a person: exactly one name of the kind, or none.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use postern_refusal::Refusal;
use x509_cert::der::Any;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

/// Most bytes of a name.
const MAX_NAME: usize = 256;
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
/// `szOID_NT_PRINCIPAL_NAME` of Microsoft: [MS-WCCE] section 2.2.2.7.7.4.
const USER_PRINCIPAL_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// `rfc822Name` of the subject's alternative names.
    SanEmail,
    /// The user principal name among them.
    SanUpn,
    /// The common name of the subject.
    SubjectCommonName,
    /// The attribute `serialNumber` of the subject, which is not the certificate's own.
    SubjectSerialNumber,
}

impl NameKind {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::SanEmail, Self::SanUpn, Self::SubjectCommonName, Self::SubjectSerialNumber];

    /// As settings call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SanEmail => "san-email",
            Self::SanUpn => "san-upn",
            Self::SubjectCommonName => "subject-cn",
            Self::SubjectSerialNumber => "subject-serial-number",
        }
    }
}

pub(crate) fn name(subject: &Name, names: &[GeneralName], kind: NameKind) -> Result<String, Refusal> {
    let found: Vec<Option<String>> = match kind {
        NameKind::SanEmail => names.iter().filter_map(email).map(Some).collect(),
        NameKind::SanUpn => names.iter().filter_map(principal).collect(),
        NameKind::SubjectCommonName => attributes(subject, COMMON_NAME),
        NameKind::SubjectSerialNumber => attributes(subject, SERIAL_NUMBER),
    };
    let refused = |code| Refusal::misbehaved(code).at(kind.as_str());
    match found.as_slice() {
        [] => Err(refused("certificate.name.missing")),
        [Some(name)] if is_good(name) => Ok(name.clone()),
        [_] => Err(refused("certificate.name.malformed")
            .expected("1 to 256 bytes of UTF-8 or PrintableString without control characters")),
        _ => Err(refused("certificate.name.several").expected("one")),
    }
}

fn email(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Rfc822Name(name) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

/// `None`: no such name. `Some(None)`: one that can't be read.
fn principal(name: &GeneralName) -> Option<Option<String>> {
    match name {
        GeneralName::OtherName(other) if other.type_id == USER_PRINCIPAL_NAME => Some(utf8(&other.value)),
        _ => None,
    }
}

fn attributes(subject: &Name, oid: ObjectIdentifier) -> Vec<Option<String>> {
    let value = |value: &Any| {
        utf8(value).or_else(|| Some(PrintableStringRef::try_from(value).ok()?.as_str().to_owned()))
    };
    subject.iter().filter(|one| one.oid == oid).map(|one| value(&one.value)).collect()
}

fn utf8(value: &Any) -> Option<String> {
    Some(Utf8StringRef::try_from(value).ok()?.as_str().to_owned())
}

/// A NUL ends a name for who reads it as C does.
fn is_good(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control) && name.trim() == name
}
