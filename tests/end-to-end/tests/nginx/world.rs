//! The generated configuration in a real nginx with the module, over both TLS legs.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use postern_edge::{AccessLog, EdgePolicy, Limits, Node, TlsFiles, nginx_configuration};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::nginx::Nginx;
use postern_end_to_end::process::free_port;
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::{Answer, Message};
use postern_endpoint::{EdgeRules, EndpointPolicy};
use postern_vectors::endpoint_policy;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PUBLIC: &str = "sso.example.com";
pub(crate) const LAN: &str = "postern.lan";
pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// nginx in front of a recording upstream that demands a client certificate.
pub(crate) struct Edge {
    pub(crate) origin: Origin,
    pub(crate) upstream: Upstream,
    pub(crate) nginx: Nginx,
    pub(crate) configuration: String,
    pub(crate) folder: TempDir,
}

impl Edge {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {}, |configuration| configuration)
    }

    pub(crate) fn start_with(
        settings: impl FnOnce(&mut EdgePolicy),
        change: impl FnOnce(String) -> String,
    ) -> Self {
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
        let configuration = change(nginx_configuration(&policy).expect("a configuration"));
        let nginx = Nginx::start(folder.path(), &configuration, port, access_log);
        Self { origin, upstream, nginx, configuration, folder }
    }

    /// Sends the bytes and waits for the line of the access log.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> (Answer, Value, Vec<Message>) {
        self.upstream.take();
        let before = self.nginx.logged();
        let answer = self
            .origin
            .exchange(bytes)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.nginx.process.log()));
        (answer, self.nginx.logged_after(before), self.upstream.take())
    }

    pub(crate) fn request(&self, line: &str, headers: &str, body: &str) -> (Answer, Value, Vec<Message>) {
        let host = self.origin.authority();
        self.exchange(
            format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n{body}").as_bytes(),
        )
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

/// What it decides is tested elsewhere, and compiling it takes long.
pub(crate) fn without_endpoint_filter(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("postern_module endpoint-filter"));
    let mut depth = 0_i64;
    let kept: Vec<&str> = lines
        .filter(|line| {
            let begins = line.contains("postern_filter_inline endpoint-filter");
            let is_inside = begins || depth > 0;
            if is_inside {
                let count = |brace| i64::try_from(line.matches(brace).count()).expect("few");
                depth += count('{') - count('}');
            }
            !is_inside
        })
        .collect();
    kept.join("\n") + "\n"
}
