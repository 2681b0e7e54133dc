//! The answers of host calls.

/// Why a host call did not do what the plugin asked: `proxy_status_t` without `OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u32)]
pub enum Status {
    /// There is no such thing.
    #[error("not found")]
    NotFound = 1,
    /// An argument that is out of range, or not for this phase of the stream.
    #[error("bad argument")]
    BadArgument = 2,
    /// The value can't be serialised.
    #[error("serialisation failure")]
    SerializationFailure = 3,
    /// A serialised value can't be read.
    #[error("parse failure")]
    ParseFailure = 4,
    /// A pointer of the plugin leads out of its memory.
    #[error("invalid memory access")]
    InvalidMemoryAccess = 6,
    /// Nothing in the queue.
    #[error("empty")]
    Empty = 7,
    /// The shared value was written in between.
    #[error("compare-and-swap mismatch")]
    CasMismatch = 8,
    /// The host failed, or a limit is reached.
    #[error("internal failure")]
    InternalFailure = 10,
    /// This proxy has no such thing.
    #[error("unimplemented")]
    Unimplemented = 12,
}
