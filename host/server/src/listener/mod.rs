//! A TLS listener: bounded in connections, in time and in the size of what it reads.

mod serve;
mod tls;

pub(crate) use serve::{Limits, Listener, Peer, Tls};
pub(crate) use tls::{ClientCertificates, TlsError, server_config};
