//! A timer of the worker.

use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use nginx_sys::{ngx_add_timer, ngx_cycle, ngx_del_timer, ngx_event_handler_pt, ngx_event_t, ngx_msec_t};

/// A timer: when it is dropped it does not fire.
pub(crate) struct Timer {
    event: *mut ngx_event_t,
}

impl Timer {
    /// `data` is what the handler finds in the event. A worker that has to go does not wait for it.
    pub(crate) fn new(handler: ngx_event_handler_pt, data: *mut c_void) -> Self {
        let timer = Self::awaited(handler, data);
        // SAFETY: the event lives as long as the timer.
        unsafe { (*timer.event).set_cancelable(1) };
        timer
    }

    /// The same, and a worker that has to go waits for it.
    pub(crate) fn awaited(handler: ngx_event_handler_pt, data: *mut c_void) -> Self {
        // SAFETY: an event of zeros is one that is not used.
        let mut event: Box<ngx_event_t> = Box::new(unsafe { std::mem::zeroed() });
        event.data = data;
        event.handler = handler;
        // SAFETY: nginx set the cycle.
        event.log = unsafe { (*ngx_cycle).log };
        Self { event: Box::into_raw(event) }
    }

    /// Fires once after that time, instead of when it was set to.
    pub(crate) fn set(&self, after: Duration) {
        self.stop();
        let milliseconds = ngx_msec_t::try_from(after.as_millis()).unwrap_or(ngx_msec_t::MAX / 2).max(1);
        // SAFETY: the event lives as long as this value.
        unsafe { ngx_add_timer(self.event, milliseconds) };
    }

    pub(crate) fn stop(&self) {
        // SAFETY: as above.
        unsafe {
            if (*self.event).timer_set() != 0 {
                ngx_del_timer(self.event);
            }
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
        // SAFETY: made in `new` from a box, and no longer in nginx's tree.
        drop(unsafe { Box::from_raw(ptr::from_mut(&mut *self.event)) });
    }
}
