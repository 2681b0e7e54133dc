//! What nginx offers a filter beside the request.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nginx_sys::{NGX_LOG_CRIT, NGX_LOG_DEBUG_HTTP, NGX_LOG_ERR, NGX_LOG_INFO, NGX_LOG_NOTICE, NGX_LOG_WARN};
use postern_proxy_wasm::memory::SharedData;
use postern_proxy_wasm::{CallId, Host, HttpCall, LogLevel, MetricKind, PluginId, Status, verify_signature};

use crate::call::Wanted;
use crate::ngx::log;
use crate::shared::Zone;
use crate::stream::{NginxStream, Shared};

/// What filters asked for, and what is done once they have returned.
#[derive(Default)]
pub(crate) struct Effects {
    /// Requests that go on, or are answered.
    pub(crate) touched: RefCell<Vec<Rc<Shared>>>,
    /// A new period of ticks.
    pub(crate) tick: Cell<Option<Option<Duration>>>,
    /// Requests of the filter's own.
    pub(crate) calls: RefCell<Vec<Wanted>>,
    /// Calls that nobody waits for any longer.
    pub(crate) cancelled: RefCell<Vec<CallId>>,
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        let tick = self.tick.take();
        self.tick.set(tick);
        tick.is_none()
            && self.touched.borrow().is_empty()
            && self.calls.borrow().is_empty()
            && self.cancelled.borrow().is_empty()
    }
}

pub(crate) struct NginxHost {
    /// Shared data belongs to a module: its name.
    pub(crate) module: String,
    pub(crate) effects: Rc<Effects>,
    /// None while the configuration is checked: then there is nothing yet that workers could share.
    pub(crate) zone: Option<Zone>,
    /// In its place meanwhile, so that a filter that needs it can be configured.
    pub(crate) scratch: SharedData,
    /// Names of where requests can be sent.
    pub(crate) clusters: Vec<String>,
    pub(crate) begun: Instant,
}

impl NginxHost {
    fn key(&self, key: &[u8]) -> Vec<u8> {
        [self.module.as_bytes(), b"\0", key].concat()
    }
}

impl Host for NginxHost {
    type Stream = NginxStream;

    fn log(&mut self, stream: Option<&mut NginxStream>, plugin: &str, level: LogLevel, message: &[u8]) {
        let level = match level {
            LogLevel::Trace | LogLevel::Debug => NGX_LOG_DEBUG_HTTP,
            // nginx shows notices of a starting filter; its info is for every connection.
            LogLevel::Info if stream.is_none() => NGX_LOG_NOTICE,
            LogLevel::Info => NGX_LOG_INFO,
            LogLevel::Warn => NGX_LOG_WARN,
            LogLevel::Error => NGX_LOG_ERR,
            LogLevel::Critical => NGX_LOG_CRIT,
        };
        // Ours say their name themselves.
        let text = match message.strip_prefix(plugin.as_bytes()) {
            Some(rest) if rest.starts_with(b": ") => message.to_vec(),
            _ => [plugin.as_bytes(), b": ", message].concat(),
        };
        let request = stream.map_or(std::ptr::null_mut(), |stream| stream.shared.request.get());
        if request.is_null() {
            return log::cycle(level, &String::from_utf8_lossy(&text));
        }
        // SAFETY: a request that is not null is one that nginx knows.
        unsafe { log::write((*(*request).connection).log, level, &text) };
    }

    #[allow(clippy::disallowed_methods, reason = "the module owns the clock that filters are given")]
    fn current_time(&mut self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic_time(&mut self) -> Duration {
        self.begun.elapsed()
    }

    fn set_tick_period(&mut self, _: PluginId, period: Option<Duration>) {
        self.effects.tick.set(Some(period));
    }

    fn dispatch_http_call(&mut self, id: CallId, call: &HttpCall<'_>) -> Result<(), Status> {
        let cluster = self.clusters.iter().position(|name| name.as_bytes() == call.upstream);
        let wanted = Wanted::new(id, cluster.ok_or(Status::BadArgument)?, call);
        self.effects.calls.borrow_mut().push(wanted.ok_or(Status::BadArgument)?);
        Ok(())
    }

    fn cancel_http_call(&mut self, id: CallId) {
        self.effects.cancelled.borrow_mut().push(id);
    }

    fn shared_data(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<u32, Status> {
        let key = self.key(key);
        match self.zone {
            Some(zone) => zone.value(&key, value),
            None => self.scratch.get(&key, value),
        }
    }

    fn set_shared_data(
        &mut self,
        key: &[u8],
        value: &[u8],
        version: Option<NonZeroU32>,
    ) -> Result<(), Status> {
        let key = self.key(key);
        match self.zone {
            Some(zone) => zone.set_value(&key, value, version),
            None => self.scratch.set(&key, value, version),
        }
    }

    fn define_metric(&mut self, kind: MetricKind, name: &[u8]) -> Result<u32, Status> {
        self.zone.ok_or(Status::InternalFailure)?.define(kind, name)
    }

    fn record_metric(&mut self, metric: u32, value: u64) -> Result<(), Status> {
        self.zone.ok_or(Status::InternalFailure)?.record(metric, value)
    }

    fn increment_metric(&mut self, metric: u32, offset: i64) -> Result<(), Status> {
        self.zone.ok_or(Status::InternalFailure)?.increment(metric, offset)
    }

    fn metric(&mut self, metric: u32) -> Result<u64, Status> {
        self.zone.ok_or(Status::InternalFailure)?.read(metric)
    }

    fn call_foreign_function(
        &mut self,
        _: Option<&mut NginxStream>,
        name: &[u8],
        arguments: &[u8],
        results: &mut Vec<u8>,
    ) -> Result<(), Status> {
        match name {
            b"verify_signature" => verify_signature(arguments, results),
            _ => Err(Status::NotFound),
        }
    }
}
