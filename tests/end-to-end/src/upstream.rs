//! A server in the LAN that keeps what reached it, byte for byte.
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use postern_vectors::Reply;

use crate::wire::{self, Kind, Message};

/// What every request is answered with, unless its path has an answer of its own.
pub const BODY: &str = "the upstream was reached\n";

/// A recording server. It serves until the test process ends.
pub struct Upstream {
    /// Where it listens.
    pub port: u16,
    server: Arc<Server>,
}

impl Upstream {
    /// Starts a server, with TLS when there is a configuration for it. `answers` are JSON
    /// documents by path; requests for them are not recorded.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(tls: Option<ServerConfig>, answers: BTreeMap<String, String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = Arc::new(Server {
            tls: tls.map(Arc::new),
            answers: Mutex::new(answers.into_iter().map(|(path, body)| (path, json(&body))).collect()),
            seen: Mutex::default(),
        });
        let serving = Arc::clone(&server);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        Self { port, server }
    }

    /// Answers a path with this document from now on.
    ///
    /// # Panics
    /// Not in practice.
    pub fn answer(&self, path: &str, document: &str) {
        self.reply(path, json(document));
    }

    /// Answers a path with this from now on.
    ///
    /// # Panics
    /// Not in practice.
    pub fn reply(&self, path: &str, reply: Reply) {
        self.server.answers.lock().expect("the server does not panic").insert(path.into(), reply);
    }

    /// The requests that came since the last call.
    ///
    /// # Panics
    /// Not in practice.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.server.seen.lock().expect("the server does not panic"))
    }
}

fn json(document: &str) -> Reply {
    let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    Reply { status: 200, headers, body: document.into() }
}

struct Server {
    tls: Option<Arc<ServerConfig>>,
    answers: Mutex<BTreeMap<String, Reply>>,
    seen: Mutex<Vec<Message>>,
}

impl Server {
    /// An error ends the connection, as it would in any server.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        match self.tls.clone() {
            Some(configuration) => {
                let connection = ServerConnection::new(configuration).map_err(io::Error::other)?;
                self.converse(&mut StreamOwned::new(connection, stream))
            }
            None => self.converse(&mut stream),
        }
    }

    fn converse(&self, stream: &mut (impl Read + Write)) -> io::Result<()> {
        while let Some(message) = wire::read(stream, Kind::Request)? {
            let line = message.start_line();
            let path = line.split(' ').nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            let poisoned = |_| io::Error::other("poisoned");
            let answer = self.answers.lock().map_err(poisoned)?.get(path).cloned();
            let reply = match answer {
                Some(reply) => reply,
                None => {
                    self.seen.lock().map_err(|_| io::Error::other("poisoned"))?.push(message);
                    let headers = vec![("content-type".to_owned(), b"text/plain".to_vec())];
                    Reply { status: 200, headers, body: BODY.into() }
                }
            };
            let mut bytes = format!("HTTP/1.1 {} Whatever\r\n", reply.status).into_bytes();
            for (name, value) in &reply.headers {
                bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
            }
            bytes.extend(format!("content-length: {}\r\n\r\n", reply.body.len()).into_bytes());
            bytes.extend(reply.body);
            stream.write_all(&bytes)?;
            stream.flush()?;
        }
        Ok(())
    }
}
