//! HTTP/1.1 as the listeners take it: heads read strictly, and where each message ends. No I/O.
mod head;
mod messages;

pub use head::{Framing, MAX_HEAD, MAX_HEADERS, RawRequest, RefusedHead, judge};
pub use messages::{Messages, Stop};
