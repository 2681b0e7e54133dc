//! Bodies of responses on their way out: in parts, as nginx has them.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use nginx_sys::{
    NGX_ERROR, NGX_LOG_ERR, NGX_OK, ngx_buf_t, ngx_chain_t, ngx_http_request_t, ngx_http_top_body_filter,
    ngx_int_t,
};

use crate::exchange::{Exchange, Part};
use crate::guarded::guarded;
use crate::ngx::buffer;
use crate::phases;

type BodyFilter = unsafe extern "C" fn(*mut ngx_http_request_t, *mut ngx_chain_t) -> ngx_int_t;

/// The filter after ours.
static NEXT: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// What the module knows of a response's body.
#[derive(Default)]
pub(crate) struct ResponseBody {
    /// A filter sees it.
    pub(crate) is_seen: bool,
    /// A filter has answered: this goes out in its place, once.
    pub(crate) instead: Option<Vec<u8>>,
    /// That has gone out: the upstream's body goes nowhere.
    is_over: bool,
    /// The filter that holds it back for now.
    pub(crate) held_by: Option<usize>,
    /// What it holds.
    pub(crate) held: Vec<u8>,
    /// So many bytes have been written anew.
    pub(crate) changed: usize,
}

/// Puts the module before the other body filters, after the one that reads files.
///
/// # Safety
/// Only while nginx reads the configuration.
pub(crate) unsafe fn install() {
    // SAFETY: the caller's.
    unsafe {
        if let Some(next) = ngx_http_top_body_filter {
            NEXT.store(next as *mut (), Ordering::Relaxed);
        }
        ngx_http_top_body_filter = Some(on_body);
    }
}

/// What goes to the filter after ours.
enum Passed {
    AsItCame,
    Instead(*mut ngx_chain_t),
    Nothing,
}

unsafe extern "C" fn on_body(request: *mut ngx_http_request_t, chain: *mut ngx_chain_t) -> ngx_int_t {
    // SAFETY: nginx's request and chain.
    let passed = guarded("the body of a response", None, || unsafe { filter(request, chain) });
    let next = NEXT.load(Ordering::Relaxed);
    let chain = match passed {
        Some(Passed::AsItCame) => chain,
        Some(Passed::Instead(chain)) => chain,
        Some(Passed::Nothing) => return NGX_OK as ngx_int_t,
        // The connection ends: half a response is none.
        None => return NGX_ERROR as ngx_int_t,
    };
    if next.is_null() {
        return NGX_ERROR as ngx_int_t;
    }
    // SAFETY: nginx's request; a pointer that is not null is the filter that stood here before.
    unsafe { std::mem::transmute::<*mut (), BodyFilter>(next)(request, chain) }
}

unsafe fn filter(request: *mut ngx_http_request_t, chain: *mut ngx_chain_t) -> Option<Passed> {
    // SAFETY: the caller's.
    unsafe {
        if request != (*request).main {
            return Some(Passed::AsItCame);
        }
        let Some(exchange) = phases::find(request) else { return Some(Passed::AsItCame) };
        let exchange: &mut Exchange = &mut *exchange;
        if let Some(body) = exchange.response.instead.take() {
            exchange.response.is_over = true;
            consume(chain);
            return written(request, &body, true, true).map(Passed::Instead);
        }
        if exchange.response.is_over {
            consume(chain);
            return Some(Passed::Nothing);
        }
        if !exchange.response.is_seen || chain.is_null() {
            return Some(Passed::AsItCame);
        }
        let Some(part) = bytes(chain) else {
            exchange.log(NGX_LOG_ERR, "postern: a part of a response is not in memory");
            return None;
        };
        let (last, flush) = marks(chain);
        if part.is_empty() && !last {
            return Some(Passed::AsItCame);
        }
        match exchange.on_response_body(part, last) {
            Ok(Part::AsItCame) => Some(Passed::AsItCame),
            Ok(Part::Held) => {
                consume(chain);
                Some(Passed::Nothing)
            }
            Ok(Part::Instead(part)) => {
                consume(chain);
                if part.is_empty() && !last && !flush {
                    return Some(Passed::Nothing);
                }
                written(request, &part, last, flush).map(Passed::Instead)
            }
            Err(error) => {
                exchange.log(NGX_LOG_ERR, &format!("postern: {error}"));
                None
            }
        }
    }
}

/// The bytes of the chain; none when some are only in a file.
unsafe fn bytes(chain: *mut ngx_chain_t) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // SAFETY: the caller's; a buffer in memory has its bytes between `pos` and `last`.
    unsafe {
        for buffer in buffers(chain) {
            if is_in_memory(buffer) {
                let size = (*buffer).last.offset_from_unsigned((*buffer).pos);
                bytes.extend_from_slice(std::slice::from_raw_parts((*buffer).pos, size));
            } else if (*buffer).in_file() != 0 && (*buffer).file_pos < (*buffer).file_last {
                return None;
            }
        }
    }
    Some(bytes)
}

/// Whether it is the response's end, and whether it is to be sent at once.
unsafe fn marks(chain: *mut ngx_chain_t) -> (bool, bool) {
    // SAFETY: the caller's.
    unsafe {
        let last = buffers(chain).any(|buffer| (*buffer).last_buf() != 0);
        (last, buffers(chain).any(|buffer| (*buffer).flush() != 0))
    }
}

/// Nothing is left in it: whoever made the buffers uses them again.
unsafe fn consume(chain: *mut ngx_chain_t) {
    // SAFETY: the caller's.
    unsafe {
        for buffer in buffers(chain) {
            if is_in_memory(buffer) {
                (*buffer).pos = (*buffer).last;
            }
            (*buffer).file_pos = (*buffer).file_last;
        }
    }
}

unsafe fn written(
    request: *mut ngx_http_request_t,
    bytes: &[u8],
    last: bool,
    flush: bool,
) -> Option<*mut ngx_chain_t> {
    // SAFETY: the caller's.
    unsafe {
        let chain = buffer::chain((*request).pool, bytes)?;
        let buffer = (*chain).buf;
        (*buffer).set_last_buf(u32::from(last));
        (*buffer).set_last_in_chain(u32::from(last));
        (*buffer).set_flush(u32::from(flush && !last));
        Some(chain)
    }
}

/// `ngx_buf_in_memory`
unsafe fn is_in_memory(buffer: *mut ngx_buf_t) -> bool {
    // SAFETY: the caller's.
    unsafe { (*buffer).temporary() != 0 || (*buffer).memory() != 0 || (*buffer).mmap() != 0 }
}

/// # Safety
/// The chain is valid while the iterator lives.
unsafe fn buffers(chain: *mut ngx_chain_t) -> impl Iterator<Item = *mut ngx_buf_t> {
    let mut link = chain;
    std::iter::from_fn(move || {
        if link.is_null() {
            return None;
        }
        // SAFETY: the caller's.
        unsafe {
            let buffer = (*link).buf;
            link = (*link).next;
            Some(buffer)
        }
    })
}
