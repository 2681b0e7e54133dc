//! The same filters in the distribution's nginx.
mod catalogue;
mod configuration;
mod requests;
mod survival;
mod world;
