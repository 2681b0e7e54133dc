//! The same with nginx in the DMZ: the same tests, with another proxy.
#[path = "in_browser/applications.rs"]
mod applications;
#[path = "in_browser/driver.rs"]
mod driver;
#[path = "in_browser/federation.rs"]
mod federation;
#[path = "in_browser/kerberos.rs"]
mod kerberos;
#[path = "in_browser/labels.rs"]
mod labels;
#[path = "in_browser/providers.rs"]
mod providers;
#[path = "in_browser/world.rs"]
mod world;

use postern_end_to_end::proxy::Kind;

const PROXY: Kind = Kind::Nginx;
