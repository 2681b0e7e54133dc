//! From a target to a connection: the name is resolved once, every address is judged, and one that was judged
//! is connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use postern_kernel::outbound::{OutboundError, OutboundFailure};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::authorities::Authorities;
use crate::network::{self, Network};
use crate::resolver::{Lookups, Resolver};
use crate::target::{Host, Target};

/// Until the name is resolved, and again until TLS is up.
const CONNECTING: Duration = Duration::from_secs(3);
/// Addresses that are tried, one after the other.
const TRIED: usize = 4;

/// A connection, with TLS or, to a loopback address, without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Makes connections.
pub(crate) struct Connector {
    tls: TlsConnector,
    resolver: Arc<dyn Resolver>,
}

impl Connector {
    pub(crate) fn new(authorities: &Authorities, resolver: Arc<dyn Resolver>) -> Self {
        Self { tls: TlsConnector::from(Arc::clone(&authorities.tls)), resolver }
    }

    /// Connects, when every address that the target's name leads to may be called.
    ///
    /// # Errors
    /// What the connection failed by.
    pub(crate) async fn connect(
        &self,
        target: &Target,
        granted: &[Network],
        lookups: &Lookups,
    ) -> Result<Box<dyn Stream>, OutboundError> {
        let addresses = in_time(self.addresses(target, granted, lookups)).await?;
        in_time(async {
            let stream = tcp(&addresses, target.place.port).await?;
            if !target.is_secure {
                return Ok(Box::new(stream) as Box<dyn Stream>);
            }
            let name = match &target.place.host {
                Host::Address(address) => ServerName::IpAddress((*address).into()),
                Host::Name(name) => ServerName::try_from(name.clone())
                    .map_err(|error| OutboundError::new(OutboundFailure::Invalid, error))?,
            };
            let stream = self.tls.connect(name, stream).await.map_err(|error| tls_failed(&error))?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
        .await
    }

    async fn addresses(
        &self,
        target: &Target,
        granted: &[Network],
        lookups: &Lookups,
    ) -> Result<Vec<IpAddr>, OutboundError> {
        let addresses = match &target.place.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => lookups.resolve(&self.resolver, name).await.map_err(|error| {
                OutboundError::new(OutboundFailure::Unreachable, format!("not resolved: {error}"))
            })?,
        };
        // One that is refused refuses all: a name that leads inside as well as outside is not to be trusted.
        for address in &addresses {
            network::judge(*address, granted).map_err(|refused| {
                OutboundError::new(OutboundFailure::RefusedAddress, format!("{address}: {refused}"))
            })?;
        }
        Ok(addresses)
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, OutboundError>>) -> Result<T, OutboundError> {
    let late =
        |_| OutboundError::new(OutboundFailure::TimedOut, format!("no connection after {CONNECTING:?}"));
    tokio::time::timeout(CONNECTING, work).await.map_err(late)?
}

/// The first address that answers.
async fn tcp(addresses: &[IpAddr], port: u16) -> Result<TcpStream, OutboundError> {
    let mut last = io::Error::other("the name has no address");
    for address in addresses.iter().take(TRIED) {
        match TcpStream::connect(SocketAddr::new(*address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(OutboundError::new(OutboundFailure::Unreachable, last))
}

fn tls_failed(error: &io::Error) -> OutboundError {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    let failure = if is_tls { OutboundFailure::Tls } else { OutboundFailure::Unreachable };
    OutboundError::new(failure, error)
}
