//! The callbacks that the proxy calls.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports of the proxy-wasm ABI")]

use postern_endpoint_filter::EndpointFilter;

postern_proxy::filter!(EndpointFilter and responses);
