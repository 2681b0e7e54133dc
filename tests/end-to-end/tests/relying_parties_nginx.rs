//! The same logins with nginx in the DMZ: the same tests, with another proxy.
#[path = "relying_parties/apache.rs"]
mod apache;
#[path = "relying_parties/oidc.rs"]
mod oidc;
#[path = "relying_parties/realm.rs"]
mod realm;
#[path = "relying_parties/saml.rs"]
mod saml;
#[path = "relying_parties/single_sign_on.rs"]
mod single_sign_on;
#[path = "relying_parties/world.rs"]
mod world;

use postern_end_to_end::proxy::Kind;

const PROXY: Kind = Kind::Nginx;
