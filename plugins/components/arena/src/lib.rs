//! A bump allocator for guests that live for one request.
//!
//! A component instance serves one call and is thrown away with its memory, so nothing is gained
//! by giving memory back piece by piece. This allocator hands out addresses in rising order, first
//! from 64 KiB that are part of the module's own memory, then from pages that it asks for in
//! growing steps. The default allocator of the target grows the memory in every call instead,
//! which costs the host two `mprotect` calls a request.
//!
//! ```ignore
//! #[global_allocator]
//! static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();
//! ```
//!
//! Only the newest allocation is ever given back or resized in place; that is what building a
//! string or a vector does. For anything that lives longer than a request this allocator is wrong:
//! it would use up the memory.
#![allow(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod bump;
#[cfg(target_family = "wasm")]
mod global;

pub use bump::{Bump, Memory};
#[cfg(target_family = "wasm")]
pub use global::Arena;
