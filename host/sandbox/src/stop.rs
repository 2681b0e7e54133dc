//! Why a call ends before it is done.

use std::fmt;

use postern_kernel::module::{FailureReason, ModuleFailure};
use postern_kernel::unavailable::Unavailable;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// A limit or a rule that a call met. Travels through wasmtime as an error.
#[derive(Debug)]
pub(crate) struct Stop {
    reason: FailureReason,
    detail: String,
}

impl Stop {
    pub(crate) fn deadline(detail: impl fmt::Display) -> Self {
        Self { reason: FailureReason::Deadline, detail: detail.to_string() }
    }

    pub(crate) fn memory(detail: impl fmt::Display) -> Self {
        Self { reason: FailureReason::Memory, detail: detail.to_string() }
    }

    pub(crate) fn output(detail: impl fmt::Display) -> Self {
        Self { reason: FailureReason::Output, detail: detail.to_string() }
    }

    pub(crate) fn in_module(self, module: &str) -> ModuleFailure {
        ModuleFailure { module: module.into(), reason: self.reason, detail: self.detail }
    }
}

impl From<Unavailable> for Stop {
    fn from(error: Unavailable) -> Self {
        Self { reason: FailureReason::Unavailable, detail: error.to_string() }
    }
}

impl From<wasmtime::Error> for Stop {
    fn from(error: wasmtime::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(stop) => return stop,
            Err(error) => error,
        };
        let reason = if error.is::<PoolConcurrencyLimitError>() {
            FailureReason::Unavailable
        } else if error.is::<Trap>() {
            FailureReason::Trap
        } else {
            // What is left breaks the canonical ABI, which is how values leave the sandbox: more
            // bytes than the limit, text that is not UTF-8, pointers that lead nowhere.
            FailureReason::Output
        };
        Self { reason, detail: format!("{error:#}") }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.detail)
    }
}

impl std::error::Error for Stop {}
