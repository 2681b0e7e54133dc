//! HTTP/1.1 as the listeners take it, and as the answers to our own requests are read: heads read
//! strictly, and where each message ends. No I/O.
mod head;
mod messages;
mod request;
mod response;

pub use head::{Framing, MAX_HEAD, MAX_HEADERS, RawRequest, RefusedHead, judge};
pub use messages::{Messages, Stop};
pub use request::request;
pub use response::{Field, Response, ResponseReader, Unreadable};
