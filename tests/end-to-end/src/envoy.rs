//! The real Envoy.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::certificates::Issued;
use crate::process::Process;
use crate::tools;

/// A filter in front of the upstream.
pub struct Wasm<'a> {
    /// `endpoint-filter`: the file in `target/postern/filters`.
    pub name: &'a str,
    /// Its configuration, JSON.
    pub configuration: &'a str,
}

/// What stands behind Envoy.
pub struct Lan<'a> {
    /// The port of the loopback interface.
    pub port: u16,
    /// With TLS: the name in its certificate, the authority's certificate file, and what Envoy shows.
    pub tls: Option<(&'a str, &'a Path, &'a Issued)>,
}

/// A running Envoy.
pub struct Envoy {
    /// Where it listens for clients.
    pub port: u16,
    /// The process: its log has what the filters log.
    pub process: Process,
    access_log: PathBuf,
}

/// A line of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The status that the client got.
    pub status: u16,
    /// RESPONSE_CODE_DETAILS: the reason code, when a filter answered.
    pub details: String,
    /// The refusal in words, as the filter kept it in its state.
    pub refusal: String,
}

impl Envoy {
    /// Starts Envoy with these filters in front of the upstream, TLS towards clients.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn with_filters(
        folder: &Path,
        port: u16,
        certificate: &Issued,
        filters: &[Wasm<'_>],
        lan: &Lan<'_>,
    ) -> Self {
        let access_log = folder.join("access.log");
        let configuration = configuration(port, &access_log, certificate, filters, lan);
        Self::start(folder, &configuration.to_string(), port, access_log)
    }

    /// Starts Envoy with a whole configuration (JSON or YAML) that listens at the port and
    /// writes the access log there.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn start(folder: &Path, configuration: &str, port: u16, access_log: PathBuf) -> Self {
        let file = folder.join("envoy.yaml");
        fs::write(&file, configuration).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut command = Command::new(tools::envoy());
        command
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"])
            .args(["--component-log-level", "wasm:info", "--file-flush-interval-msec", "10"]);
        let mut process = Process::start("envoy", &command, &folder.join("envoy.log"));
        process.wait_for_port(port);
        Self { port, process, access_log }
    }

    /// How many requests have been logged.
    pub fn logged(&self) -> usize {
        self.lines().len()
    }

    /// The line of the request after the first `before` ones.
    ///
    /// # Panics
    /// When none comes within ten seconds.
    pub fn logged_after(&self, before: usize) -> Logged {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.lines().get(before) {
                return Logged::read(line);
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "Envoy logged no request:\n{}",
                self.process.log()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.access_log).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }
}

impl Logged {
    fn read(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let status = value["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or_default();
        Self { status, details: text("details"), refusal: text("refusal") }
    }
}

fn configuration(
    port: u16,
    access_log: &Path,
    certificate: &Issued,
    filters: &[Wasm<'_>],
    lan: &Lan<'_>,
) -> Value {
    let mut chain: Vec<Value> = filters.iter().map(wasm).collect();
    chain.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
    }));
    json!({ "static_resources": {
        "listeners": [{
            "name": "public",
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
            "filter_chains": [{
                "transport_socket": {
                    "name": "envoy.transport_sockets.tls",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                        "common_tls_context": {
                            "alpn_protocols": ["h2", "http/1.1"],
                            "tls_certificates": [chain_and_key(certificate)]
                        }
                    }
                },
                "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": "public",
                        "codec_type": "AUTO",
                        "normalize_path": false,
                        "merge_slashes": false,
                        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
                        "http_protocol_options": { "allow_absolute_url": false },
                        "stream_idle_timeout": "30s",
                        "request_timeout": "30s",
                        "access_log": [{
                            "name": "envoy.access_loggers.file",
                            "typed_config": {
                                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                                "path": access_log,
                                "log_format": { "json_format": {
                                    "status": "%RESPONSE_CODE%",
                                    "details": "%RESPONSE_CODE_DETAILS%",
                                    "refusal": "%FILTER_STATE(wasm.postern.refusal:PLAIN)%"
                                } }
                            }
                        }],
                        "http_filters": chain,
                        "route_config": { "virtual_hosts": [{
                            "name": "all", "domains": ["*"],
                            "routes": [
                                { "match": { "connect_matcher": {} }, "route": { "cluster": "lan" } },
                                { "match": { "prefix": "" }, "route": { "cluster": "lan" } }
                            ]
                        }] }
                    }
                }]
            }]
        }],
        "clusters": [cluster(lan)]
    } })
}

fn wasm(filter: &Wasm<'_>) -> Value {
    json!({
        "name": filter.name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": filter.name,
                "failure_policy": "FAIL_RELOAD",
                "allow_on_headers_stop_iteration": true,
                "vm_config": {
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": tools::filter(filter.name) } }
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": filter.configuration
                }
            }
        }
    })
}

fn cluster(lan: &Lan<'_>) -> Value {
    let mut cluster = json!({
        "name": "lan",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": "lan", "endpoints": [{ "lb_endpoints": [{ "endpoint": {
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": lan.port } }
        } }] }] }
    });
    if let Some((name, authority, shown)) = lan.tls {
        cluster["transport_socket"] = json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": name,
                "common_tls_context": {
                    "tls_certificates": [chain_and_key(shown)],
                    "validation_context": {
                        "trusted_ca": { "filename": authority },
                        "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": name } }]
                    }
                }
            }
        });
    }
    cluster
}

fn chain_and_key(certificate: &Issued) -> Value {
    json!({
        "certificate_chain": { "filename": certificate.certificate_file },
        "private_key": { "filename": certificate.key_file }
    })
}
