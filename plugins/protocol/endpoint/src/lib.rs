//! Which requests may reach the identity provider at all.
//!
//! The DMZ's endpoint filter and the host's router both ask an [`EndpointTable`] about every
//! request, as raw bytes: method, request target, headers. It is built from the endpoints that
//! the enabled protocols declare, and from nothing else.
//!
//! A request is accepted as it is or refused; nothing is normalised. What two readers could read
//! in two ways (dot segments, encoded slashes, matrix parameters, …) has a reason code for each
//! class. What is for management can't be configured in ([`never_public`]).
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod client;
mod connection;
mod content;
mod declaration;
mod edge;
mod header;
mod header_name;
mod limits;
mod network;
pub mod never_public;
pub mod pseudo_header;
mod query;
mod rate;
mod report_only;
mod table;
mod target;
mod url;

pub use client::{ClientAddress, Clients};
pub use content::Body;
pub use declaration::{Assets, ConfigurationError, Endpoint, EndpointPolicy, Method};
pub use edge::{BelievedHeaders, EdgeRules, ToldBy, security_headers};
pub use header_name::{RESERVED_PREFIX, is_reserved, is_stripped};
pub use limits::RequestLimits;
pub use network::Network;
pub use rate::{RateBucket, RateLimit, RateTable};
pub use report_only::{Report, ReportOnly, SWITCHABLE};
pub use table::{Accepted, EndpointTable, Incoming, Place, STATIC_FILES};
pub use target::{MAX_TARGET, RequestTarget};
pub use url::is_protected_url;
