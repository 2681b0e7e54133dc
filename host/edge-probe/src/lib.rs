//! Whether a running edge refuses what it must.
//!
//! `postern edge probe` sends each request of [`catalogue`] on a connection of its own, as raw
//! HTTP/1.1 over TLS, and judges what comes back ([`Outcome`]). No request is one that an identity
//! provider would act on: they name nobody who is registered.
//!
//! How an answer is told apart from outside, in this order:
//! - **by the guards**: a status from 400, and the guards' mark: the header `x-correlation-id` with a
//!   UUID, or 32 hexadecimal digits, that the body repeats after `Reference: `. An answer of the LAN has no
//!   such pair, because the guards set it on their own answers only.
//! - **by the proxy**: a status from 400 in the words of the generated configuration, an answer of
//!   the proxy's HTTP codec (400 or so without a body, and the connection closed), or a connection
//!   that is closed without an answer.
//! - **passed**: everything else. A bare 404 or 401 counts as passed, because it may be the LAN's
//!   own: then the request has reached what must not see it. For a proxy without filters
//!   (Apache) there are no marks: [`Marks::None`] goes by the status alone, and says so.

pub mod catalogue;
mod connection;
mod outcome;
mod run;

pub use catalogue::{Entry, Target};
pub use connection::{Dial, Unreachable, roots_from_pem};
pub use outcome::{Answer, Marks, Outcome};
pub use run::{Finding, Report, probe};
