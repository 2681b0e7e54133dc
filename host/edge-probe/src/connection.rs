//! One request on one connection: TCP, TLS, and the bytes as they are.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::outcome::Answer;

/// Most of an answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Where and how to connect.
#[derive(Clone)]
pub struct Dial {
    address: SocketAddr,
    name: ServerName<'static>,
    configuration: Arc<ClientConfig>,
    /// For connecting, and for the whole answer.
    time: Duration,
}

/// Why nothing could be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// The host has no address, or the name none in TLS.
    #[error("{0} can't be resolved")]
    Name(String),
    /// No connection, or no TLS.
    #[error("{address}: {error}")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// Certificates of authorities can't be read.
    #[error("certificates of authorities: {0}")]
    Authorities(String),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Authorities from a PEM file.
///
/// # Errors
/// [`Unreachable::Authorities`] when there is none in it.
pub fn roots_from_pem(pem: &[u8]) -> Result<RootCertStore, Unreachable> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| Unreachable::Authorities(error.to_string()))?;
        // A system's bundle can hold certificates that are no longer fit: they are left out.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(Unreachable::Authorities("there is none".into()));
    }
    Ok(roots)
}

impl Dial {
    /// Connects to `host` at `port`, or at `address` when it is given. The certificate has to be
    /// the host's either way.
    ///
    /// # Errors
    /// [`Unreachable`] when the name has no address.
    pub fn new(
        host: &str,
        port: u16,
        address: Option<SocketAddr>,
        roots: RootCertStore,
        time: Duration,
    ) -> Result<Self, Unreachable> {
        let unknown = || Unreachable::Name(host.to_owned());
        let bare = host.trim_matches(['[', ']']);
        let address = match address {
            Some(address) => address,
            None => {
                (bare, port).to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(unknown)?
            }
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut configuration = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // HTTP/1.1 by name, so that a proxy does not choose HTTP/2.
        configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| unknown())?;
        Ok(Self { address, name, configuration: Arc::new(configuration), time })
    }

    /// Sends the bytes and reads one answer.
    ///
    /// # Errors
    /// [`Unreachable`] when there is no connection. What happens after the first byte is an
    /// [`Answer`].
    pub fn exchange(&self, request: &[u8]) -> Result<Answer, Unreachable> {
        let connect = |error| Unreachable::Connect { address: self.address, error };
        let socket = TcpStream::connect_timeout(&self.address, self.time).map_err(connect)?;
        let _ = socket.set_nodelay(true);
        socket.set_write_timeout(Some(self.time)).map_err(connect)?;
        socket.set_read_timeout(Some(self.time)).map_err(connect)?;
        let mut tls = ClientConnection::new(Arc::clone(&self.configuration), self.name.clone())?;
        let mut handshaking = socket;
        while tls.is_handshaking() {
            tls.complete_io(&mut handshaking).map_err(connect)?;
        }
        let mut stream = StreamOwned::new(tls, handshaking);
        // A proxy may refuse and close before it has read everything: its answer still counts.
        let sent = stream.write_all(request).and_then(|()| stream.flush());
        Ok(match self.read(&mut stream) {
            Answer::Silent if sent.is_err() => Answer::Closed,
            answer => answer,
        })
    }

    fn read(&self, stream: &mut impl Read) -> Answer {
        let until = deadline(self.time);
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return parse(&bytes).unwrap_or(Answer::Silent);
                }
                // A peer that closes TLS without saying so, or resets.
                Err(_) => break,
            }
            if is_whole(&bytes) || bytes.len() > MAX_ANSWER || has_passed(until) {
                break;
            }
        }
        parse(&bytes).unwrap_or(Answer::Closed)
    }
}

fn deadline(time: Duration) -> Instant {
    Instant::now() + time
}

fn has_passed(until: Instant) -> bool {
    Instant::now() > until
}

/// Whether the announced body is there.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(Answer::Response { headers, body, .. }) = parse(bytes) else { return false };
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => header("transfer-encoding").is_some() && body.ends_with(b"0\r\n\r\n"),
    }
}

/// Reads a response as far as it is there; informational ones are left out.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = bytes.split_at(end);
    let body = rest.get(4..).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse::<u16>().ok()?;
    if (100..200).contains(&status) {
        return parse(body);
    }
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer::Response { status, headers, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_far_as_it_is_there() {
        let whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nServer: edge\r\nContent-Length: 3\r\n\r\nabc";
        assert!(is_whole(whole));
        assert!(!is_whole(&whole[..whole.len() - 1]));
        let Some(Answer::Response { status, headers, body }) = parse(whole) else { panic!() };
        assert_eq!((status, body.as_slice()), (404, &b"abc"[..]));
        assert_eq!(headers[0], ("server".into(), "edge".into()));
        assert_eq!(parse(b"HTTP/1.1 404"), None);
        assert_eq!(parse(b"garbage\r\n\r\n"), None);
    }

    #[test]
    fn a_bundle_without_certificates_is_an_error() {
        assert!(roots_from_pem(b"").is_err());
    }
}
