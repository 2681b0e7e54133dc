//! A TLS listener: bounded in connections, in time and in the size of what it reads.

mod connection;
mod frames;
mod guarded;
mod places;
mod serve;
mod tls;
mod watch;

pub(crate) use postern_http1::{RawRequest, RefusedHead};
pub(crate) use serve::{Limits, Listener, Peer, Tls};
pub(crate) use tls::{ClientCertificates, TlsError, server_config};

#[cfg(test)]
pub(crate) mod tests;
