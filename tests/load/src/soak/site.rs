//! nginx with `guard.wasm`, as `postern edge config` writes it, before an upstream of ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use postern_edge::{
    AccessLog, CALLOUT_CLUSTER, EdgePolicy, Guard, Limits, Node, TlsFiles, Upstream as EdgeUpstream,
    nginx_configuration,
};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::nginx::{Nginx, children};
use postern_end_to_end::process::free_port;
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_endpoint::{EdgeRules, EndpointPolicy};
use postern_vectors::endpoint_policy;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::errors::Ledger;
use super::watch::Watch;
use crate::edge::chain;
use crate::edge::requests::{BASE_URL, HOST};

const LAN: &str = "postern.lan";
/// For anything that nginx is to do; after an upgrade it compiles the filters anew.
const PATIENCE: Duration = Duration::from_secs(300);
/// Rates are not what is looked at.
const UNLIMITED: u32 = 1_000_000;

pub(super) struct Site {
    pub(super) origin: Origin,
    pub(super) upstream: Upstream,
    log: PathBuf,
    workers: usize,
    /// Ends nginx when this program is killed. Before the folder: it reads files there.
    _watch: Watch,
    folder: TempDir,
}

impl Site {
    pub(super) fn start(workers: usize) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (outside, inside) =
            (Authority::new(folder.path(), "outside"), Authority::new(folder.path(), "inside"));
        let (host, client) = (inside.issue("host", &[LAN]), inside.issue("client", &["edge"]));
        let keys = BTreeMap::from([(chain::KEYS_PATH.to_owned(), chain::jwks())]);
        let upstream = Upstream::start(Some(inside.server(&host, true)), keys);
        let port = free_port();
        let origin = Origin::tls(port, HOST, outside.client(None));
        let access_log = folder.path().join("access.log");
        let table = EndpointPolicy::from_json(endpoint_policy(BASE_URL).as_bytes())
            .map_err(|error| error.to_string())?;
        let guard = |wasm: &str, configuration| Some(Guard { wasm: tools::filter(wasm), configuration });
        let policy = EdgePolicy {
            listener: ([127, 0, 0, 1], port).into(),
            tls: files(&outside.issue("edge", &[HOST])),
            // HTTP/2's client of ours names the port.
            hosts: [table.hosts, vec![origin.authority()]].concat(),
            upstream: EdgeUpstream::postern(
                Node { address: "127.0.0.1".into(), port: upstream.port },
                LAN,
                inside.certificate_file(),
                files(&client),
            ),
            endpoints: table.endpoints,
            assets: table.assets,
            endpoint_filter: tools::filter("endpoint-filter"),
            saml_decoder: guard("saml-decoder", chain::saml_configuration()),
            token_validator: guard("token-validator", chain::token_configuration(true, CALLOUT_CLUSTER)),
            guard: Some(tools::filter("guard")),
            administration: None,
            access_log: AccessLog::File(access_log.clone()),
            limits: Limits {
                requests_per_second: UNLIMITED,
                client_requests_per_second: UNLIMITED,
                client_burst: UNLIMITED,
                ..Limits::default()
            },
            rules: EdgeRules::default(),
            feed: None,
            client_authority: None,
            key_clusters: Vec::new(),
        };
        let configuration = nginx_configuration(&policy).map_err(|error| error.to_string())?;
        let count = u32::try_from(workers).map_err(|error| error.to_string())?;
        let log = folder.path().join("nginx.log");
        let watch = Watch::over(folder.path()).map_err(|error| error.to_string())?;
        Nginx::start_daemon(count, folder.path(), &configuration, &log)?;
        let site = Self { origin, upstream, log, workers, _watch: watch, folder };
        site.wait("its workers", || site.workers().len() == workers)?;
        Ok(site)
    }

    /// The master that serves now, after upgrades another one than was started.
    pub(super) fn master(&self) -> u32 {
        // While one takes the place of the other there is no file.
        let file = self.folder.path().join("nginx.pid");
        for _ in 0..100 {
            match pid_in(&file) {
                Some(id) => return id,
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
        0
    }

    pub(super) fn workers(&self) -> Vec<u32> {
        children(self.master()).into_iter().filter(|id| is_worker(*id)).collect()
    }

    pub(super) fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(), String> {
        send(self.master(), signal)
    }

    pub(super) fn reload(&self) -> Result<(), String> {
        // The recording server keeps what it saw.
        drop(self.upstream.take());
        let old = self.workers();
        self.signal(Signal::HUP)?;
        self.wait("new workers", || {
            let now = self.workers();
            now.iter().filter(|id| !old.contains(id)).count() >= self.workers
        })
    }

    pub(super) fn wait_until_old_workers_are_gone(&self) -> Result<(), String> {
        self.wait("the end of the old workers", || self.workers().len() == self.workers)
    }

    pub(super) fn kill_a_worker(&self, ledger: &Ledger) -> Result<(), String> {
        self.wait_until_old_workers_are_gone()?;
        let Some(worker) = self.workers().first().copied() else { return Err("no worker to kill".into()) };
        ledger.worker_killed();
        send(worker, Signal::KILL)?;
        self.wait("another worker", || {
            let now = self.workers();
            now.len() == self.workers && !now.contains(&worker)
        })
    }

    /// Another program in the place of the one that runs, as nginx's documentation has it.
    pub(super) fn upgrade(&self) -> Result<(), String> {
        let old = self.master();
        send(old, Signal::USR2)?;
        self.wait("the new master", || self.master() != old && self.workers().len() == self.workers)?;
        send(old, Signal::WINCH)?;
        self.wait("the end of the old workers", || children(old).iter().all(|id| !is_worker(*id)))?;
        send(old, Signal::QUIT)?;
        self.wait("the end of the old master", || !is_there(old))
    }

    pub(super) fn wait_for_the_end(&self) -> Result<(), String> {
        let master = self.master();
        self.wait("the end", || !is_there(master))
    }

    fn wait(&self, what: &str, condition: impl Fn() -> bool) -> Result<(), String> {
        let begun = Instant::now();
        while !condition() {
            if begun.elapsed() > PATIENCE {
                return Err(format!("no {what} within {PATIENCE:?}:\n{}", errors_of(&self.log())));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Site {
    /// The master is nobody's child.
    fn drop(&mut self) {
        // Amid an upgrade there are two.
        for name in ["nginx.pid", "nginx.pid.oldbin"] {
            if let Some(master) = pid_in(&self.folder.path().join(name)).filter(|id| is_there(*id)) {
                let _ = send(master, Signal::TERM);
                let _ = self.wait("the end", || !is_there(master));
            }
        }
    }
}

fn errors_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().rev().take(10).rev().map(|line| format!("{line}\n")).collect()
}

fn files(issued: &Issued) -> TlsFiles {
    TlsFiles { certificate_chain: issued.certificate_file.clone(), private_key: issued.key_file.clone() }
}

fn pid_in(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// `setproctitle` of nginx.
fn is_worker(id: u32) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.starts_with(b"nginx: worker"))
}

/// A process that has ended and that nobody has asked for is not.
fn is_there(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

fn send(id: u32, signal: Signal) -> Result<(), String> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    kill_process(pid, signal).map_err(|error| format!("signal {signal:?} to {id}: {error}"))
}
