//! What a component may import: the interfaces of its world and nothing else.

use wasmtime::Engine;
use wasmtime::component::Component;

/// The names of all imports that are not in `allowed`.
pub(crate) fn foreign(engine: &Engine, component: &Component, allowed: &[&str]) -> Vec<String> {
    component
        .component_type()
        .imports(engine)
        .map(|(name, _)| name)
        .filter(|name| !allowed.contains(name))
        .map(Into::into)
        .collect()
}
