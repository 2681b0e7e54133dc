//! The filters in one worker.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nginx_sys::{
    NGX_ERROR, NGX_LOG_ALERT, NGX_LOG_ERR, NGX_OK, NGX_PROCESS_SINGLE, NGX_PROCESS_WORKER, ngx_cycle_t,
    ngx_event_t, ngx_int_t, ngx_process, ngx_uint_t,
};
use postern_proxy_wasm::memory::SharedData;
use postern_proxy_wasm::{
    CallError, CallId, Engine, HttpCallResponse, Limits, PluginId, PluginOptions, StreamId, Ticker, Vm,
    VmOptions,
};

use crate::call::{self, UnderWay};
use crate::cluster::Cluster;
use crate::configuration::{FilterSettings, Main};
use crate::guarded::guarded;
use crate::host::{Effects, NginxHost};
use crate::module::main_of_cycle;
use crate::ngx::log;
use crate::ngx::timer::Timer;
use crate::phases;
use crate::shared::Zone;
use crate::stream::{Failed, NginxStream, Shared};

/// How long an epoch is: calls are bounded by a number of them.
const EPOCH: Duration = Duration::from_millis(10);

/// After this a filter that could not start is tried again.
const RETRY: Duration = Duration::from_secs(1);

thread_local! {
    /// nginx runs on one thread of a worker.
    static PLUGINS: RefCell<Vec<Rc<Plugin>>> = const { RefCell::new(Vec::new()) };
}

/// One `postern_filter`, with a virtual machine of its own.
pub(crate) struct Plugin {
    name: String,
    vm: RefCell<Vm<NginxHost>>,
    id: Cell<Option<PluginId>>,
    options: PluginOptions,
    /// Whether it has a callback for bodies of responses.
    pub(crate) sees_response_bodies: bool,
    effects: Rc<Effects>,
    ticks: RefCell<Option<Timer>>,
    period: Cell<Option<Duration>>,
    clusters: Cell<&'static [Cluster]>,
    calls: RefCell<HashMap<CallId, UnderWay>>,
}

/// The filters at these places; fewer when the worker has not got them.
pub(crate) fn plugins(places: &[usize]) -> Vec<Rc<Plugin>> {
    PLUGINS.with_borrow(|all| places.iter().filter_map(|place| all.get(*place).cloned()).collect())
}

/// nginx's callback: a worker begins.
pub(crate) unsafe extern "C" fn init(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    guarded("the start of a worker", NGX_ERROR as ngx_int_t, || {
        // SAFETY: nginx's cycle; the configuration outlives the worker.
        unsafe {
            let serves = [NGX_PROCESS_WORKER, NGX_PROCESS_SINGLE].map(|kind| kind as ngx_uint_t);
            let kind = ngx_process;
            if !serves.contains(&kind) {
                return NGX_OK as ngx_int_t;
            }
            let Some(main) = main_of_cycle(cycle) else { return NGX_OK as ngx_int_t };
            match start(&*main.cast::<Main>()) {
                Ok(()) => NGX_OK as ngx_int_t,
                Err(error) => {
                    log::cycle(NGX_LOG_ALERT, &format!("postern: {error}"));
                    NGX_ERROR as ngx_int_t
                }
            }
        }
    })
}

/// nginx's callback: a worker ends.
pub(crate) unsafe extern "C" fn exit(_: *mut ngx_cycle_t) {
    guarded("the end of a worker", (), || {
        PLUGINS.with_borrow(|all| {
            for plugin in all {
                drop(plugin.ticks.take());
                // Nobody is there any longer who waits for them.
                let calls = plugin.calls.take();
                calls.into_values().for_each(call::cancel);
            }
        });
        call::close_idle();
    });
}

unsafe fn start(main: &'static Main) -> Result<(), String> {
    if main.filters.is_empty() {
        return Ok(());
    }
    let engine = Engine::new().map_err(|error| error.to_string())?;
    quietly(engine.ticker(), None)?;
    // SAFETY: nginx has mapped it before it forks.
    let zone = unsafe { Zone::of(main.zone) };
    let mut plugins = Vec::new();
    for settings in &main.filters {
        let plugin = Plugin::new(&engine, main, settings, zone)?;
        plugin.clusters.set(&main.clusters);
        plugin.start();
        plugins.push(plugin);
    }
    PLUGINS.set(plugins);
    Ok(())
}

/// Whether the filter takes its configuration: in a virtual machine that is made for that and dropped.
pub(crate) fn check(main: &Main, settings: &FilterSettings) -> Result<(), String> {
    let engine = main.engine.as_ref().ok_or("no engine")?;
    let done = Arc::new(AtomicBool::new(false));
    let ticking = quietly(engine.ticker(), Some(Arc::clone(&done)))?;
    let plugin = Plugin::new(engine, main, settings, None)?;
    let started = plugin.vm.borrow_mut().start_plugin(plugin.options.clone());
    done.store(true, Ordering::Relaxed);
    // No thread may be there when nginx forks.
    let _ = ticking.join();
    started.map(drop).map_err(|error| error.to_string())
}

/// Counts epochs, in time that the calling thread has worked, in a thread that sees no signal: they are nginx's, on its own thread.
fn quietly(ticker: Ticker, until: Option<Arc<AtomicBool>>) -> Result<thread::JoinHandle<()>, String> {
    // SAFETY: sets of signals on the stack.
    let spawned = unsafe {
        let mut all = std::mem::zeroed();
        let mut before = std::mem::zeroed();
        nginx_sys::sigfillset(&raw mut all);
        nginx_sys::pthread_sigmask(nginx_sys::SIG_SETMASK as i32, &raw const all, &raw mut before);
        let mut clock = 0;
        if nginx_sys::pthread_getcpuclockid(nginx_sys::pthread_self(), &raw mut clock) != 0 {
            return Err("no clock for the time of filters".into());
        }
        let spawned = thread::Builder::new().name("postern-epochs".into()).spawn(move || {
            let over = || until.as_ref().is_some_and(|done| done.load(Ordering::Relaxed));
            let mut ticked = Duration::ZERO;
            while !over() {
                thread::sleep(EPOCH);
                // What nginx's thread has worked: one that waits for a processor is not to blame.
                let worked = worked(clock);
                if worked.saturating_sub(ticked) >= EPOCH {
                    ticked = worked;
                    if !ticker.tick() {
                        return;
                    }
                }
            }
        });
        nginx_sys::pthread_sigmask(nginx_sys::SIG_SETMASK as i32, &raw const before, ptr::null_mut());
        spawned
    };
    spawned.map_err(|error| format!("no thread for the epochs: {error}"))
}

/// Time of a processor, by that clock.
fn worked(clock: nginx_sys::clockid_t) -> Duration {
    let mut time = nginx_sys::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a live place for the result. A clock that is gone leaves it as it is.
    unsafe { nginx_sys::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Plugin {
    fn new(
        engine: &Engine,
        main: &Main,
        settings: &FilterSettings,
        zone: Option<Zone>,
    ) -> Result<Rc<Self>, String> {
        let compiled = main.modules.get(settings.module).ok_or("no such module")?;
        let module = engine.load(compiled).map_err(|error| error.to_string())?;
        let name = compiled.name().to_owned();
        let effects = Rc::<Effects>::default();
        let clusters = main.clusters.iter().map(|cluster| cluster.name.clone()).collect();
        let host = NginxHost {
            module: name.clone(),
            effects: Rc::clone(&effects),
            zone,
            scratch: SharedData::default(),
            clusters,
            begun: Instant::now(),
        };
        let limits = Limits {
            memory: main.memory_limit,
            // The first epoch may be nearly over.
            call_epochs: main.time_limit.div_ceil(EPOCH.as_millis() as u64) + 1,
            ..Limits::default()
        };
        let environment = main.environment.clone();
        let options = VmOptions { id: name.clone(), limits, environment, ..VmOptions::default() };
        let vm = Vm::new(engine, &module, host, options).map_err(|error| error.to_string())?;
        let options = PluginOptions {
            name: name.clone(),
            root_id: name.clone(),
            configuration: settings.configuration.clone(),
        };
        Ok(Rc::new(Self {
            name,
            sees_response_bodies: module.sees_response_bodies(),
            vm: RefCell::new(vm),
            id: Cell::new(None),
            options,
            effects,
            ticks: RefCell::default(),
            period: Cell::new(None),
            clusters: Cell::new(&[]),
            calls: RefCell::default(),
        }))
    }

    /// Starts it, now or a little later: until then its requests are refused.
    fn start(self: &Rc<Self>) {
        // The worker keeps it until it ends.
        let data = Rc::as_ptr(self).cast_mut().cast::<c_void>();
        self.ticks.replace(Some(Timer::new(Some(on_tick), data)));
        self.try_start();
        self.settle();
    }

    fn try_start(&self) {
        let started = self.vm.borrow_mut().start_plugin(self.options.clone());
        match started {
            Ok(id) => self.id.set(Some(id)),
            Err(error) => {
                log::cycle(NGX_LOG_ALERT, &format!("postern: {error}"));
                self.arm(RETRY);
            }
        }
    }

    fn arm(&self, after: Duration) {
        if let Some(timer) = self.ticks.borrow().as_ref() {
            timer.set(after);
        }
    }

    /// A request comes to the filter.
    pub(crate) fn begin(&self, shared: &Rc<Shared>, index: usize) -> Result<StreamId, CallError> {
        let Some(id) = self.id.get() else { return Err(CallError::Unknown { module: self.name.clone() }) };
        let stream = NginxStream { shared: Rc::clone(shared), index, effects: Rc::clone(&self.effects) };
        self.call(|vm| vm.create_stream(id, stream))
    }

    /// The request is over for the filter.
    pub(crate) fn end(&self, stream: StreamId) {
        if let Err(error) = self.call(|vm| vm.end_stream(stream)) {
            log::cycle(NGX_LOG_ERR, &format!("postern: {error}"));
        }
    }

    /// Calls the filter.
    pub(crate) fn call<T>(
        &self,
        callback: impl FnOnce(&mut Vm<NginxHost>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let mut vm = self.vm.borrow_mut();
        let result = callback(&mut vm);
        if let Err(CallError::Died(death)) = &result {
            // Nobody else will wake those that it held.
            for stream in &death.paused {
                if let Some(stream) = vm.stream_mut(*stream) {
                    stream.shared.failed.set(Some(Failed::Died));
                    stream.touched();
                }
            }
        }
        result
    }

    /// A response to a call of the filter, or its failure.
    pub(crate) fn called(self: &Rc<Self>, id: CallId, response: HttpCallResponse) {
        self.calls.borrow_mut().remove(&id);
        if let Err(error) = self.call(|vm| vm.on_http_call_response(id, response)) {
            log::cycle(NGX_LOG_ERR, &format!("postern: {error}"));
        }
        self.settle();
    }

    /// Whether the filter has asked for nothing since it was settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.effects.is_empty()
    }

    /// Does what the filter asked for meanwhile.
    pub(crate) fn settle(self: &Rc<Self>) {
        if let Some(period) = self.effects.tick.take() {
            self.period.set(period);
            match period {
                Some(period) => self.arm(period),
                None => {
                    if let Some(timer) = self.ticks.borrow().as_ref() {
                        timer.stop();
                    }
                }
            }
        }
        for id in self.effects.cancelled.take() {
            let call = self.calls.borrow_mut().remove(&id);
            if let Some(call) = call {
                call::cancel(call);
            }
        }
        for wanted in self.effects.calls.take() {
            let (id, cluster) = (wanted.id, self.clusters.get().get(wanted.cluster));
            match cluster {
                Some(cluster) => {
                    let call = call::send(self, cluster, wanted);
                    self.calls.borrow_mut().insert(id, call);
                }
                None => self.called(id, HttpCallResponse::failed()),
            }
        }
        let touched = self.effects.touched.take();
        for shared in &touched {
            phases::resume(shared);
        }
    }
}

/// nginx's callback: a period is over.
unsafe extern "C" fn on_tick(event: *mut ngx_event_t) {
    guarded("a tick", (), || {
        // SAFETY: of `Plugin::start`: the worker keeps its plugins, and this is one reference more.
        let plugin = unsafe {
            let data = (*event).data.cast::<Plugin>().cast_const();
            Rc::increment_strong_count(data);
            Rc::from_raw(data)
        };
        match plugin.id.get() {
            None => plugin.try_start(),
            Some(id) => {
                if let Some(period) = plugin.period.get() {
                    plugin.arm(period);
                }
                if let Err(error) = plugin.call(|vm| vm.on_tick(id))
                    && !matches!(error, CallError::Down { .. })
                {
                    log::cycle(NGX_LOG_ERR, &format!("postern: {error}"));
                }
            }
        }
        plugin.settle();
    });
}
