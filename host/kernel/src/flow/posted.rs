//! Forms that were posted to a return endpoint from another site.
//!
//! Such a POST comes without our cookies (`SameSite=Lax`), so that nobody knows yet whose browser it is. The
//! form waits here under a handle that is good once, and the browser is sent on to fetch it by a GET, which
//! brings the cookies. Only a form whose state is waited for gets here; what one client can make wait, and
//! what waits at all, is bounded, and the oldest has to go first. In memory: what is lost with the process is
//! a sign-in that somebody begins again.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::randomness::{Fingerprint, fingerprint};
use crate::throttle::address_key;

/// Seconds that a form waits: a browser follows the redirect at once.
const WAIT: u64 = 60;
/// Bytes of all forms.
const MOST: usize = 16 << 20;
/// Forms.
const MOST_FORMS: usize = 1_024;
/// Forms of one address, or of one network of IPv6: several people behind it, each on their way for a moment.
const MOST_OF_ADDRESS: usize = 8;

/// What waits.
#[derive(Default)]
pub(super) struct PostedForms(Mutex<VecDeque<Posted>>);

/// A form and whose it may be.
pub(super) struct Posted {
    /// Of its handle.
    pub(super) handle: Fingerprint,
    /// The authenticator at whose path it arrived.
    pub(super) authenticator: String,
    /// The state in it.
    pub(super) state: String,
    /// As it came.
    pub(super) encoded: Zeroizing<String>,
    pub(super) address: IpAddr,
    pub(super) at: Timestamp,
}

impl PostedForms {
    /// Keeps the form. A second one with the same state takes the place of the first.
    pub(super) fn keep(&self, posted: Posted) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = posted.at;
        waiting.retain(|other| now.since(other.at) <= WAIT && other.state != posted.state);
        let client = address_key(posted.address);
        let is_its_own = |other: &Posted| address_key(other.address) == client;
        while waiting.iter().filter(|other| is_its_own(other)).count() >= MOST_OF_ADDRESS {
            let Some(oldest) = waiting.iter().position(is_its_own) else { break };
            waiting.remove(oldest);
        }
        waiting.push_back(posted);
        let bytes = |waiting: &VecDeque<Posted>| waiting.iter().map(|one| one.encoded.len()).sum::<usize>();
        while waiting.len() > MOST_FORMS || bytes(&waiting) > MOST {
            waiting.pop_front();
        }
    }

    /// Takes the form of the handle, to one caller.
    pub(super) fn take(&self, handle: &str, now: Timestamp) -> Option<Posted> {
        let handle = fingerprint(handle);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.iter().position(|one| bool::from(one.handle.0.ct_eq(&handle.0)))?;
        waiting.remove(at).filter(|found| now.since(found.at) <= WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(number: u8, address: u8, bytes: usize, at: u64) -> Posted {
        Posted {
            handle: fingerprint(&format!("handle {number} {address}")),
            authenticator: "example".into(),
            state: format!("state {number} {address}"),
            encoded: Zeroizing::new("x".repeat(bytes)),
            address: IpAddr::from([192, 0, 2, address]),
            at: Timestamp(at),
        }
    }

    fn takes(forms: &PostedForms, number: u8, address: u8, at: u64) -> bool {
        forms.take(&format!("handle {number} {address}"), Timestamp(at)).is_some()
    }

    #[test]
    fn a_form_is_taken_once_and_in_time() {
        let forms = PostedForms::default();
        forms.keep(form(1, 1, 10, 100));
        assert!(!takes(&forms, 2, 1, 100));
        assert!(takes(&forms, 1, 1, 160));
        assert!(!takes(&forms, 1, 1, 160));
        forms.keep(form(1, 1, 10, 100));
        assert!(!takes(&forms, 1, 1, 161));
        assert!(!takes(&forms, 1, 1, 100), "it is gone");
    }

    #[test]
    fn one_state_has_one_form() {
        let forms = PostedForms::default();
        forms.keep(form(1, 1, 10, 100));
        forms.keep(Posted { handle: fingerprint("another"), ..form(1, 1, 10, 100) });
        assert!(!takes(&forms, 1, 1, 100));
        assert!(forms.take("another", Timestamp(100)).is_some());
    }

    #[test]
    fn what_waits_is_bounded() {
        let forms = PostedForms::default();
        forms.keep(form(100, 2, 10, 100));
        for number in 0..20 {
            forms.keep(form(number, 1, 10, 100));
        }
        let left: Vec<u8> = (0..20).filter(|number| takes(&forms, *number, 1, 100)).collect();
        assert_eq!(left, (12..20).collect::<Vec<_>>(), "the last ones of the address");
        assert!(takes(&forms, 100, 2, 100), "others are left alone");
        for address in 0..=255 {
            forms.keep(form(1, address, 256 << 10, 100));
        }
        let left = (0..=255).filter(|address| takes(&forms, 1, *address, 100)).count();
        assert_eq!(left, 64, "16 MiB");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_the_number_of_forms_is_bounded() {
        let forms = PostedForms::default();
        let from = |number: u16, network: u16| Posted {
            handle: fingerprint(&format!("{number} {network}")),
            state: format!("{number} {network}"),
            address: IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, number]),
            ..form(1, 1, 10, 100)
        };
        let is_there =
            |number: u16, network: u16| forms.take(&format!("{number} {network}"), Timestamp(100)).is_some();
        for number in 0..20 {
            forms.keep(from(number, 0));
        }
        assert_eq!((0..20).filter(|number| is_there(*number, 0)).count(), 8);
        for network in 0..2_000 {
            forms.keep(from(1, network));
        }
        assert_eq!((0..2_000).filter(|network| is_there(1, *network)).count(), 1_024);
    }
}
