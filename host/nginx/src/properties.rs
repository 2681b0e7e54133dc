//! Properties of a request by Envoy's names, answered by nginx's variables.

use nginx_sys::{ngx_hash_strlow, ngx_http_get_variable, ngx_http_request_t, ngx_str_t};
use postern_proxy_wasm::PropertyPath;

use crate::certificate;
use crate::ngx::{headers_in, list, text};

/// The property, or none.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn of(request: *mut ngx_http_request_t, path: PropertyPath<'_>) -> Option<Vec<u8>> {
    let mut parts = path.parts();
    let (group, name) = (parts.next()?, parts.next()?);
    let key = parts.next();
    // SAFETY: the caller's.
    unsafe {
        match (group, name, key) {
            (b"source", b"address", None) => address(request, "remote_addr", "remote_port"),
            (b"source", b"port", None) => number(&variable(request, "remote_port")?),
            (b"destination", b"address", None) => address(request, "server_addr", "server_port"),
            (b"destination", b"port", None) => number(&variable(request, "server_port")?),
            (b"request", b"path", None) => Some(headers_in::target(request).to_vec()),
            (b"request", b"url_path", None) => {
                let target = headers_in::target(request);
                Some(target.split(|byte| *byte == b'?').next().unwrap_or_default().to_vec())
            }
            (b"request", b"query", None) => {
                let target = headers_in::target(request);
                let query = target.iter().position(|byte| *byte == b'?').and_then(|at| target.get(at + 1..));
                Some(query.unwrap_or_default().to_vec())
            }
            (b"request", b"host", None) => header(request, b"host"),
            (b"request", b"scheme", None) => Some(headers_in::scheme(request).to_vec()),
            (b"request", b"method", None) => Some(text::bytes((*request).method_name).to_vec()),
            (b"request", b"protocol", None) => variable(request, "server_protocol").map(|protocol| {
                // Envoy's word.
                if protocol == b"HTTP/2.0" { b"HTTP/2".to_vec() } else { protocol }
            }),
            (b"request", b"id", None) => variable(request, "request_id"),
            (b"request", b"referer", None) => header(request, b"referer"),
            (b"request", b"useragent", None) => header(request, b"user-agent"),
            (b"request", b"headers", Some(name)) => header(request, name),
            (b"response", b"code", None) => {
                let status = (*request).headers_out.status as u64;
                (status != 0).then(|| status.to_le_bytes().to_vec())
            }
            (b"connection", b"mtls", None) => Some(vec![u8::from(is_mutual(request))]),
            (b"connection", b"tls_version", None) => variable(request, "ssl_protocol")
                .map(|version| if version == b"TLSv1" { b"TLSv1.0".to_vec() } else { version }),
            (b"connection", b"requested_server_name", None) => variable(request, "ssl_server_name"),
            // Only of a certificate that nginx has verified.
            (b"connection", b"subject_peer_certificate", None) if is_mutual(request) => {
                variable(request, "ssl_client_s_dn")
            }
            (b"connection", b"sha256_peer_certificate_digest", None) if is_mutual(request) => {
                certificate::digest(&variable(request, "ssl_client_raw_cert")?)
            }
            (b"connection", b"id", None) => {
                let number: u64 = (*(*request).connection).number;
                Some(number.to_le_bytes().to_vec())
            }
            _ => None,
        }
    }
}

unsafe fn is_mutual(request: *mut ngx_http_request_t) -> bool {
    // SAFETY: the caller's.
    unsafe { variable(request, "ssl_client_verify") }.as_deref() == Some(b"SUCCESS")
}

/// `1.2.3.4:5678` or `[::1]:5678`. nginx has replaced it already where `set_real_ip_from` says so.
unsafe fn address(request: *mut ngx_http_request_t, host: &str, port: &str) -> Option<Vec<u8>> {
    // SAFETY: the caller's.
    let (host, port) = unsafe { (variable(request, host)?, variable(request, port)?) };
    Some(if host.contains(&b':') {
        [b"[", host.as_slice(), b"]:", port.as_slice()].concat()
    } else {
        [host.as_slice(), b":", port.as_slice()].concat()
    })
}

fn number(digits: &[u8]) -> Option<Vec<u8>> {
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(number.to_le_bytes().to_vec())
}

/// The first header of that name.
unsafe fn header(request: *mut ngx_http_request_t, name: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the caller's.
    unsafe {
        list::fields(&raw mut (*request).headers_in.headers)
            .find(|field| text::bytes((**field).key).eq_ignore_ascii_case(name))
            .map(|field| text::bytes((*field).value).to_vec())
    }
}

/// A variable of nginx, none when it has no value.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn variable(request: *mut ngx_http_request_t, name: &str) -> Option<Vec<u8>> {
    let mut lower = name.as_bytes().to_vec();
    let mut name = ngx_str_t { len: lower.len(), data: lower.as_mut_ptr() };
    // SAFETY: the caller's; the name is a live buffer.
    unsafe {
        let key = ngx_hash_strlow(name.data, name.data, name.len);
        let value = ngx_http_get_variable(request, &raw mut name, key);
        let found = !value.is_null() && (*value).not_found() == 0 && (*value).valid() != 0;
        (found && (*value).len() > 0).then(|| (*value).as_bytes().to_vec())
    }
}
