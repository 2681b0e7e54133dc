//! The same filters in the distribution's nginx.
mod callouts;
mod catalogue;
mod configuration;
mod requests;
mod survival;
mod world;
