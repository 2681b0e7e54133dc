//! Modules that the master has compiled: a reload compiles only files that have changed.

use std::cell::RefCell;

use postern_proxy_wasm::{CompiledModule, Engine, ModuleError};

thread_local! {
    /// The master reads configurations on one thread; workers are forks of it.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

struct Known {
    /// The file, byte for byte: a name or a time says nothing of what is in it.
    wasm: Vec<u8>,
    compiled: CompiledModule,
    /// The configuration that is being read names it.
    is_named: bool,
}

/// The module, compiled now or for the configuration before.
pub(crate) fn module(engine: &Engine, name: &str, wasm: &[u8]) -> Result<CompiledModule, ModuleError> {
    KNOWN.with_borrow_mut(|all| {
        if let Some(known) = all.iter_mut().find(|known| known.compiled.name() == name && known.wasm == wasm)
        {
            known.is_named = true;
            return Ok(known.compiled.clone());
        }
        let compiled = engine.compile(name, wasm)?;
        all.push(Known { wasm: wasm.to_vec(), compiled: compiled.clone(), is_named: true });
        Ok(compiled)
    })
}

/// The configuration has been read: modules that it does not name go.
pub(crate) fn forget_others() {
    KNOWN.with_borrow_mut(|all| {
        all.retain(|known| known.is_named);
        all.iter_mut().for_each(|known| known.is_named = false);
    });
}
