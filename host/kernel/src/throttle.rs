//! Limits on failed sign-ins, per name and per address.
//!
//! Failures are counted under the name that was typed, whether it exists or not, and under the
//! address that they came from (IPv6: its /64 network). A limit slows down; nothing locks a person
//! out for good, so that a stranger can't do it either.

use std::net::IpAddr;

use base64::Engine as _;

use crate::clock::Timestamp;
use crate::randomness::fingerprint;
use crate::store::Store;
use crate::unavailable::Unavailable;

/// The limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Failures of one name within [`Self::window`] before it has to wait.
    pub per_name: u32,
    /// Failures from one address within [`Self::window`] before it has to wait.
    pub per_address: u32,
    /// Seconds in which failures count.
    pub window: u64,
    /// Longest wait in seconds.
    pub longest_wait: u64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { per_name: 5, per_address: 50, window: 900, longest_wait: 300 }
    }
}

/// Whether a try is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Granted,
    /// Not before this many seconds have passed.
    Wait(u32),
}

impl Throttle {
    /// Whether a try with this name from this address is looked at now.
    pub async fn admit(
        &self,
        store: &dyn Store,
        username: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Admission, Unavailable> {
        let mut wait = 0;
        for (key, limit) in [(name_key(username), self.per_name), (address_key(address), self.per_address)] {
            let (count, last) = store.failures(&key, now, self.window).await?;
            wait = wait.max(self.wait(count, limit, last, now));
        }
        Ok(if wait == 0 {
            Admission::Granted
        } else {
            Admission::Wait(u32::try_from(wait).unwrap_or(u32::MAX))
        })
    }

    /// Counts a failure.
    pub async fn failed(
        &self,
        store: &dyn Store,
        username: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        store.count_failure(&name_key(username), now, self.window).await?;
        store.count_failure(&address_key(address), now, self.window).await?;
        Ok(())
    }

    /// Forgets the failures of the name. Those of the address stay: an attacker may own one account.
    pub async fn succeeded(&self, store: &dyn Store, username: &str) -> Result<(), Unavailable> {
        store.clear_failures(&name_key(username)).await
    }

    /// From the limit on, the wait doubles with each failure: 2, 4, 8 … seconds after the last one.
    fn wait(&self, count: u32, limit: u32, last: Option<Timestamp>, now: Timestamp) -> u64 {
        let Some(last) = last else { return 0 };
        let Some(over) = count.checked_sub(limit) else { return 0 };
        let pause = 2_u64.saturating_pow(over.saturating_add(1)).clamp(2, self.longest_wait.max(2));
        last.plus(pause).since(now)
    }
}

/// The fingerprint bounds the key's length and keeps typed names, which may be passwords, out of the store.
fn name_key(username: &str) -> String {
    let digest = fingerprint(&username.to_lowercase()).0;
    format!("name:{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest))
}

fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("address:{v4}"),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_the_limit_on_and_is_bounded() {
        let throttle = Throttle::default();
        let now = Timestamp(1_000);
        let wait = |count| throttle.wait(count, throttle.per_name, Some(now), now);
        assert_eq!([4, 5, 6, 7].map(wait), [0, 2, 4, 8]);
        assert_eq!(wait(68), 300);
        assert_eq!(wait(100), 300);
        assert_eq!(throttle.wait(5, 5, Some(Timestamp(990)), now), 0);
    }

    #[test]
    fn an_address_of_ipv6_counts_by_its_network() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
