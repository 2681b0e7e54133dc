//! The load: requests over a few kept connections, every answer read and its status compared.
//!
//! All connections get a request, then all answers are read, so that the proxy is busy with many
//! requests each time it wakes up. The generator itself never sleeps: on a machine of a few processors
//! each answer would wake it, and in a virtual machine that costs the proxy's worker some microseconds.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Connections, and requests under way at a time.
pub(super) const CONNECTIONS: usize = 64;

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

pub(super) struct Client {
    connections: Vec<TcpStream>,
}

impl Client {
    pub(super) fn connect(port: u16) -> Result<Self, String> {
        let connect = || -> std::io::Result<TcpStream> {
            let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let connections = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_, _>>();
        Ok(Self { connections: connections.map_err(|error| format!("no connection: {error}"))? })
    }

    /// Sends every request and demands the status of each answer.
    pub(super) fn send_all(&mut self, requests: &[Vec<u8>], status: u16) -> Result<(), String> {
        for some in requests.chunks(CONNECTIONS) {
            for (connection, request) in self.connections.iter_mut().zip(some) {
                connection.write_all(request).map_err(|error| format!("sending: {error}"))?;
            }
            for connection in self.connections.iter_mut().take(some.len()) {
                connection.set_nonblocking(true).map_err(|error| format!("reading: {error}"))?;
                let answer = answer(connection)?;
                connection.set_nonblocking(false).map_err(|error| format!("sending: {error}"))?;
                let found = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
                if found != Some(status.to_string().as_str()) {
                    let text = String::from_utf8_lossy(&answer).into_owned();
                    return Err(format!("expected {status}, found:\n{text}"));
                }
            }
        }
        Ok(())
    }
}

/// One whole answer: its head, and as much body as it announces.
fn answer(connection: &mut TcpStream) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let begun = Instant::now();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize =
                length.and_then(|text| text.trim().parse().ok()).ok_or("an answer without a length")?;
            if bytes.len() >= end.saturating_add(4).saturating_add(length) {
                return Ok(bytes);
            }
        }
        match connection.read(&mut buffer) {
            Ok(0) => return Err("the connection was closed within an answer".into()),
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if begun.elapsed() > PATIENCE {
                    return Err("no answer".into());
                }
                std::hint::spin_loop();
                continue;
            }
            Err(error) => return Err(format!("reading: {error}")),
        }
        if bytes.len() > MAX_ANSWER {
            return Err("an answer that is too long".into());
        }
    }
}
