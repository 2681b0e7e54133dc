//! A proxy-wasm host (ABI 0.2.1) on wasmtime, for any proxy.
//!
//! A proxy implements [`Host`] (what it offers) and [`Stream`] (what it knows of one request and its
//! response), and drives a [`Vm`]: an instance of a module in one worker, with its plugins and
//! streams. The library knows no proxy, does no I/O and starts no thread.
//!
//! ```text
//! master: Engine::new, Engine::compile, a Vm to try the configuration      (then fork)
//! worker: Engine::new, a thread that runs Engine::ticker, Engine::load,
//!         Vm::new, Vm::start_plugin,
//!         for each request: Vm::create_stream, on_request_headers, …, end_stream
//!         timers: Vm::on_tick; callouts: Vm::on_http_call_response
//! ```
//!
//! - **No call from a call.** A method of [`Host`] or [`Stream`] runs while the plugin does. It
//!   records what is to be done ([`Stream::resume`], [`Stream::send_local_response`],
//!   [`Host::dispatch_http_call`]); the proxy does it when its own call into the [`Vm`] has returned,
//!   for any stream: a plugin may resume or answer another one than the one that was called.
//! - **Fail closed.** A call for a stream that fails with a [`CallError`] means a failed request.
//!   Streams that a dead instance held are in [`Death::paused`].
//! - **Isolation.** A plugin reaches a stream through its number alone, and only headers and bodies
//!   of the phase that it is in. Nothing of an instance that died is seen by the next one, but what
//!   plugins put into shared data.
//! - **Bounds.** [`Limits`] has what one VM may use up: memory, time, and everything that it writes.

mod abi;
mod callbacks;
mod data;
mod engine;
mod failure;
mod filter_state;
mod host;
mod instance;
mod limits;
pub mod memory;
mod meter;
mod pairs;
mod status;
#[cfg(test)]
mod testing;
mod types;
mod verify_signature;
mod vm;

pub use engine::{CompiledModule, Engine, Module, Ticker};
pub use failure::{CallError, Cause, Death, ModuleError};
pub use filter_state::FilterState;
pub use host::{Host, Stream};
pub use limits::{BackOff, Limits};
pub use status::Status;
pub use types::{
    Action, Body, CallId, Direction, HeaderMap, HttpCall, HttpCallResponse, LocalResponse, LogLevel,
    MetricKind, PluginId, PropertyPath, StreamId,
};
pub use verify_signature::verify_signature;
pub use vm::{PluginOptions, Vm, VmOptions};
