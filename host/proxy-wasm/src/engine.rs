//! Compiles modules in one process and loads them in another.
#![allow(unsafe_code, reason = "Module::deserialize")]

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Config, EngineWeak, ExternType, WasmBacktraceDetails};

use crate::abi;
use crate::callbacks;
use crate::failure::ModuleError;

/// The compiler and the settings that compiled modules are bound to.
///
/// Starts no thread, so that a master process may make one and fork afterwards: compilation runs on
/// the calling thread. Compile in the master ([`Engine::compile`]), make an engine in each worker and
/// load there ([`Engine::load`]).
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
}

/// A compiled module that never left this process and its forks: what makes loading it safe.
#[derive(Clone)]
pub struct CompiledModule {
    name: Arc<str>,
    bytes: Arc<[u8]>,
}

impl CompiledModule {
    /// For messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of machine code and tables.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Takes a compiled module back from storage.
    ///
    /// # Safety
    /// The bytes are what [`CompiledModule::as_bytes`] gave for a module that [`Engine::compile`]
    /// made, and nobody who may not run native code in this process could have changed them since.
    /// (Another version or other settings are noticed by [`Engine::load`], changed code is not.)
    pub unsafe fn from_bytes(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    /// For storage in a place that is as safe as the program itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A module that can be instantiated: see [`Vm::new`](crate::Vm::new).
#[derive(Clone)]
pub struct Module {
    pub(crate) name: Arc<str>,
    pub(crate) inner: wasmtime::Module,
}

impl Module {
    /// For messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the module has a callback for bodies of responses: a proxy need not copy them for one that
    /// has not.
    pub fn sees_response_bodies(&self) -> bool {
        self.inner.get_export("proxy_on_response_body").is_some()
    }
}

/// Counts the epochs that bound how long a plugin runs. Nothing does by itself: somebody has to call
/// [`Ticker::tick`] every so often, mostly a thread that does nothing else.
///
/// In a proxy that handles signals on its main thread (nginx), all signals must be blocked in that
/// thread: block them, start it, then restore the mask, so that there is no moment between.
pub struct Ticker {
    engine: EngineWeak,
}

impl Ticker {
    /// Ends an epoch. False when the engine is gone: nothing is left to tick for.
    pub fn tick(&self) -> bool {
        self.engine.upgrade().inspect(wasmtime::Engine::increment_epoch).is_some()
    }

    /// Ends an epoch each `period` until the engine is gone.
    pub fn run(self, period: Duration) {
        while self.tick() {
            std::thread::sleep(period);
        }
    }
}

impl Engine {
    /// An engine with the settings that fit a proxy: epochs, compilation on the calling thread,
    /// memory on demand.
    ///
    /// # Errors
    /// [`ModuleError::Engine`].
    pub fn new() -> Result<Self, ModuleError> {
        let mut config = Config::new();
        config
            // Threads do not survive a fork.
            .parallel_compilation(false)
            .epoch_interruption(true)
            .wasm_backtrace_details(WasmBacktraceDetails::Disable)
            .wasm_memory64(false)
            .wasm_multi_memory(false)
            .wasm_relaxed_simd(false)
            .wasm_component_model(false);
        let inner =
            wasmtime::Engine::new(&config).map_err(|error| ModuleError::Engine(format!("{error:#}")))?;
        Ok(Self { inner })
    }

    /// Compiles a module, on the calling thread; seconds for a large one. A module of another ABI or
    /// with an import that no proxy-wasm host has is refused here already.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn compile(&self, name: &str, wasm: &[u8]) -> Result<CompiledModule, ModuleError> {
        let failed = |error: wasmtime::Error| ModuleError::Compile {
            module: name.to_owned(),
            reason: format!("{error:#}"),
        };
        let bytes = self.inner.precompile_module(wasm).map_err(failed)?;
        let compiled = CompiledModule { name: name.into(), bytes: bytes.into() };
        self.load(&compiled)?;
        Ok(compiled)
    }

    /// Loads a compiled module: about a millisecond.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn load(&self, compiled: &CompiledModule) -> Result<Module, ModuleError> {
        // SAFETY: a `CompiledModule` holds what `precompile_module` returned in this process or in
        // the one that it was forked from; whoever makes one from other bytes has vouched for them
        // (`CompiledModule::from_bytes`). Another version, other settings or another machine are
        // noticed by the engine.
        let inner = unsafe { wasmtime::Module::deserialize(&self.inner, &compiled.bytes) };
        let inner = inner.map_err(|error| ModuleError::Deserialize {
            module: compiled.name.to_string(),
            reason: format!("{error:#}"),
        })?;
        inspect(&compiled.name, &inner)?;
        Ok(Module { name: compiled.name.clone(), inner })
    }

    /// What counts this engine's epochs. It does not keep the engine alive.
    pub fn ticker(&self) -> Ticker {
        Ticker { engine: self.inner.weak() }
    }

    pub(crate) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

fn inspect(name: &str, module: &wasmtime::Module) -> Result<(), ModuleError> {
    let module_name = || name.to_owned();
    let versions = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"];
    if !versions.iter().any(|version| module.get_export(version).is_some()) {
        return Err(ModuleError::AbiVersion { module: module_name() });
    }
    if !matches!(module.get_export("memory"), Some(ExternType::Memory(_))) {
        return Err(ModuleError::Export { module: module_name(), export: "memory" });
    }
    if let Some(export) = callbacks::unfit(module) {
        return Err(ModuleError::Export { module: module_name(), export });
    }
    let imports: Vec<_> = module
        .imports()
        .filter(|import| !abi::has(import.module(), import.name()))
        .map(|import| format!("{}.{}", import.module(), import.name()))
        .collect();
    if imports.is_empty() { Ok(()) } else { Err(ModuleError::Imports { module: module_name(), imports }) }
}
