//! What a person sees and does, in headless Chromium through the real Envoy: among sites with names of their own, so
//! that the browser keeps cookies from other sites as it does in reality.
mod applications;
mod driver;
mod federation;
mod kerberos;
mod labels;
mod providers;
mod world;

use postern_end_to_end::proxy::Kind;

const PROXY: Kind = Kind::Envoy;
