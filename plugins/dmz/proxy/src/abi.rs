//! The host's functions, with every status as a value.
//!
//! `proxy_wasm::hostcalls` panics on a status that it does not expect, and passes no details
//! with a local response; so the functions that a filter uses are declared here. What the proxy calls
//! is in the macro `filter!`.
#![allow(unsafe_code)]

use core::cell::RefCell;
use core::ptr;

/// A status other than Ok, as proxy-wasm numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub u32);

impl Failed {
    /// There is no such thing.
    pub const NOT_FOUND: Self = Self(1);
    /// Shared data was written in between.
    pub const STALE: Self = Self(8);
}

impl core::fmt::Display for Failed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "proxy-wasm status {}", self.0)
    }
}

impl core::error::Error for Failed {}

/// `proxy_header_map_type_t`
#[derive(Clone, Copy)]
pub(crate) enum Map {
    Request = 0,
    Response = 2,
    CallResponse = 6,
}

/// `proxy_buffer_type_t`
#[derive(Clone, Copy)]
pub(crate) enum Buffer {
    RequestBody = 0,
    CallResponseBody = 4,
    PluginConfiguration = 7,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        limit: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
    ) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout_milliseconds: u32,
        call: *mut u32,
    ) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
}

fn checked(status: u32) -> Result<(), Failed> {
    if status == 0 { Ok(()) } else { Err(Failed(status)) }
}

thread_local! {
    static BLOCKS: RefCell<Blocks> = const { RefCell::new(Blocks { lent: Vec::new(), spare: Vec::new() }) };
}

/// Memory that the proxy writes to.
struct Blocks {
    /// Until the host function returns that asked for it.
    lent: Vec<Vec<u8>>,
    /// What a request had that is over: the headers of the next one fit in, mostly.
    spare: Vec<u8>,
}

/// Largest block that is kept for the next request, in bytes: more is given back.
const MAX_SPARE: usize = 64 * 1024;

/// For `proxy_on_memory_allocate`.
pub(crate) fn allocate(size: usize) -> *mut u8 {
    BLOCKS.with(|blocks| {
        let Ok(mut blocks) = blocks.try_borrow_mut() else { return ptr::null_mut() };
        let mut block = core::mem::take(&mut blocks.spare);
        if block.len() < size {
            block = vec![0; size];
        }
        let data = block.as_mut_ptr();
        blocks.lent.push(block);
        data
    })
}

/// Keeps a block that is not needed any longer.
pub(crate) fn recycle(block: Vec<u8>) {
    BLOCKS.with(|blocks| {
        if let Ok(mut blocks) = blocks.try_borrow_mut()
            && (blocks.spare.len()..=MAX_SPARE).contains(&block.len())
        {
            blocks.spare = block;
        }
    });
}

/// Runs a host function that returns memory, and takes the block that it wrote to: so many bytes of it.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<(Vec<u8>, usize), Failed> {
    let mut data: *mut u8 = ptr::null_mut();
    let mut size: usize = 0;
    let status = call(&raw mut data, &raw mut size);
    let block = BLOCKS.with(|blocks| {
        let mut blocks = blocks.try_borrow_mut().ok()?;
        let found = blocks.lent.iter().position(|block| ptr::eq(block.as_ptr(), data));
        let block = found.map(|index| blocks.lent.swap_remove(index));
        // Each host function returns one, if any.
        blocks.lent.clear();
        block
    });
    checked(status)?;
    let block = block.unwrap_or_default();
    let size = size.min(block.len());
    Ok((block, size))
}

/// The same, where nothing but the bytes is wanted.
fn returned_bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, Failed> {
    let (mut block, size) = returned(call)?;
    block.truncate(size);
    Ok(block)
}

pub(crate) fn log(level: u32, message: &str) {
    // SAFETY: pointer and size of one live string.
    let _ = unsafe { proxy_log(level, message.as_ptr(), message.len()) };
}

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub(crate) fn current_time() -> Result<u64, Failed> {
    let mut time = 0;
    // SAFETY: a live place for the result.
    checked(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

pub(crate) fn set_tick_period(milliseconds: u32) -> Result<(), Failed> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

pub(crate) fn buffer(buffer: Buffer, limit: usize) -> Result<Vec<u8>, Failed> {
    // SAFETY: live places for the results.
    match returned_bytes(|data, size| unsafe { proxy_get_buffer_bytes(buffer as u32, 0, limit, data, size) })
    {
        Err(Failed::NOT_FOUND) => Ok(Vec::new()),
        other => other,
    }
}

/// A block, and how many of its bytes are the pairs.
pub(crate) fn header_pairs(map: Map) -> Result<(Vec<u8>, usize), Failed> {
    // SAFETY: live places for the results.
    returned(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) })
}

/// One more header, whether there is one of that name or not.
pub(crate) fn add_header(map: Map, name: &str, value: &[u8]) -> Result<(), Failed> {
    // SAFETY: pointers and sizes of live slices.
    checked(unsafe {
        proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

pub(crate) fn replace_header(map: Map, name: &str, value: &[u8]) -> Result<(), Failed> {
    // SAFETY: pointers and sizes of live slices.
    checked(unsafe {
        proxy_replace_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

pub(crate) fn remove_header(map: Map, name: &[u8]) -> Result<(), Failed> {
    // SAFETY: pointer and size of a live slice.
    checked(unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// `path` has its parts separated by NUL.
pub(crate) fn property(path: &str) -> Result<Vec<u8>, Failed> {
    // SAFETY: pointer and size of a live slice, live places for the results.
    returned_bytes(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<(), Failed> {
    // SAFETY: pointers and sizes of live slices.
    checked(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

pub(crate) fn shared_data(key: &str) -> Result<(Vec<u8>, u32), Failed> {
    let mut version = 0;
    // SAFETY: pointer and size of a live slice, live places for the results.
    let value = returned_bytes(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut version)
    })?;
    Ok((value, version))
}

/// Version 0 writes whatever is there.
pub(crate) fn set_shared_data(key: &str, value: &[u8], version: u32) -> Result<(), Failed> {
    // SAFETY: pointers and sizes of live slices.
    checked(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) })
}

/// Sends a request of the filter's own; `headers` in the serialised form of header pairs. The number
/// of the call comes back with its response.
pub(crate) fn http_call(
    cluster: &str,
    headers: &[u8],
    body: &[u8],
    timeout_milliseconds: u32,
) -> Result<u32, Failed> {
    // No pairs.
    let trailers = [0_u8; 4];
    let mut call = 0;
    // SAFETY: pointers and sizes of live slices, a live place for the result.
    checked(unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            timeout_milliseconds,
            &raw mut call,
        )
    })?;
    Ok(call)
}

pub(crate) fn continue_request() -> Result<(), Failed> {
    const HTTP_REQUEST: u32 = 0;
    // SAFETY: no pointers.
    checked(unsafe { proxy_continue_stream(HTTP_REQUEST) })
}

/// `headers` in the serialised form of header pairs.
pub(crate) fn send_local_response(
    status: u16,
    details: &str,
    headers: &[u8],
    body: &[u8],
) -> Result<(), Failed> {
    const NOT_GRPC: i32 = -1;
    // SAFETY: pointers and sizes of live slices.
    checked(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NOT_GRPC,
        )
    })
}

pub(crate) fn set_effective_context(context: u32) -> Result<(), Failed> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_set_effective_context(context) })
}

pub(crate) fn call_foreign_function(name: &str, arguments: &[u8]) -> Result<Vec<u8>, Failed> {
    // SAFETY: pointers and sizes of live slices, live places for the results.
    returned_bytes(|data, size| unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            arguments.as_ptr(),
            arguments.len(),
            data,
            size,
        )
    })
}

pub(crate) fn define_counter(name: &str) -> Result<u32, Failed> {
    const COUNTER: u32 = 0;
    define_metric(COUNTER, name)
}

pub(crate) fn define_gauge(name: &str) -> Result<u32, Failed> {
    const GAUGE: u32 = 1;
    define_metric(GAUGE, name)
}

fn define_metric(kind: u32, name: &str) -> Result<u32, Failed> {
    let mut id = 0;
    // SAFETY: pointer and size of a live slice, a live place for the result.
    checked(unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

pub(crate) fn record_metric(id: u32, value: u64) -> Result<(), Failed> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_record_metric(id, value) })
}

pub(crate) fn increment_metric(id: u32, offset: i64) -> Result<(), Failed> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_increment_metric(id, offset) })
}
