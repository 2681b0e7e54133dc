//! The arguments of Envoy's foreign function `verify_signature`, and what kind of key is among them.

/// The largest message, key and signature that are looked at.
const MOST_BYTES: usize = 1 << 20;

/// The wire type of protobuf for strings and bytes.
pub const LENGTH_DELIMITED: u8 = 2;

/// The four fields of the message; an absent one is empty.
#[derive(Default)]
pub struct SignatureArguments<'a> {
    /// Name of the hash function.
    pub hash: &'a [u8],
    /// SubjectPublicKeyInfo, in DER.
    pub key: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// What is signed.
    pub text: &'a [u8],
}

impl<'a> SignatureArguments<'a> {
    /// The four fields, each at most once, 1 MiB in all. Nothing at all is refused, as by Envoy.
    pub fn read(mut message: &'a [u8]) -> Option<Self> {
        let mut read = Self::default();
        let mut seen = [false; 4];
        if message.is_empty() || message.len() > MOST_BYTES {
            return None;
        }
        while let Some((tag, rest)) = message.split_first() {
            let (content, rest) = delimited(rest)?;
            let (index, field) = match (tag >> 3, tag & 7) {
                (1, LENGTH_DELIMITED) => (0, &mut read.hash),
                (2, LENGTH_DELIMITED) => (1, &mut read.key),
                (3, LENGTH_DELIMITED) => (2, &mut read.signature),
                (4, LENGTH_DELIMITED) => (3, &mut read.text),
                _ => return None,
            };
            if std::mem::replace(&mut seen[index], true) {
                return None;
            }
            *field = content;
            message = rest;
        }
        Some(read)
    }
}

/// A varint of at most four bytes, and as many bytes as it says.
fn delimited(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in message.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return message.get(index + 1..)?.split_at_checked(length);
        }
    }
    None
}

/// Of the keys that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA of any size.
    Rsa,
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
}

/// By the AlgorithmIdentifier at the beginning of the SubjectPublicKeyInfo, byte for byte.
pub fn kind_of(spki: &[u8]) -> Option<KeyKind> {
    const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    const P256: &[u8] =
        &[0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const P384: &[u8] = &[0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 34];
    let content = match spki {
        [0x30, length, content @ ..] if *length < 0x80 => content,
        [0x30, 0x81, _, content @ ..] | [0x30, 0x82, _, _, content @ ..] => content,
        _ => return None,
    };
    [(RSA, KeyKind::Rsa), (P256, KeyKind::P256), (P384, KeyKind::P384)]
        .into_iter()
        .find_map(|(identifier, kind)| content.starts_with(identifier).then_some(kind))
}
