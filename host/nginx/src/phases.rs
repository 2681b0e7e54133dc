//! nginx's callbacks for a request, and where it keeps the [`Exchange`].

use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::time::Duration;

use nginx_sys::{
    NGX_DECLINED, NGX_DONE, NGX_HTTP_CLOSE, NGX_HTTP_SPECIAL_RESPONSE, NGX_HTTP_VERSION_20, NGX_OK,
    ngx_event_t, ngx_handle_read_event, ngx_http_block_reading, ngx_http_core_run_phases,
    ngx_http_finalize_request, ngx_http_read_client_request_body, ngx_http_request_t,
    ngx_http_run_posted_requests, ngx_http_test_reading, ngx_int_t, ngx_pool_cleanup_add, ngx_uint_t,
};
use postern_proxy_wasm::PropertyPath;

use crate::configuration::{Main, location};
use crate::exchange::{End, Exchange, Step};
use crate::guarded::guarded;
use crate::module::{context_place, main_of_request};
use crate::ngx::client_body;
use crate::ngx::timer::Timer;
use crate::reference;
use crate::stream::{Failed, Shared};
use crate::worker;

/// nginx's callback: the request has got as far as its content.
pub(crate) unsafe extern "C" fn on_request(request: *mut ngx_http_request_t) -> ngx_int_t {
    guarded("a request", 500, || {
        // SAFETY: nginx's request.
        unsafe { judge(request) }
    })
}

unsafe fn judge(request: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx's request; the exchange is not used across calls that come back here.
    unsafe {
        let location = location(request);
        if location.filters.is_empty() {
            return NGX_DECLINED as ngx_int_t;
        }
        let exchange = match find(request) {
            Some(exchange) => exchange,
            None => match begin(request, &location.filters, location.body_limit()) {
                Some(exchange) => exchange,
                None => return 500,
            },
        };
        let step = (*exchange).advance();
        if (*exchange).hold.is_some() && !matches!(step, Step::Wait) {
            watch_no_longer(request);
        }
        let unsettled = (*exchange).unsettled();
        let result = match step {
            Step::Pass => {
                (*exchange).pass_on();
                NGX_DECLINED as ngx_int_t
            }
            Step::Wait => {
                if (*exchange).hold.is_none() && !(*exchange).is_reading_body() {
                    (*exchange).hold = Some(hold(request));
                    if !watch(request) {
                        return 500;
                    }
                }
                NGX_DONE as ngx_int_t
            }
            Step::Answer(answer) => {
                (*exchange).hold = None;
                (*exchange).ended = Some(End::Answered);
                answer.send(request);
                NGX_DONE as ngx_int_t
            }
            Step::Close => {
                (*exchange).hold = None;
                (*exchange).ended = Some(End::Answered);
                ngx_http_finalize_request(request, NGX_HTTP_CLOSE as ngx_int_t);
                NGX_DONE as ngx_int_t
            }
            Step::ReadBody => {
                (*exchange).reading_body();
                let read = ngx_http_read_client_request_body(request, Some(on_body));
                if read >= NGX_HTTP_SPECIAL_RESPONSE as ngx_int_t {
                    read
                } else {
                    ngx_http_finalize_request(request, NGX_DONE as ngx_int_t);
                    NGX_DONE as ngx_int_t
                }
            }
        };
        for plugin in unsettled {
            plugin.settle();
        }
        result
    }
}

/// A filter holds the request: not for ever, and a worker that has to go waits for it as for any other.
unsafe fn hold(request: *mut ngx_http_request_t) -> Timer {
    // SAFETY: nginx's request; of `create_main`. The timer goes with the request's exchange.
    unsafe {
        let main = &*main_of_request(request).cast::<Main>();
        let timer = Timer::awaited(Some(on_silence), request.cast());
        timer.set(Duration::from_millis(main.wait_limit));
        timer
    }
}

/// While it is held nginx looks whether the client is still there, as it does for `limit_req`: else one that
/// has left would keep its place among those that a filter lets wait.
unsafe fn watch(request: *mut ngx_http_request_t) -> bool {
    // SAFETY: nginx's request.
    unsafe {
        if ngx_handle_read_event((*(*request).connection).read, 0) != NGX_OK as ngx_int_t {
            return false;
        }
        (*request).read_event_handler = Some(ngx_http_test_reading);
    }
    true
}

/// As nginx has it between the head and the answer of a request.
unsafe fn watch_no_longer(request: *mut ngx_http_request_t) {
    // SAFETY: nginx's request.
    unsafe {
        (*request).read_event_handler = Some(ngx_http_block_reading);
    }
}

/// nginx's callback: a filter has held a request for as long as it may.
unsafe extern "C" fn on_silence(event: *mut ngx_event_t) {
    guarded("a request that is held", (), || {
        // SAFETY: of `hold`.
        unsafe {
            let request = (*event).data.cast::<ngx_http_request_t>();
            let Some(exchange) = find(request) else { return };
            let shared = Rc::clone(&(*exchange).shared);
            shared.failed.set(Some(Failed::Silent));
            resume(&shared);
        }
    });
}

/// nginx's callback: the body is there.
unsafe extern "C" fn on_body(request: *mut ngx_http_request_t) {
    guarded("a body", (), || {
        // SAFETY: nginx's request.
        unsafe {
            if let Some(exchange) = find(request) {
                (*exchange).take_body(request);
            }
            // The upstream reads it once more.
            (*request).set_preserve_body(1);
            (*request).write_event_handler = Some(ngx_http_core_run_phases);
            ngx_http_core_run_phases(request);
        }
    });
}

/// A filter did something to a request outside of its callbacks.
pub(crate) fn resume(shared: &Rc<Shared>) {
    let request = shared.request.get();
    if request.is_null() {
        return;
    }
    // SAFETY: a request that is not null is one that nginx knows.
    unsafe {
        let Some(exchange) = find(request) else { return };
        if (*exchange).ended.is_some() {
            return;
        }
        let connection = (*request).connection;
        ngx_http_core_run_phases(request);
        ngx_http_run_posted_requests(connection);
    }
}

unsafe fn begin(
    request: *mut ngx_http_request_t,
    filters: &[usize],
    body_limit: usize,
) -> Option<*mut Exchange> {
    // SAFETY: nginx's request.
    unsafe {
        let cleanup = ngx_pool_cleanup_add((*request).pool, 0);
        if cleanup.is_null() {
            return None;
        }
        let shared = Shared::new(request);
        // Made before the first filter: nothing of the client's is in it.
        let reference = reference::drawn().ok()?;
        let _ = shared.state.borrow_mut().set(PropertyPath::new(b"postern.correlation"), &reference);
        let plugins = worker::plugins(filters);
        if plugins.len() != filters.len() {
            shared.failed.set(Some(Failed::Down));
        }
        // RFC 9113 section 8.2.2: such a message is malformed. nginx reads it as if it were not there.
        if (*request).http_version >= NGX_HTTP_VERSION_20 as ngx_uint_t
            && !(*request).headers_in.transfer_encoding.is_null()
        {
            shared.failed.set(Some(Failed::Malformed));
        }
        let has_body = client_body::follows(request);
        let exchange = Box::into_raw(Box::new(Exchange::new(shared, plugins, has_body, body_limit)));
        (*cleanup).handler = Some(on_free);
        (*cleanup).data = exchange.cast();
        context_place(request).write(exchange.cast());
        Some(exchange)
    }
}

/// nginx's callback: the request's memory goes.
unsafe extern "C" fn on_free(data: *mut c_void) {
    guarded("the end of a request", (), || {
        // SAFETY: made in `begin`, and called once.
        let mut exchange = unsafe { Box::from_raw(data.cast::<Exchange>()) };
        exchange.shared.request.set(ptr::null_mut());
        exchange.end();
    });
}

/// nginx's callback: the access log is written.
pub(crate) unsafe extern "C" fn on_log(request: *mut ngx_http_request_t) -> ngx_int_t {
    guarded("the log", NGX_OK as ngx_int_t, || {
        // SAFETY: nginx's request.
        unsafe {
            if let Some(exchange) = find(request) {
                (*exchange).end();
            }
        }
        NGX_OK as ngx_int_t
    })
}

/// The exchange of a request. nginx forgets what modules keep when it redirects internally: then it is
/// found among what has to be cleaned up.
pub(crate) unsafe fn find(request: *mut ngx_http_request_t) -> Option<*mut Exchange> {
    // SAFETY: nginx's request.
    unsafe {
        let found = *context_place(request);
        (!found.is_null()).then(|| found.cast())
    }
}

/// What the filters keep with the request, also after an internal redirect.
pub(crate) unsafe fn shared_of(request: *mut ngx_http_request_t) -> Option<Rc<Shared>> {
    // SAFETY: nginx's request.
    unsafe {
        let main = (*request).main;
        if let Some(exchange) = find(main) {
            return Some(Rc::clone(&(*exchange).shared));
        }
        let mut cleanup = (*(*main).pool).cleanup;
        while !cleanup.is_null() {
            if (*cleanup).handler.is_some_and(|handler| ptr::fn_addr_eq(handler, on_free as Free)) {
                let exchange = (*cleanup).data.cast::<Exchange>();
                return Some(Rc::clone(&(*exchange).shared));
            }
            cleanup = (*cleanup).next;
        }
        None
    }
}

type Free = unsafe extern "C" fn(*mut c_void);
