//! Counts what a call uses.

use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::engine::TICK;
use crate::limits::Limits;
use crate::stop::Stop;

/// Table elements that a call may have; the pool has room for these.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// Longest piece of running that is charged at once. Between two epochs at most a tick passes;
/// what goes beyond it was waiting for a free thread.
const LONGEST_PIECE: Duration = Duration::from_millis(4 * TICK.as_millis() as u64);

/// What a call has used of its limits.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    /// Running time charged so far.
    ran: Duration,
    /// Since when the component has been running without a wait.
    since: Instant,
    kernel_calls: u32,
    /// Bytes of all memories together: the modules inside a component may have one each.
    memory: usize,
    /// Elements of all tables together.
    elements: usize,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        let since = Instant::now();
        Self { limits, ran: Duration::ZERO, since, kernel_calls: 0, memory: 0, elements: 0 }
    }

    /// How long the component ran, up to now.
    pub(crate) fn ran(&self) -> Duration {
        self.ran + self.since.elapsed().min(LONGEST_PIECE)
    }

    /// Bytes of memory that it has.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Charges what ran until now. From here on the call waits: [`Meter::resume`] ends that.
    pub(crate) fn pause(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        self.ran += now.duration_since(self.since).min(LONGEST_PIECE);
        self.since = now;
        if self.ran > self.limits.running {
            return Err(Stop::deadline(format_args!("ran for more than {:?}", self.limits.running)));
        }
        Ok(())
    }

    /// The wait is over.
    pub(crate) fn resume(&mut self) {
        self.since = Instant::now();
    }

    /// Called by each epoch that finds the component running: charges, and lets others run.
    pub(crate) fn epoch(&mut self) -> Result<UpdateDeadline, Stop> {
        self.pause()?;
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    }

    /// Counts a call of the kernel that reads or writes something outside.
    pub(crate) fn kernel_call(&mut self) -> Result<(), Stop> {
        if self.kernel_calls >= self.limits.kernel_calls {
            return Err(Stop::output(format_args!(
                "called the kernel more than {} times",
                self.limits.kernel_calls
            )));
        }
        self.kernel_calls += 1;
        Ok(())
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let together = self.memory.saturating_add(desired.saturating_sub(current));
        if together > self.limits.memory {
            let limit = self.limits.memory;
            let stop = Stop::memory(format_args!("asked for {together} bytes of memory, {limit} at most"));
            return Err(stop.into());
        }
        self.memory = together;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let together = self.elements.saturating_add(desired.saturating_sub(current));
        if together > TABLE_ELEMENTS {
            return Err(Stop::memory(format_args!("asked for {together} table elements")).into());
        }
        self.elements = together;
        Ok(true)
    }
}
