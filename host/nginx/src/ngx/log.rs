//! nginx's log.

use nginx_sys::{
    NGX_LOG_EMERG, ngx_conf_log_error, ngx_conf_t, ngx_cycle, ngx_log_error_core, ngx_log_t, ngx_uint_t,
};

/// Writes a line.
///
/// # Safety
/// The log is valid or null.
pub(crate) unsafe fn write(log: *mut ngx_log_t, level: u32, text: &[u8]) {
    // SAFETY: the caller's.
    if log.is_null() || unsafe { (*log).log_level } < level as ngx_uint_t {
        return;
    }
    let text = printable(text);
    // SAFETY: `%*s` takes a size and a pointer to that many bytes.
    unsafe { ngx_log_error_core(level as ngx_uint_t, log, 0, c"%*s".as_ptr(), text.len(), text.as_ptr()) };
}

/// Writes a line that belongs to no request.
pub(crate) fn cycle(level: u32, text: &str) {
    // SAFETY: nginx sets the cycle before it calls any module.
    unsafe {
        let cycle = ngx_cycle;
        if !cycle.is_null() {
            write((*cycle).log, level, text.as_bytes());
        }
    }
}

/// Writes an error of the configuration, with file and line, and is the directive's answer.
///
/// # Safety
/// `cf` is the one that nginx handed to the directive.
pub(crate) unsafe fn configuration(cf: *mut ngx_conf_t, text: &str) -> *mut std::ffi::c_char {
    let text = printable(text.as_bytes());
    // SAFETY: as in `write`.
    unsafe {
        ngx_conf_log_error(NGX_LOG_EMERG as ngx_uint_t, cf, 0, c"%*s".as_ptr(), text.len(), text.as_ptr());
    }
    // NGX_CONF_ERROR
    usize::MAX as *mut std::ffi::c_char
}

/// Nothing that comes from outside may break a line.
fn printable(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }).collect()
}
