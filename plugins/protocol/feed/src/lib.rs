//! The guards' configuration as the LAN serves it: a signed document that filters pull.
//!
//! A filter starts with what the operator wrote into the proxy's configuration, and a [`Source`]
//! beside it that pins who signs. From there on it asks for the document, and what
//! [`judge_feed`] accepts replaces its configuration with no restart. A forged, older or
//! unreadable document changes nothing.
//!
//! The document is a compact JWS over sequence number and digest, a line feed, and JSON with one
//! member for each filter. The JWS stays small, whatever the number of registrations.
//!
//! Time, keys and cryptography are arguments.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod judging;
mod source;
mod writing;

pub use judging::{Feed, FeedRule, InForce, Judged, judge_feed};
pub use source::{Source, split_configuration};
pub use writing::{Sections, UnsignedFeed};

use postern_signature::Algorithm;

/// Where the host serves it. No module declares it and no proxy lets it through: filters ask
/// through the proxy's own connection to the LAN.
pub const PATH: &str = "/.well-known/postern-edge";

/// Its media type.
pub const MEDIA_TYPE: &str = "application/vnd.postern.edge";

/// Largest document, in bytes: some thousand SAML registrations with their keys.
pub const MAX_FEED: usize = 8 * 1024 * 1024;

/// The one algorithm of its signature: what Envoy verifies natively, so that a filter without
/// other use for signatures carries no cryptography.
pub const ALGORITHM: Algorithm = Algorithm::Es256;

/// `typ` of the JWS: no other token of the same key can be taken for it (RFC 8725 section 3.11).
const TOKEN_TYPE: &str = "postern-edge+jwt";
