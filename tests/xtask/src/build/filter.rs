//! A proxy-wasm filter is a core module. What it imports is what Envoy and nginx offer it.

use wasmparser::{Parser, Payload};

use super::sections;
use crate::failure::Failure;

/// The WASI functions that the Rust standard library names and that a proxy-wasm host
/// serves; none of them reaches a file or the network.
const WASI: [&str; 14] = [
    "args_get",
    "args_sizes_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_close",
    "fd_fdstat_get",
    "fd_read",
    "fd_seek",
    "fd_write",
    "poll_oneoff",
    "proc_exit",
    "random_get",
    "sched_yield",
];

/// Strips, and refuses a module with an import that a proxy would not serve.
pub(super) fn whole(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let stripped = sections::strip(module)?;
    let malformed = |error| Failure::new(format!("not a WebAssembly module: {error}"));
    let mut foreign = Vec::new();
    let mut calls_proxy = false;
    for payload in Parser::new(0).parse_all(&stripped) {
        let Payload::ImportSection(section) = payload.map_err(malformed)? else {
            continue;
        };
        for import in section.into_imports() {
            let import = import.map_err(malformed)?;
            match import.module {
                "env" if import.name.starts_with("proxy_") => calls_proxy = true,
                "wasi_snapshot_preview1" if WASI.contains(&import.name) => {}
                module => foreign.push(format!("{module}.{}", import.name)),
            }
        }
    }
    if !foreign.is_empty() {
        return Err(Failure::new(format!("imports {}", foreign.join(", "))));
    }
    if !calls_proxy {
        return Err(Failure::new("is no proxy-wasm filter: it calls no proxy_* function"));
    }
    Ok(stripped)
}
