//! One call: a fresh instance, used once and thrown away.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{ComponentNamedList, Instance, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store};

use crate::function::Function;

use crate::limits::Limits;
use crate::load::LoadError;
use crate::log::{Level, LogBudget};
use crate::meter::Meter;
use crate::observe::{CallRecord, KernelCall, Observer};
use crate::stop::Stop;

/// What the imports of one call see. `S` are the kernel's services for the world.
pub(crate) struct CallState<S> {
    module: Arc<str>,
    /// None while the component describes itself: no kernel stands behind that call.
    services: Option<Arc<S>>,
    meter: Meter,
    log: LogBudget,
    /// When somebody observes.
    asked: Option<Vec<KernelCall>>,
}

impl<S> CallState<S> {
    pub(crate) fn new(module: Arc<str>, services: Option<Arc<S>>, limits: Limits) -> Self {
        let (meter, log) = (Meter::new(limits), LogBudget::new(limits.log_lines));
        Self { module, services, meter, log, asked: None }
    }

    /// The kernel's services.
    pub(crate) fn services(&self) -> Result<&Arc<S>, Stop> {
        self.services.as_ref().ok_or_else(|| Stop::output("asked the kernel while describing itself"))
    }

    /// The kernel's services, for a call that reads or writes something outside.
    pub(crate) fn counted(&mut self) -> Result<Arc<S>, Stop> {
        self.meter.kernel_call()?;
        self.services().cloned()
    }

    /// Waits for what the kernel does. The time does not count as running.
    pub(crate) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.meter.pause()?;
        let begun = Instant::now();
        let done = work.await;
        if let Some(call) = self.asked.as_mut().and_then(|asked| asked.last_mut()) {
            call.waited += begun.elapsed();
        }
        self.meter.resume();
        Ok(done)
    }

    /// Bytes of memory that the instance has.
    pub(crate) fn memory(&self) -> usize {
        self.meter.memory()
    }

    /// For the observer: the import `name` was called with so many bytes.
    pub(crate) fn asked(&mut self, name: &'static str, given: usize) {
        if let Some(asked) = &mut self.asked {
            asked.push(KernelCall { name, given, got: 0, waited: Duration::ZERO });
        }
    }

    /// For the observer: the import that was called last yields so many bytes.
    pub(crate) fn got(&mut self, bytes: usize) {
        if let Some(call) = self.asked.as_mut().and_then(|asked| asked.last_mut()) {
            call.got += bytes;
        }
    }

    /// Begins another call with the same state: for measurements only.
    #[cfg(feature = "benchmark")]
    pub(crate) fn renew(&mut self, meter: Meter) {
        self.meter = meter;
    }

    /// Writes a line of log.
    pub(crate) fn log(&mut self, correlation: &str, level: Level, message: &str) {
        self.log.write(&self.module, correlation, level, message);
    }
}

/// A component that is linked to its world.
pub(crate) struct Program<S: 'static> {
    module: Arc<str>,
    instance: InstancePre<CallState<S>>,
    limits: Limits,
    observer: Option<Observer>,
}

impl<S: Send + Sync + 'static> Program<S> {
    pub(crate) fn new(module: Arc<str>, instance: InstancePre<CallState<S>>, limits: Limits) -> Self {
        Self { module, instance, limits, observer: None }
    }

    /// The same program under the name that it gave itself.
    pub(crate) fn renamed(self, module: &str) -> Self {
        Self { module: module.into(), ..self }
    }

    pub(crate) fn module(&self) -> &str {
        &self.module
    }

    pub(crate) fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    #[cfg(feature = "benchmark")]
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    #[cfg(feature = "benchmark")]
    pub(crate) fn instance(&self) -> &InstancePre<CallState<S>> {
        &self.instance
    }

    /// An instance to look at the exports of. No kernel stands behind it.
    ///
    /// # Errors
    /// When the instance can't be made within the limits.
    pub(crate) async fn sample(&self) -> Result<(Store<CallState<S>>, Instance), LoadError> {
        let mut store = self.store(None);
        let instance = self.instance.instantiate_async(&mut store).await;
        let instance = instance.map_err(|error| LoadError::World(format!("{error:#}")))?;
        Ok((store, instance))
    }

    /// Calls the function on a fresh instance.
    pub(crate) async fn call<P, R>(
        &self,
        function: &Function<P, R>,
        services: Option<Arc<S>>,
        parameters: P,
    ) -> Result<R, Stop>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let mut store = self.store(services);
        store.data_mut().asked = self.observer.as_ref().map(|_| Vec::new());
        let call = async {
            let instance = self.instance.instantiate_async(&mut store).await?;
            function.of(&mut store, &instance)?.call_async(&mut store, parameters).await
        };
        let called = tokio::time::timeout(self.limits.call, call).await;
        if let Some(observer) = &self.observer {
            let state = store.data_mut();
            let asked = state.asked.take().unwrap_or_default();
            observer(CallRecord { asked, ran: state.meter.ran(), memory: state.meter.memory() });
        }
        match called {
            Ok(result) => Ok(result?),
            Err(_) => Err(Stop::deadline(format_args!("not done after {:?}", self.limits.call))),
        }
    }

    /// A store with the limits of one call.
    pub(crate) fn store(&self, services: Option<Arc<S>>) -> Store<CallState<S>> {
        store(
            self.instance.engine(),
            CallState::new(Arc::clone(&self.module), services, self.limits),
            self.limits,
        )
    }
}

fn store<S: Send + Sync + 'static>(
    engine: &Engine,
    state: CallState<S>,
    limits: Limits,
) -> Store<CallState<S>> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(limits.output);
    // The epoch that is under way ends at any moment: the one after it is the first whole one.
    store.set_epoch_deadline(2);
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().meter.epoch()?));
    store
}
