//! Requests that are held for a body that does not come.
//!
//! Envoy runs the body callback of a held request only with `allow_on_headers_stop_iteration:
//! true`, and tells a plugin nowhere whether that is set. Without it a held request would hang
//! until Envoy's own timeouts. Nothing gets through either way; here such a request is answered
//! with a reason that names the setting, and so is one whose client never sends the body.

use core::cell::{Cell, RefCell};

/// Ticks, one a second, that the first byte of a body may take.
const PATIENCE: u32 = 10;

#[derive(Debug, Default)]
pub(crate) struct Held {
    now: Cell<u32>,
    waiting: RefCell<Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    context: u32,
    since: u32,
}

impl Held {
    /// The request of this context waits for the first byte of its body.
    pub(crate) fn wait(&self, context: u32) {
        if let Ok(mut waiting) = self.waiting.try_borrow_mut() {
            waiting.push(Waiting { context, since: self.now.get() });
        }
    }

    /// The body began to come, or the request ended.
    pub(crate) fn done(&self, context: u32) {
        if let Ok(mut waiting) = self.waiting.try_borrow_mut() {
            waiting.retain(|request| request.context != context);
        }
    }

    /// A second or more passed: the contexts that waited too long, each of them once.
    pub(crate) fn tick(&self) -> Vec<u32> {
        let now = self.now.get().wrapping_add(1);
        self.now.set(now);
        let Ok(mut waiting) = self.waiting.try_borrow_mut() else { return Vec::new() };
        let late = |request: &Waiting| now.wrapping_sub(request.since) >= PATIENCE;
        let contexts =
            waiting.iter().filter(|request| late(request)).map(|request| request.context).collect();
        waiting.retain(|request| !late(request));
        contexts
    }
}
