//! Bytes as nginx sends them on.

use std::ptr;

use nginx_sys::{ngx_alloc_chain_link, ngx_buf_t, ngx_chain_t, ngx_pcalloc, ngx_pool_t};

use super::text;

/// A chain of one buffer with a copy of the bytes. Without a byte the buffer is a mark: whoever makes it
/// says of what.
///
/// # Safety
/// The pool is valid.
pub(crate) unsafe fn chain(pool: *mut ngx_pool_t, bytes: &[u8]) -> Option<*mut ngx_chain_t> {
    // SAFETY: the caller's; memory of the pool is checked for null.
    unsafe {
        let buffer = ngx_pcalloc(pool, size_of::<ngx_buf_t>()).cast::<ngx_buf_t>();
        let link = ngx_alloc_chain_link(pool);
        if buffer.is_null() || link.is_null() {
            return None;
        }
        if !bytes.is_empty() {
            let copy = text::copied(pool, bytes)?;
            (*buffer).start = copy.data;
            (*buffer).pos = copy.data;
            (*buffer).last = copy.data.add(copy.len);
            (*buffer).end = (*buffer).last;
            (*buffer).set_temporary(1);
        }
        link.write(ngx_chain_t { buf: buffer, next: ptr::null_mut() });
        Some(link)
    }
}
