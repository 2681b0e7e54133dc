//! What `wit-bindgen` makes of the contract in `wit/`.
#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "protocol-module",
});

pub use exports::postern::idp::protocol;
pub use postern::idp::{kernel, types};

use super::Oidc;
export!(Oidc);
