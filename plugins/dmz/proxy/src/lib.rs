//! proxy-wasm for filters that must not panic.
//!
//! This is the only crate that names `proxy-wasm`. A filter implements [`Filter`] (one for each
//! configuration) and [`Exchange`] (one for each request), answers with verdicts that are values,
//! and is registered by [`filter!`]. What the ABI would let it do wrong is kept away from it:
//! headers are read as bytes and only once, a body is handed over whole, bounded and before its
//! first byte goes upstream, and a refusal is answered in one neutral form.
//!
//! A panic kills the VM (wasm32-wasip1 has no unwinding), so nothing here panics on what a
//! client or the host can send: the SDK's own getters do, and are not used.
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
mod waiting;

#[cfg(target_family = "wasm")]
pub use driver::start;
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
pub use proxy_wasm as sdk;

/// Exports the filter: `postern_proxy::filter!(EndpointFilter);`, once in a cdylib, with a type
/// of the same module.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! filter {
    ($filter:ident) => {
        #[allow(missing_docs, unreachable_pub, unsafe_code)]
        mod exported {
            $crate::sdk::main! {{
                $crate::start::<super::$filter>();
            }}
        }
    };
}
