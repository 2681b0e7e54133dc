//! The engine: one for the process, shared by all components.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::authenticator_world::{self, AuthenticatorState};
use crate::cache::{CacheError, ModuleCache};
use crate::limits::Limits;
use crate::meter::TABLE_ELEMENTS;
use crate::policy_world::{self, PolicyState};
use crate::protocol_world::{self, ProtocolState};

/// Time between two epochs: how long a component holds a thread before others get their turn.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Calls at the same time. One more answers that the sandbox is unavailable.
const CALLS: u32 = 256;
/// Core instances of one component: the guest, and two small ones that `wit-component` adds.
const CORE_INSTANCES: u32 = 4;
/// Memory that stays with a free slot of the pool, when the kernel can tell which pages were written.
const RESIDENT_WITH_SCAN: usize = 1 << 20;
/// The same when it can't: this much is overwritten with zeros after each call, used or not. What a
/// guest starts with: stack, data and arena.
const RESIDENT_WITHOUT_SCAN: usize = 320 << 10;
const RESIDENT_TABLE: usize = 8 << 10;
/// Free slots that keep what they have for the module that used them last.
const WARM_SLOTS: u32 = 32;

/// Where instances get their memory from. [`Memory::tuned`] is the fastest; its pool reserves about
/// 1 TiB of addresses, not of memory, so that it does not start where addresses are limited
/// (`ulimit -v`, strict overcommit).
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// From the system, for each instance.
    OnDemand,
    /// From a pool of slots.
    Pool {
        /// Bytes of a memory that stay with a free slot.
        resident: usize,
        /// Bytes of a table that stay with a free slot.
        resident_table: usize,
        /// Whether the kernel is asked which pages were written (Linux 6.7 and later).
        scan: bool,
    },
}

impl Memory {
    /// The fastest on this machine.
    pub fn tuned() -> Self {
        let scan = PoolingAllocationConfig::is_pagemap_scan_available();
        let resident = if scan { RESIDENT_WITH_SCAN } else { RESIDENT_WITHOUT_SCAN };
        Self::Pool { resident, resident_table: RESIDENT_TABLE, scan }
    }
}

/// Where components run.
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) cache: Option<Arc<ModuleCache>>,
    pub(crate) protocols: Linker<ProtocolState>,
    pub(crate) authenticators: Linker<AuthenticatorState>,
    pub(crate) policies: Linker<PolicyState>,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The machine can't run the engine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The directory of compiled modules can't be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl Sandbox {
    /// Starts the engine. Compiled modules are kept in `cache`, a directory of the process's own
    /// user that nobody else can enter; it is made when it is not there.
    ///
    /// # Errors
    /// [`EngineError`] when the engine does not start or the directory is not safe to use.
    pub fn new(cache: Option<&Path>) -> Result<Self, EngineError> {
        Self::with_memory(cache, Memory::tuned())
    }

    /// The same with instances that get their memory from elsewhere.
    ///
    /// # Errors
    /// As [`Sandbox::new`].
    pub fn with_memory(cache: Option<&Path>, memory: Memory) -> Result<Self, EngineError> {
        let failed = |error: wasmtime::Error| EngineError::Engine(format!("{error:#}"));
        let engine = Engine::new(&config(memory)).map_err(failed)?;
        let cache = cache.map(|directory| ModuleCache::open(directory, &engine)).transpose()?;
        let protocols = protocol_world::linker(&engine).map_err(failed)?;
        let authenticators = authenticator_world::linker(&engine).map_err(failed)?;
        let policies = policy_world::linker(&engine).map_err(failed)?;
        tick(&engine)?;
        Ok(Self { engine, cache: cache.map(Arc::new), protocols, authenticators, policies })
    }
}

fn config(memory: Memory) -> Config {
    let mut config = Config::new();
    config
        .allocation_strategy(strategy(memory))
        .epoch_interruption(true)
        // Components call one function at a time: without the data structures for more, an
        // instance costs less.
        .concurrency_support(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false);
    config
}

fn strategy(memory: Memory) -> InstanceAllocationStrategy {
    let Memory::Pool { resident, resident_table, scan } = memory else {
        return InstanceAllocationStrategy::OnDemand;
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CALLS)
        .total_core_instances(CALLS * CORE_INSTANCES)
        .total_memories(CALLS)
        .total_tables(CALLS * CORE_INSTANCES)
        .total_stacks(CALLS)
        .max_memory_size(Limits::MOST_MEMORY)
        .table_elements(TABLE_ELEMENTS)
        .max_unused_warm_slots(WARM_SLOTS)
        .linear_memory_keep_resident(resident)
        .table_keep_resident(resident_table)
        .pagemap_scan(if scan { Enabled::Yes } else { Enabled::No });
    InstanceAllocationStrategy::Pooling(pool)
}

/// Counts epochs until the engine is gone.
fn tick(engine: &Engine) -> Result<(), EngineError> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("sandbox-epoch".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .map(drop)
        .map_err(|error| EngineError::Engine(format!("no thread for the epochs: {error}")))
}
