//! WS-Federation 1.2, the profile for browsers (section 13): what Postern accepts as an identity
//! provider at `/passivests`.
//!
//! [`judge()`] is the one rule: the DMZ filter, a component in the LAN and the tests call the same
//! function and get the same reason code. It is as strict with a query as with a form, and reads a
//! request once: every parameter known and at most once, the realm registered, the reply address one
//! that this realm has registered, letter by letter.
//!
//! Requests of this protocol are not signed. What is judged is therefore not who asks, but where an
//! answer goes to.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod configuration;
mod elsewhere;
mod judge;
mod parameters;
mod policy;
mod realm;
mod sign_in;
mod sign_out;
mod token_message;

pub use configuration::Configuration;
pub use elsewhere::carries_message;
pub use judge::{Incoming, Judged, judge};
pub use parameters::has_meaning;
pub use policy::{Limits, Policy};
pub use realm::{Realm, Realms};
pub use sign_in::{SignIn, SignInResult, TokenRequest};
pub use sign_out::SignOut;
pub use token_message::TRUST_NAMESPACES;
