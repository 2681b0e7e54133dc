//! What went otherwise than it should, and what explains it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Requests that a killed worker had break within this.
const AFTERMATH: Duration = Duration::from_secs(2);
/// Problems that are kept in words.
const MOST: usize = 20;

#[derive(Default)]
pub(super) struct Ledger {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    problems: Mutex<Vec<String>>,
    killed: Mutex<Option<Instant>>,
    ending: AtomicBool,
}

impl Ledger {
    /// A request went as it should.
    pub(super) fn good(&self, kind: &'static str) {
        self.count(kind);
    }

    /// A connection broke, or was not to be had, before an answer came; it was begun at that time.
    pub(super) fn broken(&self, what: &str, begun: Instant) {
        let killed = *self.killed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if killed.is_some_and(|killed| begun < killed + AFTERMATH)
            && begun.elapsed() < AFTERMATH * 4
            && killed.is_some_and(|killed| killed.elapsed() < AFTERMATH * 4)
        {
            self.count("broken with a killed worker");
        } else if self.ending.load(Ordering::SeqCst) && what.contains("refused") {
            self.count("refused after the end began");
        } else {
            self.wrong(format!("lost: {what}"));
        }
    }

    /// An answer that it should not be.
    pub(super) fn wrong(&self, problem: String) {
        self.count("wrong");
        let mut problems = self.problems.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if problems.len() < MOST {
            problems.push(problem);
        }
    }

    pub(super) fn worker_killed(&self) {
        *self.killed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Instant::now());
    }

    pub(super) fn ending(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    fn count(&self, kind: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *counts.entry(kind).or_default() += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).values().sum()
    }

    pub(super) fn summary(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let lines: Vec<_> = counts.iter().map(|(kind, count)| format!("{count:>9} {kind}")).collect();
        lines.join("\n")
    }

    pub(super) fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

/// What nginx says of clients that break off or send too much, and of a worker that we killed.
const EXPLAINED: [&str; 5] = [
    "exited on signal 9",
    "client intended to send too large body",
    "SSL_do_handshake() failed",
    "SSL_read() failed",
    "client prematurely closed",
];

/// Lines of nginx's log from `error` upwards that nothing in the traffic explains.
pub(super) fn unexplained(log: &str) -> Vec<String> {
    let serious = ["[error]", "[crit]", "[alert]", "[emerg]"];
    let lines = log.lines().filter(|line| serious.iter().any(|level| line.contains(level)));
    let mut lines: Vec<_> = lines
        .filter(|line| !EXPLAINED.iter().any(|known| line.contains(known)))
        .map(|line| format!("log: {line}"))
        .collect();
    lines.truncate(MOST);
    lines
}
