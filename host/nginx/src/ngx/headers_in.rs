//! The headers of a request: those that came, and those that go upstream, are one list.

use std::mem::offset_of;
use std::ptr;

use nginx_sys::{
    ngx_http_header_t, ngx_http_headers_in, ngx_http_headers_in_t, ngx_http_request_t, ngx_table_elt_t,
};

use super::{list, text};

/// A field that can't be edited: nginx frames the message by it, or has no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotEdited;

/// Calls `each` with `:method`, `:scheme`, `:authority` and `:path`, then with every other field in
/// order. `:path` is the target as it stands in the request line.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn read(request: *mut ngx_http_request_t, each: &mut dyn FnMut(&[u8], &[u8])) {
    // SAFETY: the caller's.
    unsafe {
        each(b":method", text::bytes((*request).method_name));
        each(b":scheme", scheme(request));
        let mut authority = None;
        for field in list::fields(&raw mut (*request).headers_in.headers) {
            if text::bytes((*field).key).eq_ignore_ascii_case(b"host") {
                authority = Some(field);
                break;
            }
        }
        if let Some(host) = authority {
            each(b":authority", text::bytes((*host).value));
        }
        each(b":path", target(request));
        for field in list::fields(&raw mut (*request).headers_in.headers) {
            // A second Host stays where it is, to be refused.
            if authority != Some(field) {
                each(text::bytes((*field).key), text::bytes((*field).value));
            }
        }
    }
}

/// How many fields [`read`] gives: three pseudo headers, and every field once, `Host` as `:authority`.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn count(request: *mut ngx_http_request_t) -> usize {
    // SAFETY: the caller's.
    3 + unsafe { list::fields(&raw mut (*request).headers_in.headers) }.count()
}

/// What stands between method and version in the request line.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn target<'a>(request: *mut ngx_http_request_t) -> &'a [u8] {
    // SAFETY: the caller's.
    let line = unsafe { text::bytes((*request).request_line) };
    let after = line.iter().position(|byte| *byte == b' ').map_or(0, |space| space + 1);
    let rest = line.get(after..).unwrap_or_default();
    match rest.windows(6).rposition(|window| window == b" HTTP/") {
        Some(end) => rest.get(..end).unwrap_or_default(),
        None => rest,
    }
}

/// Whether what `proxy_pass` without a URI part forwards is the target of the request line, byte for
/// byte. It is not after a rewrite, in a subrequest, with an absolute target, or with a request line
/// that nginx has mended.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn forwards_target(request: *mut ngx_http_request_t) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let line = text::bytes((*request).request_line);
        let unparsed = text::bytes((*request).unparsed_uri);
        let version = line
            .strip_prefix(text::bytes((*request).method_name))
            .and_then(|rest| rest.strip_prefix(b" "))
            .and_then(|rest| rest.strip_prefix(unparsed))
            .and_then(|rest| rest.strip_prefix(b" HTTP/"));
        (*request).valid_unparsed_uri() != 0
            && version.is_some_and(|version| version.len() == b"1.1".len())
            && unparsed.starts_with(b"/")
    }
}

/// `https` or `http`, by the connection.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn scheme(request: *mut ngx_http_request_t) -> &'static [u8] {
    // SAFETY: the caller's.
    if unsafe { (*(*request).connection).ssl.is_null() } { b"http" } else { b"https" }
}

/// Appends a field.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn add(
    request: *mut ngx_http_request_t,
    name: &[u8],
    value: &[u8],
) -> Result<(), NotEdited> {
    editable(name)?;
    // SAFETY: the caller's.
    unsafe {
        let list = &raw mut (*request).headers_in.headers;
        let field = list::push(list, (*request).pool, name, value).ok_or(NotEdited)?;
        remember(request, field)
    }
}

/// The first field of that name gets the value, others go; none there: it is added.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn replace(
    request: *mut ngx_http_request_t,
    name: &[u8],
    value: &[u8],
) -> Result<(), NotEdited> {
    // SAFETY: the caller's.
    unsafe {
        remove(request, name)?;
        add(request, name, value)
    }
}

/// Every field of that name goes.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn remove(request: *mut ngx_http_request_t, name: &[u8]) -> Result<(), NotEdited> {
    editable(name)?;
    // SAFETY: the caller's.
    unsafe {
        let headers = &raw mut (*request).headers_in.headers;
        let named = |field: &*mut ngx_table_elt_t| text::bytes((**field).key).eq_ignore_ascii_case(name);
        while let Some(field) = list::fields(headers).find(named) {
            list::remove(headers, (*request).pool, field).ok_or(NotEdited)?;
        }
        forget(request, name);
    }
    Ok(())
}

/// What a message is framed and routed by is nginx's.
fn editable(name: &[u8]) -> Result<(), NotEdited> {
    let is_fixed = name.starts_with(b":")
        || [&b"host"[..], b"content-length", b"transfer-encoding"]
            .iter()
            .any(|fixed| name.eq_ignore_ascii_case(fixed));
    if is_fixed { Err(NotEdited) } else { Ok(()) }
}

/// Where nginx keeps a pointer to fields of that name, as an offset into its headers.
unsafe fn place(name: &[u8]) -> Option<usize> {
    let mut known: *mut ngx_http_header_t = (&raw mut ngx_http_headers_in).cast();
    // SAFETY: nginx's table ends with an empty name.
    unsafe {
        while (*known).name.len != 0 {
            if text::bytes((*known).name).eq_ignore_ascii_case(name) {
                return Some((*known).offset);
            }
            known = known.add(1);
        }
    }
    None
}

/// Before 1.23 these two are arrays of pointers.
#[cfg(not(chained_headers))]
fn is_array(offset: usize) -> bool {
    offset == offset_of!(ngx_http_headers_in_t, cookies)
        || offset == offset_of!(ngx_http_headers_in_t, x_forwarded_for)
}

#[cfg(chained_headers)]
fn is_array(_: usize) -> bool {
    false
}

/// nginx no longer points at fields of that name.
unsafe fn forget(request: *mut ngx_http_request_t, name: &[u8]) {
    // SAFETY: offsets of nginx's own table.
    unsafe {
        let Some(offset) = place(name) else { return };
        let field = (&raw mut (*request).headers_in).cast::<u8>().add(offset);
        if is_array(offset) {
            (*field.cast::<nginx_sys::ngx_array_t>()).nelts = 0;
        } else {
            field.cast::<*mut ngx_table_elt_t>().write(ptr::null_mut());
        }
    }
}

/// nginx points at the field, if it points at any of that name.
unsafe fn remember(request: *mut ngx_http_request_t, field: *mut ngx_table_elt_t) -> Result<(), NotEdited> {
    // SAFETY: offsets of nginx's own table.
    unsafe {
        let Some(offset) = place(text::bytes((*field).key)) else { return Ok(()) };
        let known = (&raw mut (*request).headers_in).cast::<u8>().add(offset);
        if is_array(offset) {
            let array = known.cast::<nginx_sys::ngx_array_t>();
            if (*array).elts.is_null() {
                (*array).size = size_of::<*mut ngx_table_elt_t>();
                (*array).nalloc = 0;
                (*array).nelts = 0;
                (*array).pool = (*request).pool;
            }
            return push(array, (*request).pool, field);
        }
        let known = known.cast::<*mut ngx_table_elt_t>();
        #[cfg(chained_headers)]
        if !(*known).is_null() {
            let mut last = *known;
            while !(*last).next.is_null() {
                last = (*last).next;
            }
            (*last).next = field;
            return Ok(());
        }
        if (*known).is_null() {
            known.write(field);
        }
    }
    Ok(())
}

/// Appends to an array, in memory of its own: the array may never have been made.
unsafe fn push(
    array: *mut nginx_sys::ngx_array_t,
    pool: *mut nginx_sys::ngx_pool_t,
    field: *mut ngx_table_elt_t,
) -> Result<(), NotEdited> {
    // SAFETY: the caller's.
    unsafe {
        let count = (*array).nelts;
        let size = size_of::<*mut ngx_table_elt_t>();
        let elements = nginx_sys::ngx_palloc(pool, (count + 1) * size).cast::<*mut ngx_table_elt_t>();
        if elements.is_null() {
            return Err(NotEdited);
        }
        if count > 0 {
            elements.copy_from_nonoverlapping((*array).elts.cast(), count);
        }
        elements.add(count).write(field);
        (*array).elts = elements.cast();
        (*array).nelts = count + 1;
        (*array).nalloc = count + 1;
    }
    Ok(())
}
