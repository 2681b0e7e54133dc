//! proxy-wasm for filters that must not panic.
//!
//! This is the only crate that knows the ABI. A filter implements [`Filter`] (one for each
//! configuration) and [`Exchange`] (one for each request), answers with verdicts that are values,
//! and is registered by [`filter!`]. What the ABI would let it do wrong is kept away from it:
//! headers are read as bytes and only once, a body is handed over whole, bounded and before its
//! first byte goes upstream, and a refusal is answered in one neutral form.
//!
//! A panic kills the VM (wasm32-wasip1 has no unwinding), so nothing here panics on what a
//! client or the host can send. The SDK's getters and its dispatcher do; it also exports every
//! callback, and each one costs every request 1,300 to 1,800 instructions (tests/load/README.md).
//! So the exports are our own, and the SDK (`proxy-wasm`) is what `examples/noop.rs` is made of, with
//! which they are compared.
//!
//! Verification of signatures ([`verify`]) and reading of header pairs ([`pairs`]) also compile
//! natively, for their tests.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

pub mod envoy;
pub mod pairs;
pub mod verify;

#[cfg(target_family = "wasm")]
mod abi;
#[cfg(target_family = "wasm")]
mod calls;
#[cfg(target_family = "wasm")]
mod driver;
#[cfg(target_family = "wasm")]
mod feed;
#[cfg(target_family = "wasm")]
mod filter;
#[cfg(target_family = "wasm")]
mod held;
#[cfg(target_family = "wasm")]
pub mod host;
#[cfg(target_family = "wasm")]
mod refusals;
#[cfg(target_family = "wasm")]
mod request;
#[cfg(target_family = "wasm")]
mod response;
#[cfg(target_family = "wasm")]
mod root;
#[cfg(target_family = "wasm")]
mod stream;
#[cfg(target_family = "wasm")]
mod waiting;

#[cfg(target_family = "wasm")]
pub use filter::{ConfigurationError, Exchange, Filter, HeadersVerdict, Judgement};
#[cfg(target_family = "wasm")]
pub use request::{CORRELATION_HEADER, Request};
#[cfg(target_family = "wasm")]
pub use response::{Response, ResponseHeaders};

/// A document of the LAN, for [`Filter::take_over`].
#[cfg(target_family = "wasm")]
pub use postern_feed::Feed;

/// For [`filter!`] only.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod exported {
    pub use crate::driver::Driver;

    /// `proxy_on_memory_allocate`.
    pub fn allocate(size: usize) -> *mut u8 {
        crate::abi::allocate(size)
    }
}

/// Exports the filter: `postern_proxy::filter!(EndpointFilter);`, once in a cdylib, with a type
/// of the same module. `filter!(EndpointFilter and responses)` also exports the callback of
/// [`Exchange::on_response_headers`].
///
/// What is exported is what the proxy calls: not the end of a connection, the log or bodies of responses.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! filter {
    ($filter:ident and responses) => {
        $crate::filter!($filter);

        #[allow(missing_docs, unreachable_pub, unsafe_code)]
        mod exported_for_responses {
            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_response_headers(context: u32, _headers: u32, _end: u32) -> u32 {
                super::exported::DRIVER.with(|driver| driver.on_response_headers(context)) as u32
            }
        }
    };
    ($filter:ident) => {
        #[allow(missing_docs, unreachable_pub, unsafe_code)]
        mod exported {
            use $crate::exported::{Driver, allocate};

            thread_local! {
                pub(super) static DRIVER: Driver<super::$filter> = const { Driver::new() };
            }

            unsafe extern "C" {
                /// Of the C library: what has to run before anything else.
                fn __wasm_call_ctors();
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn _initialize() {
                // SAFETY: the proxy calls this once, first.
                unsafe { __wasm_call_ctors() }
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_abi_version_0_2_1() {}

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
                allocate(size)
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
                DRIVER.with(|driver| driver.on_context_create(context, parent));
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_delete(context: u32) {
                DRIVER.with(|driver| driver.on_delete(context));
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_configure(context: u32, size: usize) -> u32 {
                DRIVER.with(|driver| driver.on_configure(context, size)).into()
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_tick(context: u32) {
                DRIVER.with(|driver| driver.on_tick(context));
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_http_call_response(
                _context: u32,
                call: u32,
                _headers: u32,
                body_size: usize,
                _trailers: u32,
            ) {
                DRIVER.with(|driver| driver.on_http_call_response(call, body_size));
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_request_headers(context: u32, _headers: u32, end: u32) -> u32 {
                DRIVER.with(|driver| driver.on_request_headers(context, end != 0)) as u32
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_request_body(context: u32, size: usize, end: u32) -> u32 {
                DRIVER.with(|driver| driver.on_request_body(context, size, end != 0)) as u32
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn proxy_on_request_trailers(context: u32, _trailers: u32) -> u32 {
                DRIVER.with(|driver| driver.on_request_trailers(context)) as u32
            }
        }
    };
}
