//! What calls used, for whoever wants to see it: the author of a component. Nobody observes in production.

use std::sync::Arc;
use std::time::Duration;

/// Is told of each call when it is over, however it ended.
pub type Observer = Arc<dyn Fn(CallRecord) + Send + Sync>;

/// What one call used.
#[derive(Clone, Debug, Default)]
pub struct CallRecord {
    /// What it asked of the host, in order.
    pub asked: Vec<KernelCall>,
    /// How long it ran, waiting left out.
    pub ran: Duration,
    /// Most bytes of memory that it had.
    pub memory: usize,
}

/// One call of an import.
#[derive(Clone, Debug)]
pub struct KernelCall {
    /// Such as `credentials.list`.
    pub name: &'static str,
    /// Bytes that went out of the sandbox.
    pub given: usize,
    /// Bytes that went into it.
    pub got: usize,
    /// How long the component waited for the kernel.
    pub waited: Duration,
}
