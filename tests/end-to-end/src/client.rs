//! A client that sends exact bytes.
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use postern_vectors::Request;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::wire::{self, Answer, Kind};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where requests go: a server at a port of the loopback interface.
#[derive(Clone)]
pub struct Origin {
    /// The port.
    pub port: u16,
    /// The name that the server is asked for, in TLS and in `host`.
    pub name: String,
    /// None: plain HTTP.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Origin {
    /// Plain HTTP.
    pub fn plain(port: u16) -> Self {
        Self { port, name: "localhost".into(), tls: None }
    }

    /// TLS.
    pub fn tls(port: u16, name: &str, configuration: ClientConfig) -> Self {
        Self { port, name: name.into(), tls: Some(Arc::new(configuration)) }
    }

    /// `name:port`.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }

    /// `https://name:port`.
    pub fn base_url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.authority())
    }

    /// Sends the request of a vector.
    ///
    /// # Errors
    /// When the connection breaks before a whole answer came.
    pub fn send(&self, request: &Request) -> Result<Answer, String> {
        self.exchange(&wire::request(request, &self.authority()))
    }

    /// Sends the bytes on a connection of their own and reads one answer.
    ///
    /// # Errors
    /// As [`Origin::send`].
    pub fn exchange(&self, bytes: &[u8]) -> Result<Answer, String> {
        let answer = match self.tls.clone() {
            Some(configuration) => {
                let name = ServerName::try_from(self.name.clone()).map_err(|error| error.to_string())?;
                let connection =
                    ClientConnection::new(configuration, name).map_err(|error| error.to_string())?;
                talk(&mut Encrypted(StreamOwned::new(connection, self.connect()?)), bytes)
            }
            None => talk(&mut self.connect()?, bytes),
        };
        answer.map_err(|error| format!("{}: {error}", self.base_url()))
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        Ok(stream)
    }
}

/// A TLS stream that can still be read when it can't be written any more: the answer of a server
/// that closed early is there, while `StreamOwned` would go on trying to send before it reads.
struct Encrypted(StreamOwned<ClientConnection, TcpStream>);

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let StreamOwned { conn, sock } = &mut self.0;
        loop {
            match conn.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if conn.read_tls(sock)? == 0 {
                return Ok(0);
            }
            conn.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl Write for Encrypted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn talk(stream: &mut (impl Read + Write), bytes: &[u8]) -> Result<Answer, String> {
    // A server may answer and close before it has read everything: the answer is what counts.
    let written = stream.write_all(bytes).and_then(|()| stream.flush());
    let kind = if bytes.starts_with(b"HEAD ") { Kind::ResponseToHead } else { Kind::Response };
    match wire::read_answer(stream, kind) {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(format!("closed without an answer ({written:?})")),
        Err(error) => Err(format!("{error} ({written:?})")),
    }
}
