//! HTTP calls of authenticators to hosts that the operator granted.
//!
//! The component says a URL; the operator said which hosts ([`Grant`]) it may call. Its name is resolved once,
//! each address that it leads to is judged ([`network`]), and the connection goes to an address that was judged,
//! so that a name which changes what it leads to gains nothing. TLS is verified by the name. There are no
//! redirects, cookies, proxies, kept connections or content codings; time, sizes and calls at a time are bounded.
#![forbid(unsafe_code)]

mod answer;
mod authorities;
mod cache;
mod connection;
mod credential;
mod exchange;
mod grant;
pub mod network;
mod request;
mod resolver;
mod target;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use postern_kernel::clock::Clock;
use postern_kernel::outbound::{
    Outbound, OutboundAnswer, OutboundError, OutboundFailure, OutboundMethod, OutboundRequest,
};
use tokio::sync::Semaphore;

pub use authorities::{Authorities, AuthoritiesError};
pub use credential::{Credential, CredentialKind};
pub use grant::{Grant, GrantError};
pub use network::Network;
pub use resolver::{Resolver, SystemResolver};

use cache::Cache;
use connection::Connector;
use resolver::Lookups;
use target::Target;

/// A whole call, from the name to the answer's last byte.
const WHOLE: Duration = Duration::from_secs(10);
/// Calls under way at a time, of one authenticator. More are refused: they would wait for the same host.
const AT_A_TIME: usize = 8;

/// What the operator grants an authenticator.
#[derive(Debug, Default)]
pub struct Policy {
    /// Hosts that it may call.
    pub hosts: Vec<Grant>,
    /// Networks that names may lead to although they are not public.
    pub networks: Vec<Network>,
    /// Secrets by their names, each for one of the hosts.
    pub credentials: BTreeMap<String, Credential>,
}

/// Calls by HTTP/1.1.
pub struct HttpOutbound {
    authenticators: BTreeMap<String, Authenticator>,
    connector: Connector,
    clock: Arc<dyn Clock>,
}

/// What one authenticator may, and what is kept for it.
struct Authenticator {
    policy: Policy,
    under_way: Semaphore,
    lookups: Lookups,
    kept: Mutex<Cache>,
}

impl HttpOutbound {
    /// Calls within `policies`, which are by authenticator, over TLS by `authorities`.
    pub fn new(
        policies: BTreeMap<String, Policy>,
        authorities: &Authorities,
        resolver: Arc<dyn Resolver>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let authenticator = |policy| Authenticator {
            policy,
            under_way: Semaphore::new(AT_A_TIME),
            lookups: Lookups::new(),
            kept: Mutex::new(Cache::default()),
        };
        let authenticators =
            policies.into_iter().map(|(name, policy)| (name, authenticator(policy))).collect();
        Self { authenticators, connector: Connector::new(authorities, resolver), clock }
    }
}

#[async_trait]
impl Outbound for HttpOutbound {
    async fn send(
        &self,
        authenticator: &str,
        request: OutboundRequest,
    ) -> Result<OutboundAnswer, OutboundError> {
        let ungranted = |detail: String| OutboundError::new(OutboundFailure::Ungranted, detail);
        let authenticator = self
            .authenticators
            .get(authenticator)
            .ok_or_else(|| ungranted("no host is granted to it".into()))?;
        let policy = &authenticator.policy;
        let target = Target::read(&request.url)?;
        if !policy.hosts.iter().any(|grant| grant.covers(&target)) {
            return Err(ungranted(format!("{} is not in its grants.outbound", target.authority())));
        }
        let credential = match &request.credential {
            None => None,
            Some(name) => {
                let found = policy.credentials.get(name).filter(|credential| credential.is_for(&target));
                let missing = || ungranted(format!("it has no secret {name:?} for {}", target.authority()));
                Some(found.ok_or_else(missing)?)
            }
        };
        let message = request::message(&request, &target, credential)?;
        let key = is_kept(&request).then(|| cache::key(&request));
        if let Some(key) = key.as_ref().filter(|_| request.cached)
            && let Some(kept) = authenticator.kept().get(key, self.clock.now())
        {
            return Ok(kept);
        }
        let busy = |_| OutboundError::new(OutboundFailure::Busy, format!("{AT_A_TIME} calls are under way"));
        let _place = authenticator.under_way.try_acquire().map_err(busy)?;
        let answered = async {
            let stream = self.connector.connect(&target, &policy.networks, &authenticator.lookups).await?;
            exchange::exchange(stream, message).await
        };
        let late = |_| OutboundError::new(OutboundFailure::TimedOut, format!("no answer after {WHOLE:?}"));
        let answer = tokio::time::timeout(WHOLE, answered).await.map_err(late)??;
        if let Some(key) = key {
            authenticator.kept().put(key, &answer, self.clock.now());
        }
        Ok(answer)
    }
}

impl Authenticator {
    fn kept(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an answer may be given to another call too.
fn is_kept(request: &OutboundRequest) -> bool {
    let is_authorized = request.headers.iter().any(|(name, _)| name == "authorization");
    request.method == OutboundMethod::Get && request.credential.is_none() && !is_authorized
}
