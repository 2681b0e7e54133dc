//! CBOR in CTAP2's canonical form (CTAP 2.1 section 8), which WebAuthn section 6 demands: shortest heads,
//! definite lengths, keys of maps in order and once, no tags and no floats.

use alloc::vec::Vec;

use ciborium_ll::{Decoder, Encoder, Header, simple};
use postern_refusal::Refusal;

/// Deepest nesting: CTAP 2.1 section 8 allows four.
const DEPTH: usize = 4;
/// Most items of a whole; an attestation has some twenty.
const ITEMS: usize = 128;
/// Most bytes of a whole.
const SIZE: usize = 16 << 10;
/// Bytes: RFC 8949 section 3.
const LONGEST_HEAD: usize = 9;

/// An item. Bytes and texts are those of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item<'c> {
    Unsigned(u64),
    /// The number is -1 minus this.
    Negative(u64),
    Bytes(&'c [u8]),
    Text(&'c str),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Bool(bool),
    Null,
}

/// Reads one item and what comes after it.
///
/// # Errors
/// `webauthn.cbor.too-large`, `webauthn.cbor.malformed`, `webauthn.cbor.not-canonical`,
/// `webauthn.cbor.too-deep`.
pub(crate) fn item(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), Refusal> {
    if bytes.len() > SIZE {
        return Err(Refusal::misbehaved("webauthn.cbor.too-large").at("CBOR").expected("16 KiB at most"));
    }
    let mut reader = Reader { rest: bytes, items: 0 };
    let item = reader.item(0)?;
    Ok((item, reader.rest))
}

/// Reads one item and nothing after it.
///
/// # Errors
/// As [`item`].
pub(crate) fn whole(bytes: &[u8]) -> Result<Item<'_>, Refusal> {
    match item(bytes)? {
        (item, []) => Ok(item),
        _ => Err(malformed()),
    }
}

impl<'c> Item<'c> {
    /// The members of a map with these keys, in this order and no others.
    pub(crate) fn exactly<const N: usize>(self, keys: [&Item<'_>; N]) -> Option<[Item<'c>; N]> {
        let Self::Map(members) = self else { return None };
        let fits = members.len() == N && members.iter().zip(keys).all(|((key, _), wanted)| key == wanted);
        let values: Vec<_> = members.into_iter().map(|(_, value)| value).collect();
        fits.then(|| values.try_into().ok()).flatten()
    }
}

struct Reader<'c> {
    rest: &'c [u8],
    items: usize,
}

impl<'c> Reader<'c> {
    fn item(&mut self, depth: usize) -> Result<Item<'c>, Refusal> {
        self.items = self.items.saturating_add(1);
        if self.items > ITEMS || depth > DEPTH {
            return Err(Refusal::misbehaved("webauthn.cbor.too-deep")
                .at("CBOR")
                .expected("four levels and 128 items at most"));
        }
        let deeper = depth.saturating_add(1);
        Ok(match self.head()? {
            Header::Positive(value) => Item::Unsigned(value),
            Header::Negative(value) => Item::Negative(value),
            Header::Bytes(Some(length)) => Item::Bytes(self.take(length)?),
            Header::Text(Some(length)) => {
                Item::Text(core::str::from_utf8(self.take(length)?).map_err(|_| malformed())?)
            }
            Header::Array(Some(length)) => {
                let mut items = Vec::new();
                for _ in 0..length {
                    items.push(self.item(deeper)?);
                }
                Item::Array(items)
            }
            Header::Map(Some(length)) => self.map(length, deeper)?,
            Header::Simple(simple::FALSE) => Item::Bool(false),
            Header::Simple(simple::TRUE) => Item::Bool(true),
            Header::Simple(simple::NULL) => Item::Null,
            _ => return Err(not_canonical()),
        })
    }

    /// Each key comes after the one before it: of major types the lower first, then the shorter, then by
    /// its bytes.
    fn map(&mut self, length: usize, deeper: usize) -> Result<Item<'c>, Refusal> {
        let mut members = Vec::new();
        let mut last: Option<(u8, &[u8])> = None;
        for _ in 0..length {
            let before = self.rest;
            let key = self.item(deeper)?;
            let used = before.len().saturating_sub(self.rest.len());
            let encoded = before.get(..used).unwrap_or_default();
            let major = encoded.first().copied().unwrap_or_default() >> 5;
            let order = |(major, encoded): (u8, &'c [u8])| (major, encoded.len(), encoded);
            if last.is_some_and(|last| order(last) >= order((major, encoded))) {
                return Err(not_canonical());
            }
            last = Some((major, encoded));
            members.push((key, self.item(deeper)?));
        }
        Ok(Item::Map(members))
    }

    /// The head of the next item, when it is written as short as can be.
    fn head(&mut self) -> Result<Header, Refusal> {
        let mut decoder = Decoder::from(self.rest);
        let header = decoder.pull().map_err(|_| malformed())?;
        let read = self.take(decoder.offset())?;
        let mut shortest = [0; LONGEST_HEAD];
        let mut free = shortest.as_mut_slice();
        Encoder::from(&mut free).push(header).map_err(|_| malformed())?;
        let written = LONGEST_HEAD.saturating_sub(free.len());
        if shortest.get(..written) != Some(read) {
            return Err(not_canonical());
        }
        Ok(header)
    }

    fn take(&mut self, length: usize) -> Result<&'c [u8], Refusal> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn malformed() -> Refusal {
    Refusal::misbehaved("webauthn.cbor.malformed").at("CBOR").expected("RFC 8949")
}

fn not_canonical() -> Refusal {
    Refusal::misbehaved("webauthn.cbor.not-canonical").at("CBOR").expected("CTAP2's canonical form")
}
