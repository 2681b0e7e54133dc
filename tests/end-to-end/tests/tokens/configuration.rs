//! The proxies' configurations, with one filter.
use std::fs;
use std::path::{Path, PathBuf};

use postern_end_to_end::certificates::{Authority, Issued};
use serde_json::{Value, json};

use crate::world::KeyHost;

/// What a listener with TLS shows, and whose certificates of clients it takes.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    clients: PathBuf,
}

impl Tls {
    pub(crate) fn new(server: &Issued, clients: &Authority) -> Self {
        Self {
            certificate: server.certificate_file.clone(),
            key: server.key_file.clone(),
            clients: clients.certificate_file(),
        }
    }

    fn transport_socket(&self) -> Value {
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": { "filename": self.certificate },
                        "private_key": { "filename": self.key },
                    }],
                    "validation_context": { "trusted_ca": { "filename": self.clients } },
                },
            },
        })
    }
}

/// The configuration of Envoy.
pub(crate) fn bootstrap(
    folder: &Path,
    listener: &str,
    lan: u16,
    hosts: &[&KeyHost],
    is_dynamic: bool,
) -> String {
    let mut clusters = cluster("lan", lan);
    for (number, host) in hosts.iter().enumerate() {
        clusters += &cluster(&format!("keys-{number}"), host.port);
    }
    let clusters = format!("  clusters:{clusters}\n");
    if !is_dynamic {
        return format!("static_resources:\n  listeners:\n{listener}{clusters}");
    }
    let file = folder.join("listeners.yaml");
    fs::write(&file, resources(listener)).expect("a file");
    let source = format!("{{ path: {} }}", file.display());
    format!(
        "node: {{ id: edge, cluster: edge }}\ndynamic_resources:\n  lds_config: {{ \
         path_config_source: {source}, resource_api_version: V3 }}\nstatic_resources:\n{clusters}"
    )
}

/// The configuration of nginx. The filter's is in `filter.json`.
pub(crate) fn nginx(
    folder: &Path,
    port: u16,
    lan: u16,
    filter: &Path,
    tls: Option<&Tls>,
    hosts: &[&KeyHost],
) -> String {
    let clusters: String = hosts
        .iter()
        .enumerate()
        .map(|(number, host)| format!("  postern_cluster keys-{number} http://127.0.0.1:{};\n", host.port))
        .collect();
    let tls = tls.map_or_else(String::new, |Tls { certificate, key, clients }| {
        format!(
            "    ssl_certificate {};\n    ssl_certificate_key {};\n    ssl_client_certificate {};\n    \
             ssl_verify_client optional;\n",
            certificate.display(),
            key.display(),
            clients.display()
        )
    });
    include_str!("nginx.conf")
        .replace("@PORT@", &format!("{port}{}", if tls.is_empty() { "" } else { " ssl" }))
        .replace("@LAN@", &lan.to_string())
        .replace("@FILTER@", &filter.to_string_lossy())
        .replace("@FOLDER@", &folder.to_string_lossy())
        .replace("@CLUSTERS@", clusters.trim_end())
        .replace("@TLS@", tls.trim_end())
}

/// The entry of a list of listeners.
pub(crate) fn listener(
    port: u16,
    access_log: &Path,
    filter: &Path,
    tls: Option<&Tls>,
    configuration: &Value,
) -> String {
    let socket = tls.map_or_else(String::new, |tls| {
        format!("    - transport_socket: {}\n      filters:\n", tls.transport_socket())
    });
    let plain = "    - filters:\n";
    include_str!("listener.yaml")
        .replacen(plain, if tls.is_some() { &socket } else { plain }, 1)
        .replace("@PORT@", &port.to_string())
        .replace("@ACCESS_LOG@", &access_log.to_string_lossy())
        .replace("@FILTER@", &filter.to_string_lossy())
        .replace("@CONFIGURATION@", &configuration.to_string())
}

/// The file of a listener discovery service.
pub(crate) fn resources(listener: &str) -> String {
    let typed = "- \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n    name: http\n";
    format!("resources:\n{}", listener.replacen("- name: http\n", typed, 1))
}

fn cluster(name: &str, port: u16) -> String {
    format!(
        "
  - name: {name}
    type: STATIC
    load_assignment:
      cluster_name: {name}
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }}"
    )
}
