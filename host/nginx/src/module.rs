//! What nginx looks for in the file.

use std::ffi::{c_char, c_void};
use std::ptr;

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_MODULE, ngx_array_push, ngx_conf_t, ngx_http_conf_ctx_t, ngx_http_core_main_conf_t,
    ngx_http_core_module, ngx_http_handler_pt, ngx_http_module_t, ngx_http_phases_NGX_HTTP_LOG_PHASE,
    ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE, ngx_http_request_t, ngx_int_t, ngx_module_t, ngx_uint_t,
};

use crate::guarded::guarded;
use crate::{configuration, directives, phases, response, response_body, variables, worker};

static mut CONTEXT: ngx_http_module_t = ngx_http_module_t {
    preconfiguration: Some(before),
    postconfiguration: Some(after),
    create_main_conf: Some(configuration::create_main),
    init_main_conf: None,
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: Some(configuration::create_location),
    merge_loc_conf: Some(configuration::merge_location),
};

/// The module.
#[allow(non_upper_case_globals, reason = "nginx's way to name modules")]
#[unsafe(no_mangle)]
static mut ngx_http_postern_module: ngx_module_t = ngx_module_t {
    ctx: (&raw mut CONTEXT).cast(),
    commands: (&raw mut directives::COMMANDS).cast(),
    type_: NGX_HTTP_MODULE as ngx_uint_t,
    init_process: Some(worker::init),
    exit_process: Some(worker::exit),
    ..ngx_module_t::default()
};

/// A list that nginx reads and never writes.
#[repr(transparent)]
struct List<T>(T);
// SAFETY: the pointers lead to statics.
unsafe impl<T> Sync for List<T> {}

#[allow(non_upper_case_globals, reason = "nginx's name")]
#[unsafe(no_mangle)]
static ngx_modules: List<[*const ngx_module_t; 2]> = List([&raw const ngx_http_postern_module, ptr::null()]);

#[allow(non_upper_case_globals, reason = "nginx's name")]
#[unsafe(no_mangle)]
static ngx_module_names: List<[*const c_char; 2]> = List([c"ngx_http_postern_module".as_ptr(), ptr::null()]);

/// Among the header filters: before those that nginx itself writes headers in, after the body's copy.
#[allow(non_upper_case_globals, reason = "nginx's name")]
#[unsafe(no_mangle)]
static ngx_module_order: List<[*const c_char; 3]> =
    List([c"ngx_http_postern_module".as_ptr(), c"ngx_http_copy_filter_module".as_ptr(), ptr::null()]);

/// The module, for nginx's functions.
pub(crate) fn module() -> *mut ngx_module_t {
    &raw mut ngx_http_postern_module
}

/// The module's place among all that are HTTP.
fn index() -> usize {
    // SAFETY: nginx writes it before it reads a directive of ours, on this thread.
    unsafe { (*module()).ctx_index }
}

/// Where nginx keeps what the module knows of a request.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn context_place(request: *mut ngx_http_request_t) -> *mut *mut c_void {
    // SAFETY: the caller's; nginx makes room for every module.
    unsafe { (*request).ctx.add(index()) }
}

/// The module's configuration of the location that serves the request.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn location_of(request: *mut ngx_http_request_t) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { *(*request).loc_conf.add(index()) }
}

/// The module's configuration of all of `http`.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn main_of_request(request: *mut ngx_http_request_t) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { *(*request).main_conf.add(index()) }
}

/// The module's configuration of all of `http`, from within one of its directives.
///
/// # Safety
/// `cf` is nginx's, inside `http`.
pub(crate) unsafe fn main_of(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { *(*(*cf).ctx.cast::<ngx_http_conf_ctx_t>()).main_conf.add(index()) }
}

/// The same in a worker; none without an `http` block.
///
/// # Safety
/// The cycle is nginx's.
pub(crate) unsafe fn main_of_cycle(cycle: *mut nginx_sys::ngx_cycle_t) -> Option<*mut c_void> {
    // SAFETY: the caller's.
    unsafe {
        let place = (*cycle).conf_ctx.add(nginx_sys::ngx_http_module.index);
        let context = (*place).cast::<ngx_http_conf_ctx_t>();
        (!context.is_null()).then(|| *(*context).main_conf.add(index()))
    }
}

unsafe extern "C" fn before(cf: *mut ngx_conf_t) -> ngx_int_t {
    // SAFETY: nginx's, while it reads the configuration.
    guarded("the configuration", NGX_ERROR as ngx_int_t, || unsafe { variables::declare(cf) })
}

unsafe extern "C" fn after(cf: *mut ngx_conf_t) -> ngx_int_t {
    guarded("the configuration", NGX_ERROR as ngx_int_t, || {
        // SAFETY: nginx's, while it reads the configuration.
        unsafe {
            let core =
                *(*(*cf).ctx.cast::<ngx_http_conf_ctx_t>()).main_conf.add(ngx_http_core_module.ctx_index);
            let core = core.cast::<ngx_http_core_main_conf_t>();
            // After all that limits requests, before all that answers them. Not the access phase:
            // with `satisfy any` another module's yes would be ours.
            let precontent = ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE as usize;
            let log = ngx_http_phases_NGX_HTTP_LOG_PHASE as usize;
            for (phase, handler) in
                [(precontent, phases::on_request as Handler), (log, phases::on_log as Handler)]
            {
                let Some(phase) = (*core).phases.get_mut(phase) else { return NGX_ERROR as ngx_int_t };
                let place = ngx_array_push(&raw mut phase.handlers).cast::<ngx_http_handler_pt>();
                if place.is_null() {
                    return NGX_ERROR as ngx_int_t;
                }
                place.write(Some(handler));
            }
            response::install();
            response_body::install();
            configuration::finish(cf)
        }
    })
}

type Handler = unsafe extern "C" fn(*mut ngx_http_request_t) -> ngx_int_t;
