//! The messages: AP-REQ, Ticket, EncTicketPart, Authenticator (RFC 4120 sections 5.3 and 5.5.1).

use postern_spnego::der::{Malformed, Reader, string, tag};

/// Parts of a name.
const MAX_PARTS: usize = 8;

/// Somebody, or a service, in a realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Such as `EXAMPLE.COM`.
    pub realm: String,
    /// Such as `HTTP` and `sso.example.com`. Types of names are hints, and not compared (section 6.2).
    pub name: Vec<String>,
}

impl core::fmt::Display for Principal {
    /// As [`Principal::parse`] reads it: `\`, `/` and `@` in a part stand behind a `\`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let quoted = |part: &String| part.replace('\\', "\\\\").replace('/', "\\/").replace('@', "\\@");
        write!(f, "{}@{}", self.name.iter().map(quoted).collect::<Vec<_>>().join("/"), quoted(&self.realm))
    }
}

impl Principal {
    /// Reads `HTTP/sso.example.com@EXAMPLE.COM`, without quoting; `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, realm) = text.split_once('@')?;
        let name: Vec<String> = name.split('/').map(str::to_owned).collect();
        let is_good = |part: &String| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\/@".contains(&byte))
        };
        let realm = realm.to_owned();
        (name.len() <= MAX_PARTS && name.iter().all(is_good) && is_good(&realm))
            .then_some(Self { realm, name })
    }
}

/// Something encrypted.
pub(crate) struct Encrypted<'m> {
    pub(crate) encryption: i64,
    pub(crate) version: Option<u32>,
    pub(crate) cipher: &'m [u8],
}

pub(crate) struct ApReq<'m> {
    /// Bits from the first one.
    pub(crate) options: u32,
    pub(crate) service: Principal,
    pub(crate) ticket: Encrypted<'m>,
    pub(crate) authenticator: Encrypted<'m>,
}

pub(crate) struct TicketPart<'m> {
    pub(crate) flags: u32,
    pub(crate) key_type: i64,
    pub(crate) key: &'m [u8],
    pub(crate) client: Principal,
    /// Seconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

pub(crate) struct Authenticator<'m> {
    pub(crate) client: Principal,
    /// Its type and value.
    pub(crate) checksum: Option<(i64, &'m [u8])>,
    /// Seconds since 1970.
    pub(crate) time: u64,
}

impl<'m> ApReq<'m> {
    pub(crate) fn read(bytes: &'m [u8]) -> Result<Self, Malformed> {
        let mut message = application(bytes, 14)?;
        if (message.integer(0)?, message.integer(1)?) != (5, 14) {
            return Err(Malformed);
        }
        let options = flags(message.tagged(2, tag::BIT_STRING)?)?;
        let mut outer = message.inside(tag::context(3))?;
        let mut ticket = outer.inside(tag::application(1))?.inside(tag::SEQUENCE)?;
        outer.end()?;
        if ticket.integer(0)? != 5 {
            return Err(Malformed);
        }
        let realm = ticket.string(1)?.to_owned();
        let service = Principal { realm, name: name(&mut ticket, 2)? };
        let encrypted_part = encrypted(&mut ticket, 3)?;
        ticket.end()?;
        let authenticator = encrypted(&mut message, 4)?;
        message.end()?;
        Ok(Self { options, service, ticket: encrypted_part, authenticator })
    }
}

impl<'m> TicketPart<'m> {
    pub(crate) fn read(bytes: &'m [u8]) -> Result<Self, Malformed> {
        let mut part = application(bytes, 3)?;
        let flags = flags(part.tagged(0, tag::BIT_STRING)?)?;
        let mut key = Reader::new(part.tagged(1, tag::SEQUENCE)?);
        let key_type = key.integer(0)?;
        let key_value = key.tagged(1, tag::OCTET_STRING)?;
        key.end()?;
        let realm = part.string(2)?.to_owned();
        let client = Principal { realm, name: name(&mut part, 3)? };
        // Which realms it went through (RFC 4120 section 3.2.3 has the service look). Of one realm it went
        // through none: another one's word about our own people is not taken.
        let mut transited = Reader::new(part.tagged(4, tag::SEQUENCE)?);
        transited.integer(0)?;
        let is_direct = transited.tagged(1, tag::OCTET_STRING)?.is_empty();
        transited.end()?;
        if !is_direct {
            return Err(Malformed);
        }
        let authenticated = part.time(5)?;
        let start = part.time_if(6)?.unwrap_or(authenticated);
        let end = part.time(7)?;
        part.time_if(8)?;
        part.tagged_if(9, tag::SEQUENCE)?;
        part.tagged_if(10, tag::SEQUENCE)?;
        part.end()?;
        Ok(Self { flags, key_type, key: key_value, client, start, end })
    }
}

impl<'m> Authenticator<'m> {
    pub(crate) fn read(bytes: &'m [u8]) -> Result<Self, Malformed> {
        let mut message = application(bytes, 2)?;
        if message.integer(0)? != 5 {
            return Err(Malformed);
        }
        let realm = message.string(1)?.to_owned();
        let client = Principal { realm, name: name(&mut message, 2)? };
        let checksum = match message.tagged_if(3, tag::SEQUENCE)? {
            None => None,
            Some(contents) => {
                let mut checksum = Reader::new(contents);
                let read = (checksum.integer(0)?, checksum.tagged(1, tag::OCTET_STRING)?);
                checksum.end()?;
                Some(read)
            }
        };
        if !(0..1_000_000).contains(&message.integer(4)?) {
            return Err(Malformed);
        }
        let time = message.time(5)?;
        message.tagged_if(6, tag::SEQUENCE)?;
        message.integer_if(7)?;
        message.tagged_if(8, tag::SEQUENCE)?;
        message.end()?;
        Ok(Self { client, checksum, time })
    }
}

/// `[APPLICATION number] SEQUENCE`, and nothing behind it.
fn application(bytes: &[u8], number: u8) -> Result<Reader<'_>, Malformed> {
    let mut outer = Reader::new(bytes);
    let mut inside = outer.inside(tag::application(number))?;
    outer.end()?;
    let sequence = inside.inside(tag::SEQUENCE)?;
    inside.end().map(|()| sequence)
}

/// PrincipalName in `[number]` (section 5.2.2): a part at least.
fn name(reader: &mut Reader<'_>, number: u8) -> Result<Vec<String>, Malformed> {
    let mut name = Reader::new(reader.tagged(number, tag::SEQUENCE)?);
    name.integer(0)?;
    let mut parts = Reader::new(name.tagged(1, tag::SEQUENCE)?);
    name.end()?;
    let mut read = Vec::new();
    while !parts.is_empty() && read.len() < MAX_PARTS {
        read.push(string(parts.take(tag::GENERAL_STRING)?)?.to_owned());
    }
    parts.end()?;
    if read.is_empty() { Err(Malformed) } else { Ok(read) }
}

/// EncryptedData in `[number]` (section 5.2.9).
fn encrypted<'m>(reader: &mut Reader<'m>, number: u8) -> Result<Encrypted<'m>, Malformed> {
    let mut data = Reader::new(reader.tagged(number, tag::SEQUENCE)?);
    let encryption = data.integer(0)?;
    let version = data.integer_if(1)?.map(u32::try_from).transpose().map_err(|_| Malformed)?;
    let cipher = data.tagged(2, tag::OCTET_STRING)?;
    data.end()?;
    Ok(Encrypted { encryption, version, cipher })
}

/// KerberosFlags (section 5.2.8): 32 bits.
fn flags(bits: &[u8]) -> Result<u32, Malformed> {
    let bits: [u8; 5] = bits.try_into().map_err(|_| Malformed)?;
    let [unused, flags @ ..] = bits;
    if unused == 0 { Ok(u32::from_be_bytes(flags)) } else { Err(Malformed) }
}
