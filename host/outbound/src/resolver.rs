//! Names to addresses.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// Lookups at a time. The system's resolver can't be interrupted: a name server that is away must not use up
/// the threads that the store needs.
const AT_A_TIME: usize = 64;

/// Those of one authenticator. Others have places left when its names are slow to resolve.
const OF_ONE: usize = 4;

/// Who resolves names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of the name.
    ///
    /// # Errors
    /// When there are none, or nobody tells them.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// An authenticator's lookups: a few at a time, of which each has its place until it ends, also when the call that
/// began it has not waited so long.
pub(crate) struct Lookups(Arc<Semaphore>);

impl Lookups {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(OF_ONE)))
    }

    /// All addresses of the name. Waits for a place.
    pub(crate) async fn resolve(&self, resolver: &Arc<dyn Resolver>, name: &str) -> io::Result<Vec<IpAddr>> {
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(io::Error::other)?;
        let (resolver, name) = (Arc::clone(resolver), name.to_owned());
        let looked_up = tokio::spawn(async move {
            let _place = place;
            resolver.resolve(&name).await
        });
        looked_up.await.map_err(io::Error::other)?
    }
}

/// As the system does it: `/etc/hosts`, name servers.
pub struct SystemResolver {
    under_way: Arc<Semaphore>,
}

impl SystemResolver {
    /// The system's resolver.
    pub fn new() -> Self {
        Self { under_way: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        use std::net::ToSocketAddrs as _;
        let place = Arc::clone(&self.under_way).try_acquire_owned();
        let place = place.map_err(|_| io::Error::other("too many lookups are under way"))?;
        let name = name.to_owned();
        let looked_up = tokio::task::spawn_blocking(move || {
            // Given back when the lookup ends, not when nobody waits for it any more.
            let _place = place;
            (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
        });
        looked_up.await.map_err(io::Error::other)?
    }
}
