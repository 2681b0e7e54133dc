//! HTTP/2 frame by frame (RFC 9113 section 4), for what no client library sends: padded frames,
//! frames of one byte, trailers.
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::client::Origin;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
/// The only stream.
const STREAM: u32 = 1;

/// A connection with one request on it. Envoy resets the request when it is dropped.
pub struct Http2Request {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Http2Request {
    /// Connects and sends the headers; a body follows.
    ///
    /// # Errors
    /// When the origin has no TLS or the connection breaks.
    pub fn begin(
        origin: &Origin,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut configuration = origin.tls.as_deref().ok_or("HTTP/2 needs TLS here")?.clone();
        configuration.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(origin.name.clone()).map_err(|error| error.to_string())?;
        let connection =
            ClientConnection::new(Arc::new(configuration), name).map_err(|error| error.to_string())?;
        let address = SocketAddr::from(([127, 0, 0, 1], origin.port));
        let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
        socket.set_write_timeout(Some(Duration::from_secs(30))).map_err(|error| error.to_string())?;
        let mut request = Self { stream: StreamOwned::new(connection, socket) };
        let authority = origin.authority();
        let pseudo =
            [(":method", method), (":scheme", "https"), (":authority", &authority), (":path", target)];
        request.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        request.frame(SETTINGS, 0, 0, &[])?;
        let fields: Vec<_> = pseudo.iter().chain(headers).copied().collect();
        request.frame(HEADERS, END_HEADERS, STREAM, &field_block(&fields))?;
        Ok(request)
    }

    /// A DATA frame, with that many bytes of padding when there are any (255 at most).
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn data(&mut self, bytes: &[u8], padding: u8, last: bool) -> Result<(), String> {
        let end = if last { END_STREAM } else { 0 };
        if padding == 0 {
            return self.frame(DATA, end, STREAM, bytes);
        }
        let padded = [&[padding], bytes, &vec![0; usize::from(padding)]].concat();
        self.frame(DATA, end | PADDED, STREAM, &padded)
    }

    /// Trailers, which end the request.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn trailers(&mut self, fields: &[(&str, &str)]) -> Result<(), String> {
        self.frame(HEADERS, END_HEADERS | END_STREAM, STREAM, &field_block(fields))
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<(), String> {
        let length = u32::try_from(payload.len()).map_err(|error| error.to_string())?;
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.write(&frame)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).map_err(|error| error.to_string())
    }
}

/// Literal fields without indexing and without Huffman code (RFC 7541 section 6.2.2).
fn field_block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(text.len(), &mut block);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of 7 bits (RFC 7541 section 5.1).
fn integer(number: usize, block: &mut Vec<u8>) {
    let byte = |value: usize| u8::try_from(value).expect("a byte");
    if number < 127 {
        return block.push(byte(number));
    }
    block.push(127);
    let mut rest = number - 127;
    while rest >= 128 {
        block.push(byte(rest % 128 + 128));
        rest /= 128;
    }
    block.push(byte(rest));
}
