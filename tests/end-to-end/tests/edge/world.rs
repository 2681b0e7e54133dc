//! The generated configuration in a real proxy, with the endpoint filter, over both TLS legs.
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use postern_edge::{AccessLog, EdgePolicy, Limits, Node, TlsFiles, envoy_configuration, nginx_configuration};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::{Kind, Proxy};
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::{Answer, Message};
use postern_endpoint::{EdgeRules, EndpointPolicy};
use postern_vectors::endpoint_policy;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PUBLIC: &str = "sso.example.com";
const LAN: &str = "postern.lan";
pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// A proxy with the generated configuration in front of a recording upstream that demands a
/// client certificate.
pub(crate) struct Edge {
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
    pub(crate) upstream: Upstream,
    pub(crate) proxy: Proxy,
    /// Its files are there as long as the proxy.
    pub(crate) _folder: TempDir,
    access_log: PathBuf,
}

impl Edge {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {}, |configuration| configuration)
    }

    /// With rules in the filter's configuration, in place of the empty ones.
    pub(crate) fn start_with_rules(rules: &[(&str, &str)]) -> Self {
        Self::start_with(
            |_| {},
            |configuration| {
                rules.iter().fold(configuration, |text, (empty, rule)| {
                    assert!(text.contains(empty), "{empty} is not in the configuration");
                    text.replacen(empty, rule, 1)
                })
            },
        )
    }

    pub(crate) fn start_within(limits: Limits) -> Self {
        Self::start_with(|policy| policy.limits = limits, |configuration| configuration)
    }

    pub(crate) fn start_with(
        settings: impl FnOnce(&mut EdgePolicy),
        change: impl FnOnce(String) -> String,
    ) -> Self {
        let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
        let folder = tempfile::tempdir().expect("a folder");
        let outside = Authority::new(folder.path(), "outside");
        let inside = Authority::new(folder.path(), "inside");
        let (host, client) = (inside.issue("host", &[LAN]), inside.issue("client", &["edge"]));
        let upstream = Upstream::start(Some(inside.server(&host, true)), BTreeMap::new());
        let port = free_port();
        let origin = Origin::tls(port, PUBLIC, outside.client(None));
        let access_log = folder.path().join("access.log");
        let mut policy = policy(
            &origin,
            files(&outside.issue("edge", &[PUBLIC])),
            postern_edge::Upstream::postern(
                Node { address: "127.0.0.1".into(), port: upstream.port },
                LAN,
                inside.certificate_file(),
                files(&client),
            ),
            &access_log,
        );
        settings(&mut policy);
        let configuration = match kind {
            Kind::Envoy => envoy_configuration(&policy),
            Kind::Nginx => nginx_configuration(&policy),
        };
        let configuration = change(configuration.expect("a configuration"));
        let proxy = Proxy::start(kind, folder.path(), &configuration, port, access_log.clone());
        Self { kind, origin, upstream, proxy, _folder: folder, access_log }
    }

    /// Sends the bytes and waits for the line of the access log.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> (Answer, Value, Vec<Message>) {
        self.upstream.take();
        let before = self.lines().len();
        let answer =
            self.origin.exchange(bytes).unwrap_or_else(|error| panic!("{error}\n{}", self.proxy.log()));
        (answer, self.line(before), self.upstream.take())
    }

    pub(crate) fn request(&self, line: &str, headers: &str, body: &str) -> (Answer, Value, Vec<Message>) {
        let host = self.origin.authority();
        self.exchange(
            format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n{body}").as_bytes(),
        )
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.access_log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    pub(crate) fn line(&self, index: usize) -> Value {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(line) = self.lines().get(index) {
                return serde_json::from_str(line).expect("JSON");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no request was logged:\n{}", self.proxy.log());
    }
}

fn policy(origin: &Origin, tls: TlsFiles, upstream: postern_edge::Upstream, access_log: &Path) -> EdgePolicy {
    let table = EndpointPolicy::from_json(endpoint_policy(&origin.base_url()).as_bytes()).expect("a policy");
    EdgePolicy {
        listener: SocketAddr::from(([127, 0, 0, 1], origin.port)),
        tls,
        client_authority: None,
        key_clusters: Vec::new(),
        hosts: table.hosts,
        upstream,
        endpoints: table.endpoints,
        assets: table.assets,
        endpoint_filter: tools::filter("endpoint-filter"),
        saml_decoder: None,
        token_validator: None,
        guard: None,
        administration: None,
        access_log: AccessLog::File(access_log.into()),
        limits: Limits::default(),
        rules: EdgeRules::default(),
        feed: None,
    }
}

fn files(issued: &Issued) -> TlsFiles {
    TlsFiles { certificate_chain: issued.certificate_file.clone(), private_key: issued.key_file.clone() }
}

/// The reason in a line of the access log; `via_upstream`, as Envoy has it, where nothing was refused.
pub(crate) fn reason(log: &Value) -> &str {
    match log["reason"].as_str() {
        None | Some("") => "via_upstream",
        Some(reason) => reason,
    }
}

pub(crate) fn header<'a>(message: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    message.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect()
}

/// A UUID of Envoy's, or 32 digits of nginx's.
pub(crate) fn is_correlation_id(kind: Kind, text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match kind {
        Kind::Envoy => text.len() == 36 && text.bytes().all(|byte| byte == b'-' || digit(byte)),
        Kind::Nginx => text.len() == 32 && text.bytes().all(digit),
    }
}

/// The status that a client with that address gets.
pub(crate) fn status_from(edge: &Edge, address: Ipv4Addr) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((address, 0))).expect("an address of this machine");
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], edge.origin.port))).await;
        stream.and_then(tokio::net::TcpStream::into_std).expect("a connection")
    });
    stream.set_nonblocking(false).expect("a blocking socket");
    let tls = edge.origin.tls.clone().expect("TLS");
    let connection =
        rustls::ClientConnection::new(tls, PUBLIC.try_into().expect("a name")).expect("a client");
    let mut stream = rustls::StreamOwned::new(connection, stream);
    let request = format!(
        "GET /oauth2/jwks HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        edge.origin.authority()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("a status line");
    String::from_utf8_lossy(&status).rsplit(' ').next().and_then(|text| text.parse().ok()).expect("a status")
}
