//! Limits on failed sign-ins: per known device, or else per name and per address; and of a further factor
//! in a row, which lock that factor (`flow/factor_lock.rs`).
//!
//! Failures of a browser that shows a device cookie of the person ([`crate::device`]) are counted
//! under that cookie. All others are counted under the name that was typed, whether it exists or
//! not, and under the address that they came from (IPv6: its /64 network). A limit slows down;
//! nothing locks a person out for good, and a stranger who keeps failing under a person's name
//! slows down strangers only.

use std::net::IpAddr;

use base64::Engine as _;

use crate::clock::Timestamp;
use crate::randomness::fingerprint;
use crate::store::Store;
use crate::unavailable::Unavailable;

/// The limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Failures of one name, and of one known device, within [`Self::window`] before it has to wait.
    pub per_name: u32,
    /// Failures from one address within [`Self::window`] before it has to wait.
    pub per_address: u32,
    /// Seconds in which failures count.
    pub window: u64,
    /// Longest wait in seconds.
    pub longest_wait: u64,
    /// Failures in a row of a further factor of a person after which it is locked.
    pub in_a_row: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { per_name: 5, per_address: 50, window: 900, longest_wait: 300, in_a_row: 100 }
    }
}

/// How many failures a key may have before its next try has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What failures are counted under.
    pub key: String,
    /// How many.
    pub failures: u32,
}

/// Whether a try is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Granted,
    /// Not before this many seconds have passed.
    Wait(u32),
}

/// Whose failures a try is counted among.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Pool {
    /// Those under the cookie of a device that the person has signed in with before.
    Device(String),
    /// Those of a further factor of a person who is known, under its key.
    Factor(String),
    /// Those of a first step from an address, under its key: what finds somebody without a name that is typed.
    FirstStep(String),
    /// Messages to a person, under their key.
    Messages(String),
    /// Those of everybody else.
    Strangers {
        /// Under the name.
        name: String,
        /// And under the address.
        address: String,
    },
}

impl Pool {
    /// Of a known device, by what [`crate::device::recognise`] gave.
    pub fn device(key: String) -> Self {
        Self::Device(key)
    }

    /// Of a further factor: under the device's key when it is known, or else under the person.
    pub fn factor(authenticator: &str, subject: &str, device: Option<String>) -> Self {
        let whose = device.unwrap_or_else(|| name_key(subject));
        Self::Factor(format!("factor:{authenticator}:{whose}"))
    }

    /// Of a first step: nobody is known, and the authenticator is told no name.
    pub fn first_step(authenticator: &str, address: IpAddr) -> Self {
        Self::FirstStep(format!("first:{authenticator}:{}", address_key(address)))
    }

    /// Of messages that an authenticator sends to a person: not failures, and counted like them.
    pub fn messages(authenticator: &str, subject: &str) -> Self {
        Self::Messages(format!("message:{authenticator}:{}", name_key(subject)))
    }

    /// Of everybody else who tries this name from this address.
    pub fn strangers(username: &str, address: IpAddr) -> Self {
        Self::Strangers { name: name_key(username), address: address_key(address) }
    }

    /// What they are counted under; of strangers, by the name.
    fn key(&self) -> &str {
        let (Self::Device(key)
        | Self::Factor(key)
        | Self::FirstStep(key)
        | Self::Messages(key)
        | Self::Strangers { name: key, .. }) = self;
        key
    }

    /// For the audit log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Device(_) => "known-device",
            Self::Factor(_) => "factor",
            Self::FirstStep(_) => "first-step",
            Self::Messages(_) => "messages",
            Self::Strangers { .. } => "strangers",
        }
    }
}

impl Throttle {
    /// Whether a try is looked at now. If so, it is counted as a failure in the same step, before
    /// anybody knows how it ends: of many tries at once no more are looked at than of as many one
    /// after the other.
    pub async fn admit(
        &self,
        store: &dyn Store,
        pool: &Pool,
        now: Timestamp,
    ) -> Result<Admission, Unavailable> {
        let limit = |key: &String, failures| Limit { key: key.clone(), failures };
        let limits = match pool {
            Pool::Device(key) | Pool::Factor(key) | Pool::Messages(key) => vec![limit(key, self.per_name)],
            Pool::FirstStep(key) => vec![limit(key, self.per_address)],
            Pool::Strangers { name, address } => {
                vec![limit(name, self.per_name), limit(address, self.per_address)]
            }
        };
        store.admit_try(&limits, *self, now).await
    }

    /// The whole sign-in is done: device or name start anew. Failures of the address stay: an attacker may own
    /// one account. What strangers did under the name stays when a known device signs in.
    pub async fn signed_in(&self, store: &dyn Store, pool: &Pool) -> Result<(), Unavailable> {
        let key = pool.key();
        store.clear_failures(key).await
    }

    /// The try that was admitted at `at` was right, or was not looked at after all. What failed before stays
    /// until the whole sign-in is done.
    pub async fn take_back(&self, store: &dyn Store, pool: &Pool, at: Timestamp) -> Result<(), Unavailable> {
        match pool {
            Pool::Strangers { name, address } => {
                store.take_back_failure(name, at).await?;
                store.take_back_failure(address, at).await
            }
            _ => store.take_back_failure(pool.key(), at).await,
        }
    }

    /// Failures within the window in the pool: of a stranger's name, not of the address.
    pub async fn failures_in(
        &self,
        store: &dyn Store,
        pool: &Pool,
        now: Timestamp,
    ) -> Result<u32, Unavailable> {
        let key = pool.key();
        Ok(store.failures(key, now, self.window).await?.0)
    }

    /// Failures within the window under a person's name, or of their device when that is known.
    pub async fn failures_of(
        &self,
        store: &dyn Store,
        username: &str,
        device: Option<String>,
        now: Timestamp,
    ) -> Result<u32, Unavailable> {
        let key = device.unwrap_or_else(|| name_key(username));
        Ok(store.failures(&key, now, self.window).await?.0)
    }

    /// Failures within the window from an address.
    pub async fn failures_from(
        &self,
        store: &dyn Store,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<u32, Unavailable> {
        Ok(store.failures(&address_key(address), now, self.window).await?.0)
    }

    /// Seconds until a try is looked at, after `count` failures of which the last was at `last`.
    /// From the limit on, the wait doubles with each failure: 2, 4, 8 … seconds after the last one.
    pub fn wait(&self, count: u32, limit: u32, last: Option<Timestamp>, now: Timestamp) -> u64 {
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

/// What belongs to one client: an address of IPv4, or a network of IPv6.
pub(crate) fn address_key(address: IpAddr) -> String {
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
