//! No panic leaves the module: nginx is C, and unwinding into it ends the worker.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ngx::log;

/// Runs a callback of nginx; `otherwise` is its answer when it panicked.
pub(crate) fn guarded<T>(callback: &str, otherwise: T, run: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => value,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("no reason");
            log::cycle(nginx_sys::NGX_LOG_ALERT, &format!("postern: panic in {callback}: {text}"));
            otherwise
        }
    }
}
