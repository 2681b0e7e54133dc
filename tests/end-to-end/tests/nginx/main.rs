//! The same filters in the distribution's nginx.
mod bodies;
mod callouts;
mod configuration;
#[cfg(target_arch = "x86_64")]
mod killed;
mod requests;
#[cfg(target_arch = "x86_64")]
mod stepped;
mod survival;
mod world;
