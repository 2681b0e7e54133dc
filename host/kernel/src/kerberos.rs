//! Kerberos tickets, judged behind a trait: whoever implements it has the keys.

use crate::clock::Timestamp;

/// Somebody has shown a ticket, and has its session key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The parts of the name. `/` is between several; `/`, `@` and `\` in a part stand behind a `\`.
    pub name: String,
    /// The realm.
    pub realm: String,
    /// Of this message and no other. It has to be remembered until `until`, and is not believed twice.
    pub replay: [u8; 32],
    /// After it the message is too old to be believed anyway.
    pub until: Timestamp,
}

/// Why a message is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRefused {
    /// The reason code.
    pub code: &'static str,
    /// For the log, without control characters.
    pub detail: String,
}

/// Judges tickets of one service. No I/O.
pub trait Tickets: Send + Sync {
    /// Judges an AP-REQ of GSS-API. That it is new is the caller's to see to.
    ///
    /// # Errors
    /// [`TicketRefused`].
    fn judge(&self, ap_req: &[u8], now: Timestamp) -> Result<Ticket, TicketRefused>;
}
