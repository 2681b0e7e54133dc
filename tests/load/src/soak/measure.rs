//! Memory, descriptors and shared memory of nginx's processes.

use std::fs;

use super::errors::Ledger;
use super::site::Site;

/// One look.
#[derive(Clone)]
pub(super) struct Sample {
    master: Process,
    workers: Vec<Process>,
}

#[derive(Clone, Copy, Default)]
struct Process {
    /// Resident memory that is the process's own, in KiB: what is shared is the same for all.
    own: i64,
    /// All of its resident memory.
    resident: i64,
    descriptors: i64,
    /// Mappings of shared memory: nginx's zones.
    shared: i64,
}

impl Process {
    fn look(id: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let field = |name: &str| -> Option<i64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let maps = fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
        Some(Self {
            own: field("RssAnon:")?,
            resident: field("VmRSS:")?,
            descriptors: i64::try_from(fs::read_dir(format!("/proc/{id}/fd")).ok()?.count()).ok()?,
            shared: i64::try_from(maps.lines().filter(|line| line.contains("/dev/zero")).count()).ok()?,
        })
    }
}

impl Sample {
    pub(super) const HEAD: &str =
        " requests  master KiB (own)  fds  zones   workers KiB (own)            fds";

    fn line(&self, requests: u64) -> String {
        let each =
            |value: fn(&Process) -> String| self.workers.iter().map(value).collect::<Vec<_>>().join(" ");
        format!(
            "{requests:>9} {:>10} ({:>6}) {:>4} {:>6}   {:<28} {}",
            self.master.resident,
            self.master.own,
            self.master.descriptors,
            self.master.shared,
            each(|worker| format!("{} ({})", worker.resident, worker.own)),
            each(|worker| worker.descriptors.to_string()),
        )
    }
}

#[derive(Default)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    pub(super) fn look(&mut self, site: &Site, ledger: &Ledger) {
        let Some(master) = Process::look(site.master()) else { return };
        let workers = site.workers().into_iter().filter_map(Process::look).collect();
        let sample = Sample { master, workers };
        println!("{}", sample.line(ledger.total()));
        self.0.push(sample);
    }

    /// The last look against the second: the first is before anything was reloaded.
    pub(super) fn growth_of_master(&self) -> i64 {
        self.difference(|sample| sample.master.own)
    }

    pub(super) fn descriptors_of_master(&self) -> i64 {
        self.difference(|sample| sample.master.descriptors)
    }

    pub(super) fn mappings_of_master(&self) -> i64 {
        self.difference(|sample| sample.master.shared)
    }

    fn difference(&self, of: fn(&Sample) -> i64) -> i64 {
        match (self.0.get(1).or(self.0.first()), self.0.last()) {
            (Some(first), Some(last)) => of(last) - of(first),
            _ => 0,
        }
    }

    /// The median of the last third against that of the second: caches fill in the first.
    pub(super) fn growth_of_workers(&self) -> i64 {
        self.trend(|process| process.own)
    }

    pub(super) fn descriptors_of_workers(&self) -> i64 {
        self.trend(|process| process.descriptors)
    }

    fn trend(&self, of: fn(&Process) -> i64) -> i64 {
        let third = self.0.len() / 3;
        let median = |samples: &[Sample]| {
            let mut values: Vec<i64> =
                samples.iter().map(|sample| sample.workers.iter().map(of).sum()).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or(0)
        };
        let part = |from: usize, to: usize| self.0.get(from..to).unwrap_or_default();
        median(part(2 * third, self.0.len())) - median(part(third, 2 * third))
    }
}
