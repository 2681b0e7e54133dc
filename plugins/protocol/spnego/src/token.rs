//! From the header's token to the AP-REQ in it.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_refusal::Refusal;

use crate::der::{Malformed, Reader, tag};

/// Most bytes of a token in base64. Tickets of people in many groups are large; headers are not larger.
pub const MAX_TOKEN: usize = 32 << 10;

/// 1.3.6.1.5.5.2: SPNEGO.
const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
/// 1.2.840.113554.1.2.2: Kerberos 5 (RFC 4121).
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
/// 1.2.840.48018.1.2.2: the same, as Windows writes it by an old mistake ([MS-SPNG] section 1.9).
const KERBEROS_OF_WINDOWS: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2];
/// What NTLM begins with ([MS-NLMP] section 2.2.1).
const NTLM: &[u8] = b"NTLMSSP\0";
/// RFC 4121 section 4.1: KRB_AP_REQ.
const TOK_ID_AP_REQ: [u8; 2] = [1, 0];
/// Mechanisms that a client offers.
const MAX_MECHANISMS: usize = 16;

/// The AP-REQ in the value behind `Negotiate `: base64 of a NegTokenInit whose first mechanism is Kerberos, with
/// its token. It is DER with nothing behind it, but what is in it has not been read.
///
/// # Errors
/// `spnego.token.too-long`, `spnego.token.base64`, `spnego.token.malformed`; `spnego.mechanism.unsupported`: NTLM, or
/// Kerberos is not what the client prefers; `spnego.token.absent`: it names mechanisms alone;
/// `spnego.kerberos.malformed`.
pub fn ap_req_of(token: &str) -> Result<Vec<u8>, Refusal> {
    if token.len() > MAX_TOKEN {
        return Err(Refusal::misbehaved("spnego.token.too-long"));
    }
    let bytes = STANDARD.decode(token).map_err(|_| Refusal::misbehaved("spnego.token.base64"))?;
    if bytes.starts_with(NTLM) {
        return Err(unsupported("NTLM"));
    }
    let mechanism_token = negotiated(&bytes)?;
    inner(mechanism_token).map(<[u8]>::to_vec)
}

/// InitialContextToken (RFC 2743 section 3.1) with NegTokenInit (RFC 4178 section 4.2.1): the optimistic token.
fn negotiated(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let malformed = |Malformed| Refusal::misbehaved("spnego.token.malformed").expected("a NegTokenInit");
    let (mechanisms, token) = read(bytes).map_err(malformed)?;
    match mechanisms.first() {
        Some(first) if *first == KERBEROS || *first == KERBEROS_OF_WINDOWS => {}
        _ => return Err(unsupported("another mechanism first")),
    }
    token.ok_or_else(|| {
        Refusal::incompatible("spnego.token.absent").expected("the token of the first mechanism")
    })
}

type NegTokenInit<'t> = (Vec<&'t [u8]>, Option<&'t [u8]>);

fn read(bytes: &[u8]) -> Result<NegTokenInit<'_>, Malformed> {
    let mut outer = Reader::new(bytes);
    let mut context = outer.inside(tag::application(0))?;
    outer.end()?;
    if context.take(tag::OBJECT_IDENTIFIER)? != SPNEGO {
        return Err(Malformed);
    }
    let mut choice = context.inside(tag::context(0))?;
    context.end()?;
    let mut init = choice.inside(tag::SEQUENCE)?;
    choice.end()?;
    let mut list = Reader::new(init.tagged(0, tag::SEQUENCE)?);
    let mut mechanisms = Vec::new();
    while !list.is_empty() {
        if mechanisms.len() == MAX_MECHANISMS {
            return Err(Malformed);
        }
        mechanisms.push(list.take(tag::OBJECT_IDENTIFIER)?);
    }
    // Nothing is to be read from the flags (RFC 4178 section 4.2.1).
    init.tagged_if(1, tag::BIT_STRING)?;
    let token = init.tagged_if(2, tag::OCTET_STRING)?;
    // With the preferred mechanism and one message, the MIC of the list may be left out (section 5).
    init.tagged_if(3, tag::OCTET_STRING)?;
    init.end()?;
    Ok((mechanisms, token))
}

/// The AP-REQ in a token of the Kerberos mechanism.
fn inner(token: &[u8]) -> Result<&[u8], Refusal> {
    let malformed = || Refusal::misbehaved("spnego.kerberos.malformed").expected("a token with an AP-REQ");
    if token.starts_with(NTLM) {
        return Err(unsupported("NTLM"));
    }
    let read = || -> Result<&[u8], Malformed> {
        let mut outer = Reader::new(token);
        let mut context = outer.inside(tag::application(0))?;
        outer.end()?;
        if context.take(tag::OBJECT_IDENTIFIER)? != KERBEROS {
            return Err(Malformed);
        }
        let ap_req = context.rest().strip_prefix(&TOK_ID_AP_REQ).ok_or(Malformed)?;
        let mut whole = Reader::new(ap_req);
        whole.take(tag::application(14))?;
        whole.end()?;
        Ok(ap_req)
    };
    read().map_err(|Malformed| malformed())
}

fn unsupported(found: &str) -> Refusal {
    Refusal::incompatible("spnego.mechanism.unsupported").expected("Kerberos").found(found)
}
