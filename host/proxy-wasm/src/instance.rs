//! One instance of a module: from its making to its death.

use std::time::Duration;

use wasmtime::{InstancePre, Store, Trap, WasmBacktrace};

use crate::callbacks::Callbacks;
use crate::data::{Data, GuestMemory, Running};
use crate::failure::Cause;
use crate::host::Host;
use crate::meter::Meter;

pub(crate) struct Instance<H: Host> {
    pub(crate) store: Store<Data<H>>,
    pub(crate) callbacks: Callbacks,
    /// In the host's monotonic time.
    pub(crate) born: Duration,
    /// A call is under way; still true afterwards when the proxy's code panicked.
    pub(crate) entered: bool,
}

/// Why a call into the guest ended otherwise than by returning.
pub(crate) struct Ended {
    pub(crate) callback: &'static str,
    pub(crate) cause: Cause,
    pub(crate) detail: String,
}

/// The guest asked to end: `proc_exit`.
#[derive(Debug)]
pub(crate) struct Exit;

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("proc_exit")
    }
}

impl std::error::Error for Exit {}

impl<H: Host> Instance<H> {
    /// Instantiates and initialises. The data comes back with the reason when that fails.
    pub(crate) fn build(
        engine: &wasmtime::Engine,
        pre: &InstancePre<Data<H>>,
        mut data: Data<H>,
    ) -> Result<Self, Box<(Data<H>, Ended)>> {
        data.meter = Meter::new(data.limits.memory, data.limits.table_elements);
        data.running = Running::default();
        let born = data.host.monotonic_time();
        let epochs = data.limits.start_epochs;
        let mut store = Store::new(engine, data);
        store.limiter(|data| &mut data.meter);
        store.set_epoch_deadline(epochs);
        match initialise(&mut store, pre) {
            Ok(callbacks) => Ok(Self { store, callbacks, born, entered: false }),
            Err(error) => {
                let ended = Ended::new("_initialize", &error, store.data());
                let mut data = store.into_data();
                data.guest = None;
                Err(Box::new((data, ended)))
            }
        }
    }

    /// Calls the guest, in the name of a context.
    pub(crate) fn call<R>(
        &mut self,
        callback: &'static str,
        running: Running,
        epochs: u64,
        invoke: impl FnOnce(&Callbacks, &mut Store<Data<H>>) -> wasmtime::Result<R>,
    ) -> Result<R, Ended> {
        self.entered = true;
        self.store.data_mut().running = running;
        self.store.set_epoch_deadline(epochs);
        let result = invoke(&self.callbacks, &mut self.store);
        self.entered = false;
        result.map_err(|error| Ended::new(callback, &error, self.store.data()))
    }

    pub(crate) fn into_data(self) -> Data<H> {
        let mut data = self.store.into_data();
        data.guest = None;
        data
    }
}

fn initialise<H: Host>(
    store: &mut Store<Data<H>>,
    pre: &InstancePre<Data<H>>,
) -> wasmtime::Result<Callbacks> {
    let instance = pre.instantiate(&mut *store)?;
    let memory = instance.get_memory(&mut *store, "memory");
    let memory = memory.ok_or_else(|| wasmtime::Error::msg("the export memory is missing"))?;
    let mut allocator = |name| instance.get_typed_func(&mut *store, name).ok();
    let allocate = allocator("proxy_on_memory_allocate").or_else(|| allocator("malloc"));
    store.data_mut().guest = Some(GuestMemory { memory, allocate });
    if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
        initialize.call(&mut *store, ())?;
        if let Ok(main) = instance.get_typed_func::<(u32, u32), u32>(&mut *store, "main") {
            main.call(&mut *store, (0, 0))?;
        }
    } else if let Ok(start) = instance.get_typed_func::<(), ()>(&mut *store, "_start") {
        start.call(&mut *store, ())?;
    }
    Ok(Callbacks::resolve(&mut *store, &instance))
}

impl Ended {
    fn new<H: Host>(callback: &'static str, error: &wasmtime::Error, data: &Data<H>) -> Self {
        let cause = match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Cause::Time,
            _ if error.is::<Exit>() => Cause::Exit(data.running.exit.unwrap_or_default()),
            Some(trap) if data.meter.refused => Cause::Memory(words(trap)),
            Some(trap) => Cause::Trap(words(trap)),
            None if data.meter.refused => Cause::Memory(error.root_cause().to_string()),
            None => Cause::Trap(error.root_cause().to_string()),
        };
        let frames = error.downcast_ref::<WasmBacktrace>().map(|backtrace| {
            let name = |frame: &wasmtime::FrameInfo| {
                format!("\n  at {}", frame.func_name().unwrap_or("a function without a name"))
            };
            backtrace.frames().iter().take(16).map(name).collect::<String>()
        });
        Self { callback, cause, detail: frames.unwrap_or_default() }
    }
}

/// Without the words that our own message begins with.
fn words(trap: &Trap) -> String {
    let words = trap.to_string();
    words.strip_prefix("wasm trap: ").unwrap_or(&words).to_owned()
}
