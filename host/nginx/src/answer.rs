//! Answers of the edge itself.

use nginx_sys::{
    NGX_ERROR, NGX_OK, ngx_http_discard_request_body, ngx_http_finalize_request, ngx_http_output_filter,
    ngx_http_request_t, ngx_http_send_header, ngx_http_send_special, ngx_int_t, ngx_uint_t, off_t,
};
use postern_proxy_wasm::LocalResponse;

use crate::ngx::{buffer, headers_out, text};
use crate::stream::Failed;

/// A response that a filter, or the module, gives instead of the upstream.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl Answer {
    /// A copy of what a filter wants.
    pub(crate) fn of(response: &LocalResponse<'_>) -> Self {
        let headers = response.headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        Self { status: response.status, headers, body: response.body.to_vec() }
    }

    /// What people see when no filter could speak.
    pub(crate) fn neutral(failed: Failed) -> Self {
        let (status, phrase) = match failed {
            Failed::Died | Failed::Unreadable => (500, "Internal Server Error"),
            Failed::Down => (503, "Service Unavailable"),
            Failed::Silent => (504, "Gateway Timeout"),
            Failed::TooLarge => (413, "Content Too Large"),
            Failed::NotWhatWasJudged | Failed::Malformed | Failed::Closed => (400, "Bad Request"),
        };
        Self::text(status, "text/plain; charset=utf-8", format!("{phrase}\n"))
    }

    /// A text that nobody keeps.
    pub(crate) fn text(status: u16, content_type: &str, body: String) -> Self {
        let header = |name: &str, value: &str| (name.into(), value.into());
        Self {
            status,
            headers: vec![
                header("content-type", content_type),
                header("cache-control", "no-store"),
                header("x-content-type-options", "nosniff"),
            ],
            body: body.into_bytes(),
        }
    }

    /// Sends it and ends the request. Nothing may touch the request afterwards.
    ///
    /// # Safety
    /// The request is valid, and no header has been sent.
    pub(crate) unsafe fn send(self, request: *mut ngx_http_request_t) {
        // SAFETY: the caller's.
        unsafe {
            let result = self.write(request);
            ngx_http_finalize_request(request, result);
        }
    }

    /// Sends it; the result is for nginx's end of the request.
    ///
    /// # Safety
    /// As [`Self::send`].
    pub(crate) unsafe fn write(self, request: *mut ngx_http_request_t) -> ngx_int_t {
        // SAFETY: the caller's; memory of the request's pool is checked for null.
        unsafe {
            if (*request).request_body.is_null() {
                // What the client still sends is read and thrown away.
                let discarded = ngx_http_discard_request_body(request);
                if discarded != NGX_OK as ngx_int_t {
                    return discarded;
                }
            }
            if !self.write_headers(request) {
                return ERROR;
            }
            let sent = ngx_http_send_header(request);
            if sent == ERROR || sent > NGX_OK as ngx_int_t || (*request).header_only() != 0 {
                return sent;
            }
            if self.body.is_empty() {
                return ngx_http_send_special(request, 1);
            }
            let Some(chain) = buffer::chain((*request).pool, &self.body) else { return ERROR };
            (*(*chain).buf).set_last_buf(1);
            (*(*chain).buf).set_last_in_chain(1);
            ngx_http_output_filter(request, chain)
        }
    }

    /// Puts its status and headers in the place of those of another response, none of which has been sent,
    /// and gives back its body; none when that fails.
    ///
    /// # Safety
    /// The request is valid, and no header has been sent.
    pub(crate) unsafe fn take_the_place(self, request: *mut ngx_http_request_t) -> Option<Vec<u8>> {
        // SAFETY: the caller's.
        unsafe { self.write_headers(request).then_some(self.body) }
    }

    unsafe fn write_headers(&self, request: *mut ngx_http_request_t) -> bool {
        // SAFETY: the caller's.
        unsafe {
            headers_out::clear(request);
            (*request).headers_out.status = self.status as ngx_uint_t;
            (*request).headers_out.status_line = text::literal(b"");
            (*request).headers_out.content_length_n = off_t::try_from(self.body.len()).unwrap_or(-1);
            self.headers.iter().all(|(name, value)| headers_out::add(request, name, value).is_ok())
        }
    }
}

const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;
