//! Variables for the access log: `$postern_details` is the reason code of a refusal, and
//! `$postern_<name>` what a filter kept with the request under `postern.<name>`; `_` stands for `.`.

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_VAR_NOCACHEABLE, NGX_HTTP_VAR_PREFIX, NGX_OK, ngx_conf_t, ngx_http_add_variable,
    ngx_http_get_variable_index, ngx_http_request_t, ngx_http_variable_value_t, ngx_int_t, ngx_str_t,
    ngx_uint_t,
};

use crate::guarded::guarded;
use crate::ngx::text;
use crate::{phases, properties, refused};

const PREFIX: &[u8] = b"postern_";

/// Declares the variables.
///
/// # Safety
/// `cf` is nginx's, while it reads the configuration.
pub(crate) unsafe fn declare(cf: *mut ngx_conf_t) -> ngx_int_t {
    let mut name = text::literal(PREFIX);
    // SAFETY: the caller's; nginx copies the name.
    unsafe {
        let flags = (NGX_HTTP_VAR_PREFIX | NGX_HTTP_VAR_NOCACHEABLE) as ngx_uint_t;
        let variable = ngx_http_add_variable(cf, &raw mut name, flags);
        if variable.is_null() {
            return NGX_ERROR as ngx_int_t;
        }
        (*variable).get_handler = Some(get);
        // With an index it is made once for a request: filters, log and pages tell the same one.
        let mut reference = text::literal(b"request_id");
        if ngx_http_get_variable_index(cf, &raw mut reference) == NGX_ERROR as ngx_int_t {
            return NGX_ERROR as ngx_int_t;
        }
    }
    NGX_OK as ngx_int_t
}

unsafe extern "C" fn get(
    request: *mut ngx_http_request_t,
    value: *mut ngx_http_variable_value_t,
    data: usize,
) -> ngx_int_t {
    guarded("a variable", NGX_ERROR as ngx_int_t, || {
        // SAFETY: nginx's; for a variable of a prefix `data` is its whole name.
        unsafe {
            let name = text::bytes(*(data as *const ngx_str_t));
            let found = look_up(request, name.strip_prefix(PREFIX).unwrap_or_default());
            let found = found.and_then(|found| text::copied((*request).pool, &found));
            match found {
                Some(found) => {
                    (*value).set_len(u32::try_from(found.len).unwrap_or(0));
                    (*value).set_valid(1);
                    (*value).set_no_cacheable(1);
                    (*value).set_not_found(0);
                    (*value).data = found.data;
                }
                None => (*value).set_not_found(1),
            }
        }
        NGX_OK as ngx_int_t
    })
}

unsafe fn look_up(request: *mut ngx_http_request_t, name: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the caller's.
    let shared = unsafe { phases::shared_of(request) };
    if name == b"details" {
        let details = shared.as_ref().map(|shared| shared.details.borrow().clone()).unwrap_or_default();
        if !details.is_empty() || shared.is_some_and(|shared| shared.passed.get()) {
            return Some(details).filter(|details| !details.is_empty());
        }
        // SAFETY: the caller's.
        return unsafe { refused::by_nginx(request) }.map(|code| code.as_bytes().to_vec());
    }
    let Some(shared) = shared else {
        // Refused before the first filter: the reference that the filters would have got.
        // SAFETY: the caller's.
        return if name == b"correlation" {
            unsafe { properties::variable(request, "request_id") }
        } else {
            None
        };
    };
    let name: Vec<u8> = name.iter().map(|byte| if *byte == b'_' { b'.' } else { *byte }).collect();
    let path = [b"postern.", name.as_slice()].concat();
    shared.state.borrow().get(&path).map(<[u8]>::to_vec)
}
