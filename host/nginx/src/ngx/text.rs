//! nginx's strings: a pointer and a length.

use std::slice;

use nginx_sys::{ngx_pnalloc, ngx_pool_t, ngx_str_t};

/// The bytes of a string.
///
/// # Safety
/// The string is valid for as long as the caller uses the bytes.
pub(crate) unsafe fn bytes<'a>(text: ngx_str_t) -> &'a [u8] {
    if text.data.is_null() || text.len == 0 {
        return &[];
    }
    // SAFETY: nginx's strings point at `len` bytes.
    unsafe { slice::from_raw_parts(text.data, text.len) }
}

/// A copy in nginx's memory, which lives as long as the pool.
///
/// # Safety
/// The pool is valid.
pub(crate) unsafe fn copied(pool: *mut ngx_pool_t, bytes: &[u8]) -> Option<ngx_str_t> {
    // SAFETY: the caller's; one byte more, so that an empty string has an address too.
    let data = unsafe { ngx_pnalloc(pool, bytes.len() + 1) }.cast::<u8>();
    if data.is_null() {
        return None;
    }
    // SAFETY: nginx gave that many bytes, and one for the NUL.
    unsafe {
        data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        *data.add(bytes.len()) = 0;
    }
    Some(ngx_str_t { len: bytes.len(), data })
}

/// A string of the program.
pub(crate) const fn literal(text: &'static [u8]) -> ngx_str_t {
    ngx_str_t { len: text.len(), data: text.as_ptr().cast_mut() }
}
