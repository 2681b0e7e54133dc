//! Kerberos tickets: `kerberos` in `wit/authenticator.wit`. The keytab's keys never cross into the sandbox.

use core::fmt;
use std::sync::atomic::Ordering;

use super::AuthenticatorServices;
use crate::audit::Event;
use crate::kerberos::{Ticket, TicketRefused};

/// Tickets of one call of a component.
const MOST_TICKETS: u8 = 2;
/// What messages that were believed are remembered under: no module can have such a name. One memory for all
/// authenticators.
const SEEN: &str = "own:kerberos";
const REPLAYED: &str = "kerberos.authenticator.replayed";
const NO_KEYTAB: &str = "kerberos.keytab.missing";

/// More than [`MOST_TICKETS`] in one call.
#[derive(Debug, PartialEq, Eq)]
pub struct TooManyTickets;

impl fmt::Display for TooManyTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "authenticator.ticket.too-many: {MOST_TICKETS} a call")
    }
}

impl std::error::Error for TooManyTickets {}

/// What is to be thought of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub enum TicketVerdict {
    Accepted { name: String, realm: String },
    Refused(&'static str),
    Unavailable,
}

impl AuthenticatorServices {
    /// Judges the ticket, and remembers it: none is accepted twice.
    ///
    /// # Errors
    /// [`TooManyTickets`]: the component gets no further.
    pub async fn accept_ticket(&self, ap_req: &[u8]) -> Result<TicketVerdict, TooManyTickets> {
        if self.tickets.fetch_add(1, Ordering::Relaxed) >= MOST_TICKETS {
            // It does not wrap around.
            self.tickets.store(MOST_TICKETS, Ordering::Relaxed);
            return Err(TooManyTickets);
        }
        let now = self.installation.clock.now();
        let judged = match &self.installation.tickets {
            Some(tickets) => tickets.judge(ap_req, now),
            None => Err(TicketRefused { code: NO_KEYTAB, detail: "there is no [kerberos]".into() }),
        };
        let Ticket { name, realm, replay, until } = match judged {
            Ok(ticket) => ticket,
            Err(refused) => return Ok(self.ticket_refused(&refused)),
        };
        let replay: String = replay.iter().map(|byte| format!("{byte:02x}")).collect();
        match self.installation.store.remember(SEEN, &replay, until, now).await {
            Ok(true) => Ok(TicketVerdict::Accepted { name, realm }),
            Ok(false) => {
                let detail = format!("of {name}@{realm}, shown before");
                Ok(self.ticket_refused(&TicketRefused { code: REPLAYED, detail }))
            }
            Err(error) => {
                tracing::error!(correlation = %self.correlation, %error, "ticket not looked up");
                Ok(TicketVerdict::Unavailable)
            }
        }
    }

    fn ticket_refused(&self, refused: &TicketRefused) -> TicketVerdict {
        let (module, correlation) = (&self.call.authenticator, &self.correlation);
        let TicketRefused { code, detail } = refused;
        tracing::warn!(%module, %correlation, %code, %detail, "Kerberos ticket refused");
        let address = self.origin.address.to_string();
        self.installation.audit.record(&Event {
            name: "ticket.refused",
            module: Some(module),
            relying_party: None,
            subject: None,
            correlation: Some(correlation),
            fields: &[("code", code), ("address", &address)],
        });
        TicketVerdict::Refused(code)
    }
}
