//! Components in wasmtime: the only crate that names it.
//!
//! A [`Sandbox`] is the engine with its limits. It loads components of the three worlds of `wit/`
//! and yields them as the kernel's traits: [`ComponentProtocol`] is a
//! [`ProtocolModule`](postern_kernel::module::ProtocolModule), [`ComponentAuthenticator`] an
//! [`AuthenticatorModule`](postern_kernel::authenticator::AuthenticatorModule), [`ComponentPolicy`] a
//! [`PolicyModule`](postern_kernel::policy::PolicyModule).
//!
//! Each call gets a fresh instance with a limit on memory, running time, calls of the kernel and
//! output ([`Limits`]). A call that meets a limit, traps or returns something that it may not is
//! one failed request: a [`ModuleFailure`](postern_kernel::module::ModuleFailure) with its reason.
//! A component that imports anything but the interfaces of its world is not loaded.
//!
//! `README.md` has the figures of a fresh instance and what helped.

mod authenticator_world;
mod bounds;
mod cache;
mod call;
mod engine;
mod function;
mod imports;
mod limits;
mod load;
mod log;
mod meter;
mod observe;
mod policy_world;
mod protocol_world;
mod stop;

#[cfg(feature = "benchmark")]
pub mod benchmark;

pub use authenticator_world::ComponentAuthenticator;
pub use engine::{EngineError, Memory, Sandbox};
pub use limits::Limits;
pub use load::LoadError;
pub use observe::{CallRecord, KernelCall, Observer};
pub use policy_world::ComponentPolicy;
pub use protocol_world::ComponentProtocol;
