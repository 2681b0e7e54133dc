//! From the bytes of a component to a program that can be called.

use std::sync::Arc;

use postern_kernel::capability::Capability;
use postern_kernel::module::ModuleFailure;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::cache::{self, ModuleCache};
use crate::engine::Sandbox;
use crate::imports;
use crate::limits::Limits;

/// Largest component: 64 MiB. Interpreters in WebAssembly are that large.
const MAX_COMPONENT: usize = 64 << 20;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It has more bytes than a component may have.
    #[error("sandbox.component.too-large: {size} bytes, {limit} at most")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// The most that it may have.
        limit: usize,
    },
    /// It is not a component, or one that the engine does not accept.
    #[error("sandbox.component.malformed: {0}")]
    Malformed(String),
    /// It imports what its world does not offer.
    #[error("sandbox.import.foreign: imports {}", .0.join(", "))]
    ForeignImports(Vec<String>),
    /// It imports what it was not granted.
    #[error("sandbox.import.ungranted: imports {}", .0.iter().map(|missing| missing.as_str()).collect::<Vec<_>>().join(", "))]
    Ungranted(Vec<Capability>),
    /// It does not have the imports and exports of its world, in their types.
    #[error("sandbox.world.mismatch: {0}")]
    World(String),
    /// Its limits are more than the engine can give.
    #[error("sandbox.limits.too-large: {0} bytes of memory, {most} at most", most = Limits::MOST_MEMORY)]
    Limits(usize),
    /// `describe` did not return something that can be used.
    #[error("sandbox.describe.failed: {0}")]
    Describe(ModuleFailure),
}

impl LoadError {
    /// The reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "sandbox.component.too-large",
            Self::Malformed(_) => "sandbox.component.malformed",
            Self::ForeignImports(_) => "sandbox.import.foreign",
            Self::Ungranted(_) => "sandbox.import.ungranted",
            Self::World(_) => "sandbox.world.mismatch",
            Self::Limits(_) => "sandbox.limits.too-large",
            Self::Describe(_) => "sandbox.describe.failed",
        }
    }
}

impl Sandbox {
    /// Compiles the component, or reads what was compiled before, and links it to its world. `granted` is
    /// what an authenticator may import; a protocol is granted nothing.
    pub(crate) async fn link<T: 'static>(
        &self,
        component: Vec<u8>,
        limits: Limits,
        linker: &Linker<T>,
        allowed: &[&str],
        granted: Option<&[Capability]>,
    ) -> Result<Linked<T>, LoadError> {
        if component.len() > MAX_COMPONENT {
            return Err(LoadError::TooLarge { size: component.len(), limit: MAX_COMPONENT });
        }
        if limits.memory > Limits::MOST_MEMORY {
            return Err(LoadError::Limits(limits.memory));
        }
        let digest = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect();
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        // Compiling takes up to seconds and all cores.
        let compiled = tokio::task::spawn_blocking(move || compile(&engine, cache.as_deref(), &component));
        let component = compiled.await.map_err(|error| LoadError::Malformed(error.to_string()))??;
        let mut foreign = imports::foreign(&self.engine, &component, allowed);
        if granted.is_some() && foreign.is_empty() {
            foreign = imports::unclassified(&self.engine, &component);
        }
        if !foreign.is_empty() {
            return Err(LoadError::ForeignImports(foreign));
        }
        let capabilities = imports::capabilities(&self.engine, &component);
        let granted = granted.unwrap_or_default();
        let missing: Vec<_> =
            capabilities.iter().copied().filter(|capability| !granted.contains(capability)).collect();
        if !missing.is_empty() {
            return Err(LoadError::Ungranted(missing));
        }
        let imports = imports::names(&self.engine, &component);
        let instance =
            linker.instantiate_pre(&component).map_err(|error| LoadError::World(format!("{error:#}")))?;
        Ok(Linked { instance, capabilities, imports, digest })
    }
}

/// A component that is linked to its world.
pub(crate) struct Linked<T: 'static> {
    pub(crate) instance: InstancePre<T>,
    /// What its imports stand for.
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) imports: Vec<String>,
    /// SHA-256 of the component in hexadecimal.
    pub(crate) digest: String,
}

fn compile(engine: &Engine, cache: Option<&ModuleCache>, component: &[u8]) -> Result<Component, LoadError> {
    let malformed = |error: wasmtime::Error| LoadError::Malformed(format!("{error:#}"));
    let Some(cache) = cache else {
        return Component::from_binary(engine, component).map_err(malformed);
    };
    let key = cache.key(component);
    if let Some(known) = cache.read(engine, &key) {
        return Ok(known);
    }
    let compiled = engine.precompile_component(component).map_err(malformed)?;
    cache.write(&key, &compiled);
    cache::own(engine, &compiled).map_err(malformed)
}

/// The reason `describe` failed, as a load error of the component `label`.
pub(crate) fn describe_failed(label: &Arc<str>) -> impl Fn(crate::stop::Stop) -> LoadError + '_ {
    move |stop| LoadError::Describe(stop.in_module(label))
}
