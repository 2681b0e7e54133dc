//! The real nginx of the distribution, with our module.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;

use crate::envoy::Logged;
use crate::process::Process;
use crate::tools;

/// The reason in [`as_envoy_logs`] of what nginx refused by itself: the module's codes for that begin with
/// `nginx.request.`.
pub const REFUSED_BY_NGINX: &str = "refused_by_nginx";

/// A line of the access log as Envoy would have told it: `via_upstream` for what was let through.
///
/// # Panics
/// When it is not a line of the generated configuration.
pub fn as_envoy_logs(line: &Value) -> Logged {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let status = line["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let reason = match text("reason") {
        reason if reason.starts_with("nginx.request.") => REFUSED_BY_NGINX.to_owned(),
        reason if !reason.is_empty() => reason,
        _ if text("upstream").is_empty() => panic!("refused, and no reason: {line}"),
        _ => "via_upstream".to_owned(),
    };
    Logged {
        status: status.unwrap_or_else(|| panic!("no status: {line}")),
        reason,
        refusal: text("refusal"),
        saml: ["saml_message", "saml_issuer", "saml_id"].map(text),
    }
}

/// A running nginx.
pub struct Nginx {
    /// Where it listens for clients.
    pub port: u16,
    /// The master: its log is nginx's error log.
    pub process: Process,
    folder: PathBuf,
    access_log: PathBuf,
}

impl Nginx {
    /// Starts nginx with a configuration of `postern edge config` that listens at the port and writes
    /// the access log there.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn start(folder: &Path, configuration: &str, port: u16, access_log: PathBuf) -> Self {
        Self::start_with_workers(1, folder, configuration, port, access_log)
    }

    /// The same with that many workers.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn start_with_workers(
        workers: u32,
        folder: &Path,
        configuration: &str,
        port: u16,
        access_log: PathBuf,
    ) -> Self {
        write(folder, &at_home(configuration, folder, workers));
        let mut process =
            Process::start("nginx", &command(folder, &["-g", "daemon off;"]), &folder.join("nginx.log"));
        process.wait_for_port(port);
        let id = process.id();
        process.wait_until("its workers", || children(id).len() == workers as usize);
        Self { port, process, folder: folder.into(), access_log }
    }

    /// Starts it as a daemon, which alone can be upgraded (`USR2`): its master is nobody's child, and
    /// `nginx.pid` in the folder says which process it is. The caller stops it. It prints to the file.
    ///
    /// # Errors
    /// What it printed, when it does not start.
    pub fn start_daemon(workers: u32, folder: &Path, configuration: &str, log: &Path) -> Result<(), String> {
        write(folder, &at_home(configuration, folder, workers));
        let file =
            |path: &Path| fs::File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        let output = file(log)?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let status = command(folder, &[]).stdin(Stdio::null()).stdout(output).stderr(errors).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("nginx: {other:?}\n{}", fs::read_to_string(log).unwrap_or_default())),
        }
    }

    /// `nginx -t`
    ///
    /// # Panics
    /// When nginx can't be started.
    pub fn test(folder: &Path, configuration: &str) -> Output {
        write(folder, &at_home(configuration, folder, 1));
        command(folder, &["-t"]).output().expect("nginx runs")
    }

    /// Puts another configuration in place and waits until the workers are new ones.
    ///
    /// # Panics
    /// When there are none within a minute.
    pub fn reload(&mut self, configuration: &str, workers: u32) {
        write(&self.folder, &at_home(configuration, &self.folder, workers));
        let old = self.workers();
        self.signal(Signal::HUP);
        let id = self.process.id();
        self.process.wait_until("new workers", || {
            let now = children(id);
            !now.is_empty() && now.iter().all(|worker| !old.contains(worker))
        });
    }

    /// Process ids of the workers.
    pub fn workers(&self) -> Vec<u32> {
        children(self.process.id())
    }

    /// Sends the master a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// How many requests have been logged.
    pub fn logged(&self) -> usize {
        self.lines().len()
    }

    /// The line of the access log for the request after the first `before` ones.
    ///
    /// # Panics
    /// When none comes within ten seconds.
    pub fn logged_after(&self, before: usize) -> Value {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.lines().get(before) {
                return serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "nothing logged:\n{}", self.process.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.access_log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }
}

fn write(folder: &Path, configuration: &str) {
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tools::nginx());
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(arguments);
    command
}

/// What is the machine's in a configuration becomes the test's; what it does to requests stays.
fn at_home(configuration: &str, folder: &Path, workers: u32) -> String {
    let place = folder.display();
    // Without root there is nobody to change to.
    let user = if geteuid().is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {place}/{kind};\n"))
        .collect();
    [
        (
            "load_module modules/ngx_http_postern_module.so;",
            format!("load_module {};", tools::nginx_module().display()),
        ),
        ("user www-data;", user.to_owned()),
        ("pid /run/nginx.pid;", format!("pid {place}/nginx.pid;")),
        ("worker_processes auto;", format!("worker_processes {workers};")),
        ("http {\n", format!("http {{\n{temporary}")),
    ]
    .iter()
    .fold(configuration.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the configuration has no {from}");
        text.replacen(from, to, 1)
    })
}

/// Processes whose parent it is.
pub fn children(parent: u32) -> Vec<u32> {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}
