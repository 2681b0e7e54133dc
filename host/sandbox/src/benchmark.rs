//! For `tests/load`: the parts of a call, measured alone.
//!
//! Not for serving: a reused instance sees what the call before left in its memory.

use std::sync::Arc;

use postern_kernel::module::{ModuleFailure, Outcome, Request};
use postern_kernel::services::ModuleServices;
use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, TypedFunc};

use crate::engine::Sandbox;
use crate::limits::Limits;
use crate::load::LoadError;
use crate::meter::Meter;
use crate::protocol_world::bindings::exports::postern::idp::protocol as wit;
use crate::protocol_world::bindings::postern::idp::types;
use crate::protocol_world::{ComponentProtocol, ProtocolState, border};
use crate::stop::Stop;

type Handle = TypedFunc<(types::Request,), (wit::Outcome,)>;
type Describe = TypedFunc<(), (wit::Description,)>;

/// An instance that serves call after call.
pub struct ReusedProtocol {
    store: Store<ProtocolState>,
    handle: Handle,
    describe: Describe,
    module: String,
    limits: Limits,
}

impl ReusedProtocol {
    /// An instance of the protocol, with services for all its calls.
    ///
    /// # Errors
    /// When it can't be instantiated.
    pub async fn new(
        protocol: &ComponentProtocol,
        services: Arc<ModuleServices>,
    ) -> Result<Self, ModuleFailure> {
        let program = &protocol.program;
        let failed = |error: wasmtime::Error| Stop::from(error).in_module(program.module());
        let mut store = program.store(Some(services));
        let instance = program.instance().instantiate_async(&mut store).await.map_err(failed)?;
        let handle = protocol.exports.handle.of(&mut store, &instance).map_err(failed)?;
        let describe = protocol.exports.describe.of(&mut store, &instance).map_err(failed)?;
        let module = program.module().into();
        Ok(Self { store, handle, describe, module, limits: program.limits() })
    }

    /// As [`ProtocolModule::handle`](postern_kernel::module::ProtocolModule::handle).
    ///
    /// # Errors
    /// When the call fails.
    pub async fn handle(&mut self, request: Request) -> Result<Outcome, ModuleFailure> {
        self.store.data_mut().renew(Meter::new(self.limits));
        let returned = self.handle.call_async(&mut self.store, (border::request(request),)).await;
        let outcome = returned.map_err(Stop::from).and_then(|(outcome,)| border::outcome(outcome));
        outcome.map_err(|stop| stop.in_module(&self.module))
    }

    /// Calls `describe` and throws the answer away: the cheapest call there is.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn describe(&mut self) -> Result<(), ModuleFailure> {
        self.store.data_mut().renew(Meter::new(self.limits));
        let returned = self.describe.call_async(&mut self.store, ()).await;
        returned.map(drop).map_err(|error| Stop::from(error).in_module(&self.module))
    }
}

/// Calls `describe` on a fresh instance and throws the answer away.
///
/// # Errors
/// When the call fails.
pub async fn describe(protocol: &ComponentProtocol) -> Result<(), ModuleFailure> {
    let called = protocol.program.call(&protocol.exports.describe, None, ()).await;
    called.map(drop).map_err(|stop| stop.in_module(protocol.program.module()))
}

/// A component without imports that exports `run`, a function of nothing: what the engine asks for
/// an instance before any world of ours.
pub struct Bare {
    instance: InstancePre<()>,
    run: ComponentExportIndex,
}

impl Bare {
    /// Compiles it.
    ///
    /// # Errors
    /// When it is not such a component.
    pub fn new(sandbox: &Sandbox, component: &[u8]) -> Result<Self, LoadError> {
        let failed = |error: wasmtime::Error| LoadError::World(format!("{error:#}"));
        let component = Component::from_binary(&sandbox.engine, component).map_err(failed)?;
        let run = component
            .get_export_index(None, "run")
            .ok_or_else(|| LoadError::World("does not export run".into()))?;
        let instance = Linker::new(&sandbox.engine).instantiate_pre(&component).map_err(failed)?;
        Ok(Self { instance, run })
    }

    /// Calls `run` on a fresh instance.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn run(&self) -> Result<(), ModuleFailure> {
        let called = async {
            let mut store = Store::new(self.instance.engine(), ());
            store.set_epoch_deadline(1_000);
            let instance = self.instance.instantiate_async(&mut store).await?;
            let run = instance.get_typed_func::<(), ()>(&mut store, self.run)?;
            run.call_async(&mut store, ()).await
        };
        called.await.map_err(|error| Stop::from(error).in_module("bare"))
    }
}
