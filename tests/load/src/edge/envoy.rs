//! One Envoy with one worker, and a listener for each chain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::tools;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::chain::{self, Chain};
use super::client::Client;
use super::instructions::Instructions;
use super::nginx::Nginx;
use super::requests::Requests;
use super::row::Row;

/// How long the token validator may take to fetch its keys.
const PATIENCE: Duration = Duration::from_secs(20);

/// Envoy, or nginx: how the rest knows it.
pub(super) struct Proxy {
    ports: Vec<(Chain, u16)>,
    process: Process,
    /// `/proc/<pid>/task/<tid>/schedstat` of the one worker.
    schedstat: PathBuf,
    /// None where the kernel does not let us count.
    instructions: Option<Instructions>,
    _folder: TempDir,
}

impl Proxy {
    pub(super) fn envoy(chains: &[Chain]) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let ports: Vec<_> = chains.iter().map(|chain| (*chain, free_port())).collect();
        let file = folder.path().join("envoy.json");
        let text = configuration(&ports, free_port()).to_string();
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut command = Command::new(tools::envoy());
        command.arg("--config-path").arg(&file).args([
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ]);
        let mut process = Process::start("envoy", &command, &folder.path().join("envoy.log"));
        for (_, port) in &ports {
            process.wait_for_port(*port);
        }
        let worker = worker(process.id())?;
        let instructions = instructions_of(&worker);
        Ok(Self { ports, process, schedstat: worker.join("schedstat"), instructions, _folder: folder })
    }

    pub(super) fn nginx(chains: &[Chain]) -> Result<Self, String> {
        let Nginx { ports, process, schedstat, folder } = Nginx::start(chains)?;
        let instructions = schedstat.parent().and_then(instructions_of);
        Ok(Self { ports, process, schedstat, instructions, _folder: folder })
    }

    pub(super) fn port(&self, chain: Chain) -> u16 {
        self.ports.iter().find(|(known, _)| *known == chain).map_or(0, |(_, port)| *port)
    }

    /// What the worker has used of a processor so far, in nanoseconds.
    pub(super) fn worker_time(&self) -> Result<u64, String> {
        let text = fs::read_to_string(&self.schedstat)
            .map_err(|error| format!("{}: {error}", self.schedstat.display()))?;
        let first = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
        first.ok_or_else(|| format!("{}: no time in {text:?}", self.schedstat.display()))
    }

    /// The instructions that it has executed so far outside of the kernel.
    pub(super) fn worker_instructions(&self) -> Option<u64> {
        self.instructions.as_ref()?.so_far()
    }

    /// Waits until the row's chain lets its request through: keys are fetched after the start.
    pub(super) fn wait_until_ready(&self, row: &Row, requests: &mut Requests) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let request = requests.fresh(row.request);
            let sent =
                Client::connect(self.port(row.chain)).and_then(|mut client| client.send_all(&[request], 200));
            match sent {
                Ok(()) => return Ok(()),
                Err(problem) if begun.elapsed() > PATIENCE => {
                    return Err(format!("{}: {problem}\n{}", row.name, self.last_lines()));
                }
                Err(_) => thread::sleep(Duration::from_millis(200)),
            }
        }
    }

    /// The end of what it has printed.
    pub(super) fn last_lines(&self) -> String {
        let log = self.process.log();
        let lines: Vec<_> = log.lines().collect();
        lines.iter().rev().take(20).rev().map(|line| format!("{line}\n")).collect()
    }
}

/// The worker thread among the process's threads.
fn worker(process: u32) -> Result<PathBuf, String> {
    let tasks = PathBuf::from(format!("/proc/{process}/task"));
    let entries = fs::read_dir(&tasks).map_err(|error| format!("{}: {error}", tasks.display()))?;
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("wrk:worker")))
        .ok_or_else(|| "Envoy has no thread that is called wrk:worker".to_owned())
}

fn configuration(ports: &[(Chain, u16)], keys_port: u16) -> Value {
    let mut listeners: Vec<_> =
        ports.iter().map(|(chain, port)| listener(&format!("{chain:?}"), *port, chain.filters())).collect();
    listeners.push(keys(keys_port));
    json!({
        "static_resources": {
            "listeners": listeners,
            "clusters": [{
                "name": chain::KEYS_CLUSTER,
                "type": "STATIC",
                "connect_timeout": "3s",
                "load_assignment": { "cluster_name": chain::KEYS_CLUSTER, "endpoints": [
                    { "lb_endpoints": [{ "endpoint": { "address": address(keys_port) } }] }
                ] }
            }]
        }
    })
}

fn address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

fn listener(name: &str, port: u16, filters: Vec<Value>) -> Value {
    let answer = json!({ "status": 200, "body": { "inline_string": "the filters let it through\n" } });
    http(name, port, filters, &answer)
}

/// The issuer's keys.
fn keys(port: u16) -> Value {
    http("keys", port, vec![], &json!({ "status": 200, "body": { "inline_string": chain::jwks() } }))
}

fn http(name: &str, port: u16, mut filters: Vec<Value>, answer: &Value) -> Value {
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
    }));
    json!({
        "name": name,
        "address": address(port),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": name,
                "use_remote_address": true,
                "generate_request_id": false,
                "normalize_path": false,
                "merge_slashes": false,
                "http_filters": filters,
                "route_config": { "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "direct_response": answer }]
                }] }
            }
        }] }]
    })
}

/// Of the thread with this folder, `/proc/<pid>/task/<tid>`.
fn instructions_of(thread: &Path) -> Option<Instructions> {
    Instructions::of_thread(thread.file_name()?.to_str()?.parse().ok()?)
}
