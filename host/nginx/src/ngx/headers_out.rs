//! The headers of a response on its way to the client.

use nginx_sys::{ngx_http_headers_out_t, ngx_http_request_t, ngx_table_elt_t, ngx_uint_t};

use super::headers_in::NotEdited;
use super::{list, text};

/// Calls `each` with `:status`, `content-type`, `content-length` and every other field in order.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn read(request: *mut ngx_http_request_t, each: &mut dyn FnMut(&[u8], &[u8])) {
    // SAFETY: the caller's.
    unsafe {
        let out = &raw mut (*request).headers_out;
        each(b":status", (*out).status.to_string().as_bytes());
        if (*out).content_type.len > 0 {
            each(b"content-type", text::bytes((*out).content_type));
        }
        if (*out).content_length_n >= 0 {
            each(b"content-length", (*out).content_length_n.to_string().as_bytes());
        }
        for field in list::fields(&raw mut (*out).headers) {
            let name = text::bytes((*field).key);
            if (*field).hash != 0 && !kept_apart(name) {
                each(name, text::bytes((*field).value));
            }
        }
    }
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
    // SAFETY: the caller's.
    unsafe {
        if name == b":status" {
            return status(request, value);
        }
        editable(name)?;
        if name.eq_ignore_ascii_case(b"content-type") {
            return content_type(request, value);
        }
        let out = &raw mut (*request).headers_out;
        let field = list::push(&raw mut (*out).headers, (*request).pool, name, value).ok_or(NotEdited)?;
        if (*field).hash == 0 {
            (*field).hash = 1;
        }
        if let Some(known) = place(out, name) {
            known.write(field);
        }
    }
    Ok(())
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

/// Every field of that name goes. Without its length a body is sent in chunks, or to the connection's end.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn remove(request: *mut ngx_http_request_t, name: &[u8]) -> Result<(), NotEdited> {
    // SAFETY: the caller's.
    unsafe {
        let out = &raw mut (*request).headers_out;
        if name.eq_ignore_ascii_case(b"content-length") {
            (*out).content_length_n = -1;
            if !(*out).content_length.is_null() {
                (*(*out).content_length).hash = 0;
                (*out).content_length = std::ptr::null_mut();
            }
            return Ok(());
        }
        if name == b":status" {
            // A response has one: it stays until there is another.
            return Ok(());
        }
        editable(name)?;
        if name.eq_ignore_ascii_case(b"content-type") {
            return content_type(request, b"");
        }
        for field in list::fields(&raw mut (*out).headers) {
            if text::bytes((*field).key).eq_ignore_ascii_case(name) {
                // What nginx leaves out.
                (*field).hash = 0;
            }
        }
        if let Some(known) = place(out, name) {
            known.write(std::ptr::null_mut());
        }
    }
    Ok(())
}

/// Answers of a filter begin with none of what was there.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn clear(request: *mut ngx_http_request_t) {
    // SAFETY: the caller's.
    unsafe {
        let out = &raw mut (*request).headers_out;
        for field in list::fields(&raw mut (*out).headers) {
            (*field).hash = 0;
        }
        for known in [
            &raw mut (*out).server,
            &raw mut (*out).date,
            &raw mut (*out).content_length,
            &raw mut (*out).content_encoding,
            &raw mut (*out).location,
            &raw mut (*out).refresh,
            &raw mut (*out).last_modified,
            &raw mut (*out).content_range,
            &raw mut (*out).accept_ranges,
            &raw mut (*out).www_authenticate,
            &raw mut (*out).expires,
            &raw mut (*out).etag,
        ] {
            known.write(std::ptr::null_mut());
        }
        (*out).last_modified_time = -1;
        (*out).content_type = text::literal(b"");
        (*out).content_type_len = 0;
        (*out).charset = text::literal(b"");
    }
}

unsafe fn status(request: *mut ngx_http_request_t, value: &[u8]) -> Result<(), NotEdited> {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<ngx_uint_t>().ok());
    let number = number.filter(|number| (200..600).contains(number)).ok_or(NotEdited)?;
    // SAFETY: the caller's.
    unsafe {
        (*request).headers_out.status = number;
        // The phrase was that of the status before.
        (*request).headers_out.status_line = text::literal(b"");
    }
    Ok(())
}

unsafe fn content_type(request: *mut ngx_http_request_t, value: &[u8]) -> Result<(), NotEdited> {
    // SAFETY: the caller's.
    unsafe {
        let out = &raw mut (*request).headers_out;
        let value = text::copied((*request).pool, value).ok_or(NotEdited)?;
        (*out).content_type = value;
        (*out).content_type_len = value.len;
        (*out).content_type_lowcase = std::ptr::null_mut();
        (*out).charset = text::literal(b"");
    }
    Ok(())
}

/// nginx writes these by itself.
fn kept_apart(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-type") || name.eq_ignore_ascii_case(b"content-length")
}

fn editable(name: &[u8]) -> Result<(), NotEdited> {
    let is_fixed = name.starts_with(b":")
        || [&b"content-length"[..], b"transfer-encoding", b"connection"]
            .iter()
            .any(|fixed| name.eq_ignore_ascii_case(fixed));
    if is_fixed { Err(NotEdited) } else { Ok(()) }
}

/// Where nginx looks whether there is one, before it writes its own.
unsafe fn place(out: *mut ngx_http_headers_out_t, name: &[u8]) -> Option<*mut *mut ngx_table_elt_t> {
    // SAFETY: the caller's.
    unsafe {
        Some(match name.to_ascii_lowercase().as_slice() {
            b"server" => &raw mut (*out).server,
            b"date" => &raw mut (*out).date,
            b"location" => &raw mut (*out).location,
            b"refresh" => &raw mut (*out).refresh,
            b"last-modified" => &raw mut (*out).last_modified,
            b"etag" => &raw mut (*out).etag,
            b"www-authenticate" => &raw mut (*out).www_authenticate,
            b"content-encoding" => &raw mut (*out).content_encoding,
            _ => return None,
        })
    }
}
