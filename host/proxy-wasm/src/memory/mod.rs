//! A proxy in memory: what in-process tests of filters run on, and ready-made parts for other hosts.
//!
//! Nothing moves by itself: the test sets the time, calls the ticks, answers the callouts, and looks
//! at what the plugin did.

mod exchange;
mod metrics;
mod shared;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

pub use exchange::{Answer, Exchange, MemoryStream, Pairs};
pub use metrics::Metrics;
pub use shared::{Queues, SharedData};

use crate::host::Host;
use crate::status::Status;
use crate::types::{CallId, HttpCall, LogLevel, MetricKind, PluginId, PropertyPath};
use crate::verify_signature::verify_signature;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The plugin's name.
    pub plugin: String,
    /// How grave it is.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
}

/// A callout that waits for its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentCall {
    /// For [`Vm::on_http_call_response`](crate::Vm::on_http_call_response).
    pub id: CallId,
    /// Its upstream.
    pub upstream: Vec<u8>,
    /// Its headers.
    pub headers: Pairs,
    /// Its body.
    pub body: Vec<u8>,
    /// Its trailers.
    pub trailers: Pairs,
    /// After which it has failed.
    pub timeout: Duration,
}

/// A proxy in memory.
#[derive(Debug, Default)]
pub struct MemoryHost {
    /// Since 1970; also the monotonic time.
    pub now: Duration,
    /// What was logged, oldest first.
    pub log: Vec<LogLine>,
    /// The tick periods that plugins have set.
    pub ticks: BTreeMap<PluginId, Duration>,
    /// Names of the upstreams that callouts may go to.
    pub upstreams: BTreeSet<Vec<u8>>,
    /// Callouts that wait.
    pub calls: Vec<SentCall>,
    /// Properties outside streams: path with NUL between the parts.
    pub properties: BTreeMap<Vec<u8>, Vec<u8>>,
    /// For VMs of one id: share it.
    pub shared: Rc<RefCell<SharedData>>,
    /// For VMs of one id: share it.
    pub queues: Rc<RefCell<Queues>>,
    /// For all VMs: share it.
    pub metrics: Rc<RefCell<Metrics>>,
    /// Whether there is no `verify_signature`.
    pub without_verify_signature: bool,
}

impl MemoryHost {
    /// What was logged at that level and above, a line each.
    pub fn logged(&self, level: LogLevel) -> String {
        let lines = self.log.iter().filter(|line| line.level >= level);
        lines.map(|line| format!("{}: {}\n", line.plugin, line.message)).collect()
    }
}

impl Host for MemoryHost {
    type Stream = MemoryStream;

    fn log(&mut self, _: Option<&mut MemoryStream>, plugin: &str, level: LogLevel, message: &[u8]) {
        let message = String::from_utf8_lossy(message).into_owned();
        self.log.push(LogLine { plugin: plugin.to_owned(), level, message });
    }

    fn current_time(&mut self) -> Duration {
        self.now
    }

    fn monotonic_time(&mut self) -> Duration {
        self.now
    }

    fn set_tick_period(&mut self, plugin: PluginId, period: Option<Duration>) {
        match period {
            Some(period) => self.ticks.insert(plugin, period),
            None => self.ticks.remove(&plugin),
        };
    }

    fn dispatch_http_call(&mut self, id: CallId, call: &HttpCall<'_>) -> Result<(), Status> {
        if !self.upstreams.contains(call.upstream) {
            return Err(Status::BadArgument);
        }
        let owned = |pairs: &[(&[u8], &[u8])]| {
            pairs.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
        };
        self.calls.push(SentCall {
            id,
            upstream: call.upstream.to_vec(),
            headers: owned(call.headers),
            body: call.body.to_vec(),
            trailers: owned(call.trailers),
            timeout: call.timeout,
        });
        Ok(())
    }

    fn cancel_http_call(&mut self, id: CallId) {
        self.calls.retain(|call| call.id != id);
    }

    fn shared_data(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<u32, Status> {
        self.shared.borrow().get(key, value)
    }

    fn set_shared_data(
        &mut self,
        key: &[u8],
        value: &[u8],
        version: Option<NonZeroU32>,
    ) -> Result<(), Status> {
        self.shared.borrow_mut().set(key, value, version)
    }

    fn register_queue(&mut self, name: &[u8]) -> Result<u32, Status> {
        self.queues.borrow_mut().register(name)
    }

    fn resolve_queue(&mut self, _vm_id: &[u8], name: &[u8]) -> Result<u32, Status> {
        self.queues.borrow().resolve(name)
    }

    fn enqueue(&mut self, queue: u32, item: &[u8]) -> Result<(), Status> {
        self.queues.borrow_mut().enqueue(queue, item)
    }

    fn dequeue(&mut self, queue: u32, item: &mut Vec<u8>) -> Result<(), Status> {
        self.queues.borrow_mut().dequeue(queue, item)
    }

    fn define_metric(&mut self, kind: MetricKind, name: &[u8]) -> Result<u32, Status> {
        self.metrics.borrow_mut().define(kind, name)
    }

    fn record_metric(&mut self, metric: u32, value: u64) -> Result<(), Status> {
        self.metrics.borrow_mut().record(metric, value)
    }

    fn increment_metric(&mut self, metric: u32, offset: i64) -> Result<(), Status> {
        self.metrics.borrow_mut().increment(metric, offset)
    }

    fn metric(&mut self, metric: u32) -> Result<u64, Status> {
        self.metrics.borrow().get(metric)
    }

    fn property(&mut self, _plugin: &str, path: PropertyPath<'_>) -> Option<Cow<'_, [u8]>> {
        self.properties.get(path.as_bytes()).map(|value| Cow::Borrowed(value.as_slice()))
    }

    fn call_foreign_function(
        &mut self,
        _: Option<&mut MemoryStream>,
        name: &[u8],
        arguments: &[u8],
        results: &mut Vec<u8>,
    ) -> Result<(), Status> {
        match name {
            b"verify_signature" if !self.without_verify_signature => verify_signature(arguments, results),
            _ => Err(Status::NotFound),
        }
    }
}
