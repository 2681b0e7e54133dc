//! Who sent which call: the proxy brings every response to the root context.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

thread_local! {
    static RUNNING: Cell<u32> = const { Cell::new(0) };
    static SENT: RefCell<BTreeMap<u32, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// This context runs: what is sent from now on is its own.
pub(crate) fn run(context: u32) {
    RUNNING.with(|running| running.set(context));
}

/// The running context sent this call.
pub(crate) fn sent(call: u32) {
    let context = RUNNING.with(Cell::get);
    SENT.with(|sent| {
        if let Ok(mut sent) = sent.try_borrow_mut() {
            sent.insert(call, context);
        }
    });
}

/// The context that sent this call, asked once; none when nobody did.
pub(crate) fn sender(call: u32) -> Option<u32> {
    SENT.with(|sent| sent.try_borrow_mut().ok()?.remove(&call))
}
