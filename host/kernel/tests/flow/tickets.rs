//! Kerberos tickets: what was believed once is believed by no node again.

use std::sync::Arc;

use postern_kernel::authenticator::{Origin, Purpose};
use postern_kernel::clock::Timestamp;
use postern_kernel::kerberos::{Ticket, TicketRefused, Tickets};
use postern_kernel::services::{
    AuthenticatorCall, AuthenticatorServices, Installation, TicketVerdict, TooManyTickets,
};

use crate::scene::Scene;

/// Believes what begins with `alice`; a message is told by its last byte.
struct Alice;

impl Tickets for Alice {
    fn judge(&self, ap_req: &[u8], now: Timestamp) -> Result<Ticket, TicketRefused> {
        let (Some(b"alice"), Some(last)) = (ap_req.get(..5), ap_req.last()) else {
            return Err(TicketRefused { code: "kerberos.ticket.expired", detail: String::new() });
        };
        let (name, realm) = ("alice".to_owned(), "EXAMPLE.COM".to_owned());
        Ok(Ticket { name, realm, replay: [*last; 32], until: now.plus(300) })
    }
}

/// A call on this node, of an authenticator of this name.
fn call(scene: &Scene, authenticator: &str, tickets: Option<Arc<dyn Tickets>>) -> AuthenticatorServices {
    let Installation { base_url, store, directory, keys, clock, randomness, audit, throttle, .. } =
        scene.flow.installation().as_ref();
    let installation = Installation {
        base_url: base_url.clone(),
        store: Arc::clone(store),
        directory: Arc::clone(directory),
        keys: Arc::clone(keys),
        clock: Arc::clone(clock),
        randomness: Arc::clone(randomness),
        audit: Arc::clone(audit),
        throttle: *throttle,
        mailer: None,
        outbound: None,
        tickets,
    };
    let origin = Origin { address: [192, 0, 2, 1].into(), device: None };
    let authenticator = authenticator.to_owned();
    let call = AuthenticatorCall { authenticator, purpose: Purpose::SignIn, subject: None };
    AuthenticatorServices::new(Arc::new(installation), call, origin, "correlation")
}

fn alice() -> Option<Arc<dyn Tickets>> {
    Some(Arc::new(Alice))
}

#[tokio::test]
async fn a_ticket_is_accepted_once_by_all_nodes_and_authenticators() {
    let scene = Scene::new().await;
    let neighbour = scene.neighbour();
    let accepted = TicketVerdict::Accepted { name: "alice".into(), realm: "EXAMPLE.COM".into() };
    let replayed = TicketVerdict::Refused("kerberos.authenticator.replayed");
    let here = call(&scene, "kerberos", alice());
    assert_eq!(here.accept_ticket(b"alice 1").await, Ok(accepted.clone()));
    assert_eq!(here.accept_ticket(b"alice 1").await, Ok(replayed.clone()));
    let there = call(&neighbour, "kerberos-of-another-entry", alice());
    assert_eq!(there.accept_ticket(b"alice 1").await, Ok(replayed));
    assert_eq!(there.accept_ticket(b"alice 2").await, Ok(accepted));
}

#[tokio::test]
async fn no_more_than_two_in_a_call_and_none_without_a_keytab() {
    let scene = Scene::new().await;
    let services = call(&scene, "kerberos", alice());
    for _ in 0..2 {
        let refused = Ok(TicketVerdict::Refused("kerberos.ticket.expired"));
        assert_eq!(services.accept_ticket(b"mallory").await, refused);
    }
    for _ in 0..300 {
        assert_eq!(services.accept_ticket(b"alice 3").await, Err(TooManyTickets));
    }
    let without = call(&scene, "kerberos", None);
    let refused = Ok(TicketVerdict::Refused("kerberos.keytab.missing"));
    assert_eq!(without.accept_ticket(b"alice 3").await, refused);
}
