//! What the directives say.

use std::ffi::{c_char, c_void};
use std::ptr;

use nginx_sys::{
    NGX_ERROR, NGX_OK, ngx_conf_t, ngx_http_request_t, ngx_int_t, ngx_pool_cleanup_add, ngx_shm_zone_t,
};
use postern_proxy_wasm::{CompiledModule, Engine};

use crate::cluster::Cluster;
use crate::guarded::guarded;
use crate::module::location_of;
use crate::{compiled, shared};

/// Bytes of a body that filters may judge, unless `postern_body_limit` says otherwise.
const BODY_LIMIT: usize = 1 << 20;

/// `http`: what there is.
pub(crate) struct Main {
    /// Made for the first module.
    pub(crate) engine: Option<Engine>,
    pub(crate) modules: Vec<CompiledModule>,
    pub(crate) filters: Vec<FilterSettings>,
    pub(crate) clusters: Vec<Cluster>,
    /// Variables of nginx's environment that filters see, as the master has them.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) zone_size: usize,
    pub(crate) zone: *mut ngx_shm_zone_t,
    /// Milliseconds that one call into a filter may take.
    pub(crate) time_limit: u64,
    /// Milliseconds that filters may hold a request.
    pub(crate) wait_limit: u64,
    /// Bytes of memory of one filter in one worker.
    pub(crate) memory_limit: usize,
}

/// One `postern_filter`, wherever it stands.
#[derive(PartialEq, Eq)]
pub(crate) struct FilterSettings {
    /// Place in [`Main::modules`].
    pub(crate) module: usize,
    pub(crate) configuration: Vec<u8>,
}

impl Default for Main {
    fn default() -> Self {
        Self {
            engine: None,
            modules: Vec::new(),
            filters: Vec::new(),
            clusters: Vec::new(),
            environment: Vec::new(),
            zone_size: 4 << 20,
            zone: ptr::null_mut(),
            time_limit: 200,
            wait_limit: 30_000,
            memory_limit: 256 << 20,
        }
    }
}

/// A location: which filters its requests go through.
#[derive(Default)]
pub(crate) struct Location {
    /// Places in [`Main::filters`], in order.
    pub(crate) filters: Vec<usize>,
    /// Whether this level says anything; else what the level above says holds.
    pub(crate) is_set: bool,
    pub(crate) body_limit: Option<usize>,
}

impl Location {
    pub(crate) fn body_limit(&self) -> usize {
        self.body_limit.unwrap_or(BODY_LIMIT)
    }
}

/// The location that serves the request.
///
/// # Safety
/// The request is valid.
pub(crate) unsafe fn location<'a>(request: *mut ngx_http_request_t) -> &'a Location {
    // SAFETY: the caller's; nginx called `create_location` for every location.
    unsafe { &*location_of(request).cast::<Location>() }
}

pub(crate) unsafe extern "C" fn create_main(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: nginx's.
    guarded("the configuration", ptr::null_mut(), || unsafe { owned(cf, Main::default()) })
}

pub(crate) unsafe extern "C" fn create_location(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: nginx's.
    guarded("the configuration", ptr::null_mut(), || unsafe { owned(cf, Location::default()) })
}

pub(crate) unsafe extern "C" fn merge_location(
    _: *mut ngx_conf_t,
    above: *mut c_void,
    here: *mut c_void,
) -> *mut c_char {
    // SAFETY: both are of `create_location`, and different.
    unsafe {
        let (above, here) = (&*above.cast::<Location>(), &mut *here.cast::<Location>());
        if !here.is_set {
            here.filters.clone_from(&above.filters);
            here.is_set = above.is_set;
        }
        here.body_limit = here.body_limit.or(above.body_limit);
    }
    ptr::null_mut()
}

/// The whole configuration has been read.
///
/// # Safety
/// `cf` is nginx's, inside `http`.
pub(crate) unsafe fn finish(cf: *mut ngx_conf_t) -> ngx_int_t {
    // SAFETY: the caller's; of `create_main`.
    unsafe {
        let main = &mut *crate::module::main_of(cf).cast::<Main>();
        // Compiled modules are what the workers need of it.
        main.engine = None;
        compiled::forget_others();
        if main.filters.is_empty() {
            return NGX_OK as ngx_int_t;
        }
        main.zone = shared::declare(cf, main.zone_size);
        if main.zone.is_null() { NGX_ERROR as ngx_int_t } else { NGX_OK as ngx_int_t }
    }
}

/// A value that goes when nginx forgets the configuration.
unsafe fn owned<T>(cf: *mut ngx_conf_t, value: T) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe {
        let cleanup = ngx_pool_cleanup_add((*cf).pool, 0);
        if cleanup.is_null() {
            return ptr::null_mut();
        }
        let value: *mut c_void = Box::into_raw(Box::new(value)).cast();
        (*cleanup).data = value;
        (*cleanup).handler = Some(free::<T>);
        value
    }
}

unsafe extern "C" fn free<T>(value: *mut c_void) {
    // SAFETY: of `owned`, and called once.
    guarded("the end of a configuration", (), || drop(unsafe { Box::from_raw(value.cast::<T>()) }));
}
