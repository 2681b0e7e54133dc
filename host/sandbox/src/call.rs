//! One call: a fresh instance, used once and thrown away.

use std::future::Future;
use std::sync::Arc;

use wasmtime::component::{ComponentNamedList, Instance, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store};

use crate::function::Function;

use crate::limits::Limits;
use crate::load::LoadError;
use crate::log::{Level, LogBudget};
use crate::meter::Meter;
use crate::stop::Stop;

/// What the imports of one call see. `S` are the kernel's services for the world.
pub(crate) struct CallState<S> {
    module: Arc<str>,
    /// None while the component describes itself: no kernel stands behind that call.
    services: Option<Arc<S>>,
    meter: Meter,
    log: LogBudget,
}

impl<S> CallState<S> {
    pub(crate) fn new(module: Arc<str>, services: Option<Arc<S>>, limits: Limits) -> Self {
        Self { module, services, meter: Meter::new(limits), log: LogBudget::new(limits.log_lines) }
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
        let done = work.await;
        self.meter.resume();
        Ok(done)
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
}

impl<S: Send + Sync + 'static> Program<S> {
    pub(crate) fn new(module: Arc<str>, instance: InstancePre<CallState<S>>, limits: Limits) -> Self {
        Self { module, instance, limits }
    }

    /// The same program under the name that it gave itself.
    pub(crate) fn renamed(self, module: &str) -> Self {
        Self { module: module.into(), ..self }
    }

    pub(crate) fn module(&self) -> &str {
        &self.module
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
        let call = async {
            let mut store = self.store(services);
            let instance = self.instance.instantiate_async(&mut store).await?;
            function.of(&mut store, &instance)?.call_async(&mut store, parameters).await
        };
        match tokio::time::timeout(self.limits.call, call).await {
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
