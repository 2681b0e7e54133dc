//! The callbacks that the proxy calls.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports of the proxy-wasm ABI")]

use postern_token_validator::TokenValidator;

postern_proxy::filter!(TokenValidator and responses);
