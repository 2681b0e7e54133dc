//! The body of a request: read whole, wherever nginx has put it.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

use nginx_sys::{ngx_http_request_t, off_t};

use super::buffer;

/// Whether a body follows the headers.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn follows(request: *mut ngx_http_request_t) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let headers = &(*request).headers_in;
        if headers.content_length_n > 0 || headers.chunked() != 0 {
            return true;
        }
        let stream = (*request).stream;
        !stream.is_null() && (*stream).in_closed() == 0
    }
}

/// All of it, after nginx has read it.
///
/// # Errors
/// When it is longer than `limit`, which is [`io::ErrorKind::FileTooLarge`], or its file can't be
/// read.
///
/// # Safety
/// The request is valid and nginx has read its body.
pub(crate) unsafe fn whole(request: *mut ngx_http_request_t, limit: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    // SAFETY: the caller's; buffers are valid while the request is.
    unsafe {
        if (*request).request_body.is_null() {
            return Err(io::Error::other("nginx has thrown the body away"));
        }
        let mut link = (*(*request).request_body).bufs;
        while !link.is_null() {
            let buffer = (*link).buf;
            if (*buffer).in_file() != 0 {
                let start = u64::try_from((*buffer).file_pos).map_err(io::Error::other)?;
                let end = u64::try_from((*buffer).file_last).map_err(io::Error::other)?;
                let length = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
                let from = fits(body.len(), length, limit)?;
                body.resize(from + length, 0);
                // nginx owns the descriptor.
                let file = ManuallyDrop::new(File::from_raw_fd((*(*buffer).file).fd));
                file.read_exact_at(body.get_mut(from..).unwrap_or_default(), start)?;
            } else if !(*buffer).pos.is_null() {
                let length = (*buffer).last.offset_from_unsigned((*buffer).pos);
                fits(body.len(), length, limit)?;
                body.extend_from_slice(std::slice::from_raw_parts((*buffer).pos, length));
            }
            link = (*link).next;
        }
    }
    Ok(body)
}

/// Puts another body in its place: the upstream gets this one, and its length.
///
/// # Safety
/// The request is valid and nginx has read its body.
pub(crate) unsafe fn replace(request: *mut ngx_http_request_t, body: &[u8]) -> io::Result<()> {
    let memory = || io::Error::from(io::ErrorKind::OutOfMemory);
    // SAFETY: the caller's; memory of the request's pool is checked for null.
    unsafe {
        if (*request).request_body.is_null() {
            return Err(io::Error::other("nginx has thrown the body away"));
        }
        let length = off_t::try_from(body.len()).map_err(io::Error::other)?;
        (*(*request).request_body).bufs = if body.is_empty() {
            std::ptr::null_mut()
        } else {
            buffer::chain((*request).pool, body).ok_or_else(memory)?
        };
        (*request).headers_in.content_length_n = length;
    }
    Ok(())
}

fn fits(have: usize, more: usize, limit: usize) -> io::Result<usize> {
    match have.checked_add(more) {
        Some(whole) if whole <= limit => Ok(have),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}
