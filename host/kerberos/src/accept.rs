//! RFC 4120 section 3.2.3: whether an AP-REQ is to be believed, and whose it is.

use aws_lc_rs::digest::{SHA256, digest};
use postern_refusal::Refusal;
use postern_spnego::der::Malformed;

use crate::encryption::{Encryption, Key};
use crate::keytab::Keytab;
use crate::message::{ApReq, Authenticator, Principal, TicketPart};

/// Seconds that a client's clock, and the issuer's, may be off (section 3.2.3: five minutes).
pub const SKEW: u64 = 300;
/// Key usages (section 7.5.1).
const OF_TICKET: u32 = 2;
const OF_AUTHENTICATOR: u32 = 11;
/// Bits of KerberosFlags, from the first one: section 5.5.1, and 5.3.
const USE_SESSION_KEY: u32 = 1 << 30;
const INVALID: u32 = 1 << 24;
/// RFC 4121 section 4.1.1: what a GSS-API initiator says in the checksum of its authenticator.
const GSS_CHECKSUM: i64 = 0x8003;
/// Bytes of an MD5 of channel bindings: what `Lgth` has to say.
const BINDINGS: u32 = 16;
const DELEGATION: u32 = 1;

/// A service with its keys.
#[derive(Debug)]
pub struct Acceptor {
    keytab: Keytab,
    service: Principal,
}

/// Somebody has shown a ticket for the service, and has its session key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Who: of the service's own realm.
    pub client: Principal,
    /// Of this authenticator and no other. Whoever believes it has to keep that, across nodes, until `until`, and to
    /// refuse one that is kept already.
    pub replay: [u8; 32],
    /// Seconds since 1970: after it the authenticator is too old to be believed anyway.
    pub until: u64,
}

impl Acceptor {
    /// `None`: the keytab has no key of that service.
    pub fn new(keytab: Keytab, service: Principal) -> Option<Self> {
        keytab.has(&service).then_some(Self { keytab, service })
    }

    /// Judges an AP-REQ of GSS-API at this time, in seconds since 1970.
    ///
    /// # Errors
    /// `kerberos.ap-req.malformed`, `kerberos.service.other`, `kerberos.encryption.unsupported`,
    /// `kerberos.key.unknown`, `kerberos.ticket.undecipherable`, `kerberos.ticket.malformed`,
    /// `kerberos.ticket.invalid`, `kerberos.ticket.not-yet-valid`, `kerberos.ticket.expired`,
    /// `kerberos.realm.foreign`, `kerberos.authenticator.undecipherable`, `kerberos.authenticator.malformed`,
    /// `kerberos.client.mismatch`, `kerberos.authenticator.time`, `kerberos.checksum.malformed`.
    pub fn accept(&self, ap_req: &[u8], now: u64) -> Result<Accepted, Refusal> {
        let malformed = |code| move |Malformed| Refusal::misbehaved(code);
        let message = ApReq::read(ap_req).map_err(malformed("kerberos.ap-req.malformed"))?;
        if message.options & USE_SESSION_KEY != 0 {
            return Err(unsupported("user-to-user"));
        }
        if message.service != self.service {
            return Err(Refusal::misbehaved("kerberos.service.other")
                .expected(&self.service.to_string())
                .found(&message.service.to_string()));
        }
        let key = self.ticket_key(message.ticket.encryption, message.ticket.version)?;
        let plain = key.decrypt(OF_TICKET, message.ticket.cipher);
        let plain = plain.ok_or_else(|| Refusal::misbehaved("kerberos.ticket.undecipherable"))?;
        let ticket = TicketPart::read(&plain).map_err(malformed("kerberos.ticket.malformed"))?;
        self.check_ticket(&ticket, now)?;

        let session = allowed(ticket.key_type)?;
        if allowed(message.authenticator.encryption)? != session {
            return Err(Refusal::misbehaved("kerberos.authenticator.undecipherable")
                .expected("the session key's kind"));
        }
        let session = Key::new(session, ticket.key);
        let session = session.ok_or_else(|| Refusal::misbehaved("kerberos.ticket.malformed"))?;
        let plain = session.decrypt(OF_AUTHENTICATOR, message.authenticator.cipher);
        let plain = plain.ok_or_else(|| Refusal::misbehaved("kerberos.authenticator.undecipherable"))?;
        let authenticator =
            Authenticator::read(&plain).map_err(malformed("kerberos.authenticator.malformed"))?;
        if authenticator.client != ticket.client {
            return Err(Refusal::misbehaved("kerberos.client.mismatch")
                .expected(&ticket.client.to_string())
                .found(&authenticator.client.to_string()));
        }
        if authenticator.time.abs_diff(now) > SKEW {
            return Err(Refusal::misbehaved("kerberos.authenticator.time")
                .expected("a clock that is five minutes off at most"));
        }
        check_checksum(authenticator.checksum)?;
        let replay = digest(&SHA256, message.authenticator.cipher);
        let replay = replay.as_ref().try_into().map_err(|_| Refusal::internal("kerberos.replay.digest"))?;
        let until = authenticator.time.saturating_add(SKEW).saturating_add(1);
        Ok(Accepted { client: ticket.client, replay, until })
    }

    fn ticket_key(&self, encryption: i64, version: Option<u32>) -> Result<&Key, Refusal> {
        let encryption = allowed(encryption)?;
        let version =
            version.ok_or_else(|| Refusal::incompatible("kerberos.key.unknown").expected("a version"))?;
        self.keytab.key(&self.service, encryption, version).ok_or_else(|| {
            Refusal::configuration("kerberos.key.unknown")
                .expected("a key of the keytab: `ktadd` after each change")
                .found(&format!("version {version}, {encryption:?}"))
        })
    }

    fn check_ticket(&self, ticket: &TicketPart<'_>, now: u64) -> Result<(), Refusal> {
        if ticket.flags & INVALID != 0 {
            return Err(Refusal::misbehaved("kerberos.ticket.invalid"));
        }
        if ticket.start > now.saturating_add(SKEW) {
            return Err(Refusal::misbehaved("kerberos.ticket.not-yet-valid"));
        }
        if ticket.end < now {
            return Err(Refusal::misbehaved("kerberos.ticket.expired"));
        }
        if ticket.client.realm != self.service.realm {
            return Err(Refusal::misbehaved("kerberos.realm.foreign")
                .expected(&self.service.realm)
                .found(&ticket.client.realm));
        }
        Ok(())
    }
}

fn allowed(encryption: i64) -> Result<Encryption, Refusal> {
    Encryption::of_number(encryption).ok_or_else(|| unsupported(&format!("encryption type {encryption}")))
}

fn unsupported(found: &str) -> Refusal {
    Refusal::incompatible("kerberos.encryption.unsupported").expected("AES (17 to 20)").found(found)
}

/// RFC 4121 section 4.1.1.1: bindings to a channel, which ends at the proxy and can't be compared; flags; and with
/// delegation what is delegated, which nobody uses here.
fn check_checksum(checksum: Option<(i64, &[u8])>) -> Result<(), Refusal> {
    let is_good = |value: &[u8]| -> Option<bool> {
        let (length, rest) = value.split_first_chunk::<4>()?;
        let (_bindings, rest) = rest.split_first_chunk::<16>()?;
        let (flags, rest) = rest.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*length) != BINDINGS {
            return None;
        }
        if u32::from_le_bytes(*flags) & DELEGATION == 0 {
            return Some(true);
        }
        let (option, rest) = rest.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        Some(u16::from_le_bytes(*option) == 1 && rest.len() >= usize::from(u16::from_le_bytes(*length)))
    };
    match checksum {
        Some((GSS_CHECKSUM, value)) if is_good(value) == Some(true) => Ok(()),
        _ => Err(Refusal::misbehaved("kerberos.checksum.malformed").expected("that of GSS-API (0x8003)")),
    }
}
