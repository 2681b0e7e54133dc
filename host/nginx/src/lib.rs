//! A dynamic module for the distribution's nginx that runs proxy-wasm filters.
//!
//! Directives are read and modules compiled in the master ([`configuration`]), so that whatever is
//! wrong is an error of `nginx -t`. Each worker makes its own virtual machines ([`worker`]). A request
//! goes through the filters of its location before anything goes upstream ([`exchange`]): its headers
//! as they came, then its whole body. Whatever goes wrong on the way refuses the request.
//!
//! Every callback of nginx enters by [`guarded::guarded`]: a panic here is one failed request.
#![cfg(feature = "module")]
#![allow(unsafe_code, reason = "nginx is C: each callback is handed raw pointers that hold while it runs")]

mod answer;
mod call;
mod certificate;
mod cluster;
mod compiled;
mod configuration;
mod directives;
mod exchange;
mod guarded;
mod host;
mod inline_json;
mod metrics;
mod module;
mod ngx;
mod phases;
mod properties;
mod reference;
mod refused;
mod response;
mod response_body;
mod shared;
mod stream;
mod variables;
mod worker;
