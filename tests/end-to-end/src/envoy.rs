//! The real Envoy.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::Process;
use crate::tools;

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
    /// The reason code when a filter answered, else what Envoy says of its own.
    pub reason: String,
    /// The refusal in words, as the filter kept it in its state.
    pub refusal: String,
    /// Message, issuer and ID of what the SAML decoder let pass.
    pub saml: [String; 3],
}

impl Envoy {
    /// Starts Envoy with a configuration of `postern edge config` that listens at the port and
    /// writes the access log there.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn start(folder: &Path, configuration: &str, port: u16, access_log: PathBuf) -> Self {
        Self::start_with_workers(1, folder, configuration, port, access_log)
    }

    /// The same with that many worker threads, each with its own VM for every filter.
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
        let file = folder.join("envoy.yaml");
        fs::write(&file, configuration).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut command = Command::new(tools::envoy());
        command
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", &workers.to_string()])
            .args(["--disable-hot-restart", "--log-level", "warning"])
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

    /// A line with this reason code, for tests that share the proxy: others log in between.
    ///
    /// # Panics
    /// When none comes within ten seconds.
    pub fn logged_with(&self, reason: &str) -> Logged {
        let begun = Instant::now();
        loop {
            let found = self.lines().iter().map(|line| Logged::read(line)).find(|line| line.reason == reason);
            if let Some(line) = found {
                return line;
            }
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(10), "no {reason} in:\n{}", self.lines().join("\n"));
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
        let saml = ["saml_message", "saml_issuer", "saml_id"].map(text);
        Self { status, reason: text("reason"), refusal: text("refusal"), saml }
    }
}
