//! Connections that are kept for the next call to their cluster.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use nginx_sys::{
    NGX_OK, ngx_close_connection, ngx_connection_t, ngx_destroy_pool, ngx_event_handler_pt, ngx_event_t,
    ngx_handle_read_event, ngx_int_t, ngx_ssl_shutdown,
};

use crate::cluster::{Address, Cluster};
use crate::guarded::guarded;
use crate::ngx::timer::Timer;

/// Connections of a cluster, in one worker.
const MOST: usize = 4;

/// Below what servers keep them: nginx 75 s, Envoy and Postern a minute and more.
const KEPT: Duration = Duration::from_secs(30);

struct Idle {
    cluster: *const Cluster,
    node: Address,
    connection: *mut ngx_connection_t,
    _timer: Timer,
}

thread_local! {
    /// nginx runs on one thread of a worker.
    static IDLE: RefCell<Vec<Idle>> = const { RefCell::new(Vec::new()) };
}

/// The one that was used last, for the data and the callback of a call.
pub(super) unsafe fn take(
    cluster: &'static Cluster,
    data: *mut c_void,
    handler: unsafe extern "C" fn(*mut ngx_event_t),
) -> Option<(*mut ngx_connection_t, Address)> {
    let kept = IDLE.with_borrow_mut(|all| {
        let place = all.iter().rposition(|idle| ptr::eq(idle.cluster, cluster))?;
        Some(all.remove(place))
    })?;
    // SAFETY: a kept connection is open, and nobody else's.
    unsafe {
        let connection = kept.connection;
        (*connection).set_idle(0);
        (*connection).data = data;
        let handler: ngx_event_handler_pt = Some(handler);
        (*(*connection).read).handler = handler;
        (*(*connection).write).handler = handler;
    }
    Some((kept.connection, kept.node))
}

/// Keeps an open connection on which nothing is under way.
pub(super) unsafe fn keep(cluster: &'static Cluster, connection: *mut ngx_connection_t, node: Address) {
    // SAFETY: the caller's.
    unsafe {
        let count = IDLE.with_borrow(|all| all.iter().filter(|idle| ptr::eq(idle.cluster, cluster)).count());
        (*(*connection).read).handler = Some(on_event);
        (*(*connection).write).handler = Some(on_event);
        // What has come already is an answer to nothing.
        let has_more = (*(*connection).read).eof() != 0 || (*(*connection).read).error() != 0;
        if has_more || count >= MOST || ngx_handle_read_event((*connection).read, 0) != NGX_OK as ngx_int_t {
            return disconnect(connection);
        }
        let timer = Timer::new(Some(on_timeout), connection.cast());
        timer.set(KEPT);
        // A worker that has to go closes it.
        (*connection).set_idle(1);
        (*connection).data = ptr::null_mut();
        IDLE.with_borrow_mut(|all| all.push(Idle { cluster, node, connection, _timer: timer }));
    }
}

/// Before the worker ends.
pub(crate) fn close_all() {
    for idle in IDLE.take() {
        // SAFETY: a kept connection is open, and nobody else's.
        unsafe { disconnect(idle.connection) };
    }
}

unsafe fn forget(connection: *mut ngx_connection_t) {
    let kept = IDLE.with_borrow_mut(|all| {
        let place = all.iter().position(|idle| idle.connection == connection)?;
        Some(all.remove(place))
    });
    if kept.is_some() {
        // SAFETY: as above.
        unsafe { disconnect(connection) };
    }
}

/// nginx's callback: a kept connection has ended, says what nobody asked for, or has to go.
unsafe extern "C" fn on_event(event: *mut ngx_event_t) {
    guarded("a kept connection", (), || {
        // SAFETY: nginx's event of a connection.
        unsafe {
            let connection = (*event).data.cast::<ngx_connection_t>();
            // TLS may have something to say for itself, such as a ticket: that is no answer.
            if (*connection).close() == 0
                && let Some(receive) = (*connection).recv
            {
                let mut byte = 0_u8;
                if receive(connection, &raw mut byte, 1) == nginx_sys::NGX_AGAIN as isize
                    && ngx_handle_read_event((*connection).read, 0) == NGX_OK as ngx_int_t
                {
                    return;
                }
            }
            forget(connection);
        }
    });
}

unsafe extern "C" fn on_timeout(event: *mut ngx_event_t) {
    guarded("a kept connection", (), || {
        // SAFETY: of `keep`; the timer goes with what is kept.
        unsafe { forget((*event).data.cast()) };
    });
}

/// Closes a connection, at once; null is none.
pub(super) unsafe fn disconnect(connection: *mut ngx_connection_t) {
    if connection.is_null() {
        return;
    }
    // SAFETY: the caller's: nobody uses it afterwards.
    unsafe {
        let ssl = (*connection).ssl;
        if !ssl.is_null() {
            (*ssl).set_no_wait_shutdown(1);
            (*ssl).set_no_send_shutdown(1);
            ngx_ssl_shutdown(connection);
        }
        let pool = (*connection).pool;
        ngx_close_connection(connection);
        if !pool.is_null() {
            ngx_destroy_pool(pool);
        }
    }
}
