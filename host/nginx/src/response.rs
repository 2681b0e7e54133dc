//! Responses on their way out.

use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_HEAD, ngx_http_filter_finalize_request, ngx_http_request_t,
    ngx_http_top_header_filter, ngx_int_t,
};

use crate::exchange::End;
use crate::guarded::guarded;
use crate::module::module;
use crate::ngx::headers_out;
use crate::phases;

type HeaderFilter = unsafe extern "C" fn(*mut ngx_http_request_t) -> ngx_int_t;

/// The filter after ours.
static NEXT: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Puts the module before the other header filters. nginx builds the chain anew for each
/// configuration.
///
/// # Safety
/// Only while nginx reads the configuration.
pub(crate) unsafe fn install() {
    // SAFETY: the caller's.
    unsafe {
        if let Some(next) = ngx_http_top_header_filter {
            NEXT.store(next as *mut (), Ordering::Relaxed);
        }
        ngx_http_top_header_filter = Some(on_headers);
    }
}

unsafe extern "C" fn on_headers(request: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx's request.
    let good = guarded("a response", false, || unsafe { filter(request) });
    let next = NEXT.load(Ordering::Relaxed);
    if next.is_null() {
        return NGX_ERROR as ngx_int_t;
    }
    // SAFETY: nginx's request; a pointer that is not null is the filter that stood here before.
    unsafe {
        if good {
            std::mem::transmute::<*mut (), HeaderFilter>(next)(request)
        } else {
            ngx_http_filter_finalize_request(request, module(), 500)
        }
    }
}

unsafe fn filter(request: *mut ngx_http_request_t) -> bool {
    // SAFETY: nginx's request.
    unsafe {
        if request != (*request).main {
            return true;
        }
        let Some(exchange) = phases::find(request) else { return true };
        let mut fields = 0;
        headers_out::read(request, &mut |_, _| fields += 1);
        let whole = is_without_body(request);
        let good = (*exchange).on_response_headers(fields, whole);
        let is_passed = (*exchange).ended == Some(End::Passed);
        let shared = Rc::clone(&(*exchange).shared);
        let answer = shared.answer.take();
        if good
            && is_passed
            && let Some(answer) = answer
        {
            // A filter answers in place of the upstream.
            let Some(body) = answer.take_the_place(request) else { return false };
            (*exchange).response.instead = Some(body);
            return true;
        }
        if good && !whole && (*exchange).sees_response_bodies() {
            (*exchange).response.is_seen = true;
            // Whole, and in memory: filters see no parts of files.
            (*request).set_filter_need_in_memory(1);
            (*request).set_allow_ranges(0);
        }
        // An answer of the edge itself goes out whatever happens: it holds nothing of the LAN's.
        good || !is_passed
    }
}

/// Whether nothing follows the headers.
unsafe fn is_without_body(request: *mut ngx_http_request_t) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let out = &raw const (*request).headers_out;
        (*request).header_only() != 0
            || (*request).method == NGX_HTTP_HEAD as usize
            || matches!((*out).status, 204 | 304)
            || (*out).content_length_n == 0
    }
}
