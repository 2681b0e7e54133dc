//! What nginx refused by itself, before or beside the filters: a reason code for the access log.

use nginx_sys::ngx_http_request_t;

/// The code for a request that no filter has judged to its end; none when nothing was refused.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn by_nginx(request: *mut ngx_http_request_t) -> Option<&'static str> {
    // SAFETY: the caller's.
    let status = unsafe {
        match (*request).err_status {
            0 => (*request).headers_out.status,
            status => status,
        }
    };
    Some(match status {
        // Control characters, two hosts, a length beside chunks, headers beyond their buffers, plain HTTP
        // at a port of TLS: whatever its parser does not take. nginx keeps no finer reason.
        400 => "nginx.request.malformed",
        403 => "nginx.request.denied",
        405 => "nginx.request.method",
        408 => "nginx.request.slow",
        413 => "nginx.request.body-too-large",
        414 => "nginx.request.target-too-long",
        421 => "nginx.request.misdirected",
        426 | 505 => "nginx.request.version",
        429 => "nginx.request.rate-exceeded",
        // The client has gone.
        499 => "nginx.request.abandoned",
        501 => "nginx.request.transfer-encoding",
        401..=499 => "nginx.request.refused",
        _ => return None,
    })
}
