//! What a component may import: the interfaces of its world and nothing else, and of an authenticator's
//! those that are granted.

use postern_kernel::capability::Capability;
use wasmtime::Engine;
use wasmtime::component::Component;

const PACKAGE: &str = "postern:idp/";

/// The names of all imports that are not in `allowed`.
pub(crate) fn foreign(engine: &Engine, component: &Component, allowed: &[&str]) -> Vec<String> {
    names(engine, component).into_iter().filter(|name| !allowed.contains(&name.as_str())).collect()
}

/// The imports of an authenticator that are neither granted nor free: an interface that is new in the
/// contract belongs into one of the two lists below before any component gets it.
pub(crate) fn unclassified(engine: &Engine, component: &Component) -> Vec<String> {
    let mut names = names(engine, component);
    names.retain(|name| {
        let interface = interface(name);
        !interface.is_some_and(|interface| FREE.contains(&interface) || granted(interface).is_some())
    });
    names
}

/// The capabilities that the imports of an authenticator stand for, each once, in their order.
pub(crate) fn capabilities(engine: &Engine, component: &Component) -> Vec<Capability> {
    let mut found: Vec<_> = names(engine, component).iter().filter_map(|name| capability(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The names of all imports.
pub(crate) fn names(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect()
}

fn capability(import: &str) -> Option<Capability> {
    interface(import).and_then(granted)
}

/// Without package and version.
fn interface(import: &str) -> Option<&str> {
    let interface = import.strip_prefix(PACKAGE)?;
    Some(interface.split_once('@').map_or(interface, |(name, _)| name))
}

/// Interfaces that tell nothing of people and reach nobody: clock, randomness and log; signatures over public keys;
/// what the application asks of the sign-in; how people go where `redirects` lets them.
const FREE: [&str; 4] = ["system", "signatures", "demands", "redirections"];

/// What the operator grants for the interface.
fn granted(interface: &str) -> Option<Capability> {
    Some(match interface {
        "accounts" => Capability::Accounts,
        "credentials" | "credential-index" => Capability::Credentials,
        "directory" => Capability::Directory,
        "messages" => Capability::Messages,
        "outbound" => Capability::Outbound,
        "own-keys" => Capability::OwnKeys,
        "kerberos" => Capability::Kerberos,
        _ => return None,
    })
}
