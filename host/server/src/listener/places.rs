//! Places: how many may be in at a time, of all and of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded number of places.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: u32,
    each: u32,
    taken: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// A place that is taken until it is dropped.
pub(super) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, u32>>>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// `all` places, of which one address has `each` at most. An IPv6 network of 64 bits counts as one.
    pub(super) fn new(all: u32, each: u32) -> Self {
        Self { free: Arc::new(Semaphore::new(all as usize)), all, each, taken: Arc::default() }
    }

    /// Waits until any place is free. It is this caller's: [`Self::take`] follows.
    pub(super) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Takes the place for the address. None: that one has as many as it may.
    pub(super) fn take(&self, permit: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut taken = lock(&self.taken);
        let count = taken.entry(address).or_insert(0);
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Place { address, taken: Arc::clone(&self.taken), _permit: permit })
    }

    /// Waits until nobody is in any more.
    pub(super) async fn empty(&self) {
        let _ = self.free.acquire_many(self.all).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

fn lock(taken: &Mutex<HashMap<IpAddr, u32>>) -> std::sync::MutexGuard<'_, HashMap<IpAddr, u32>> {
    // A panic can't leave a count half changed.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_has_no_more_than_its_places_and_gets_them_back() {
        let places = Places::new(4, 2);
        let take = async |address: &str| {
            let permit = places.free().await.unwrap();
            places.take(permit, address.parse().unwrap())
        };
        let first = take("2001:db8::1").await.unwrap();
        let _second = take("2001:db8::2").await.unwrap();
        assert!(take("2001:db8::3").await.is_none(), "the same network");
        let _other = take("192.0.2.1").await.unwrap();
        let _last = take("::ffff:192.0.2.1").await.unwrap();
        assert!(places.free.try_acquire().is_err(), "all four are taken");
        drop(first);
        assert!(take("2001:db8::3").await.is_some());
        assert_eq!(lock(&places.taken).len(), 2, "what nobody holds is forgotten");
    }
}
