//! Logins of software that is not ours, through the real Envoy at the real host.
mod apache;
mod oidc;
mod realm;
mod saml;
mod single_sign_on;
mod world;

use postern_end_to_end::proxy::Kind;

const PROXY: Kind = Kind::Envoy;
