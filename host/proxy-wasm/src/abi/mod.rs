//! The functions that a guest imports: `proxy_*` and a subset of WASI.

mod buffers;
mod callouts;
mod foreign;
mod grpc;
mod headers;
mod log;
mod metrics;
mod properties;
mod shared;
mod streams;
mod wasi;

use wasmtime::{Caller, Linker};

use crate::data::Data;
use crate::host::Host;
use crate::status::Status;

type Guest<'a, H> = Caller<'a, Data<H>>;

/// Why a host call does not succeed.
enum Stop {
    /// The guest is told.
    Status(Status),
    /// The guest's own allocator trapped: it ends.
    Trap(wasmtime::Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// All of them.
pub(crate) fn linker<H: Host>(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Data<H>>> {
    let mut linker = Linker::new(engine);
    log::link(&mut linker)?;
    headers::link(&mut linker)?;
    buffers::link(&mut linker)?;
    streams::link(&mut linker)?;
    properties::link(&mut linker)?;
    callouts::link(&mut linker)?;
    grpc::link(&mut linker)?;
    shared::link(&mut linker)?;
    metrics::link(&mut linker)?;
    foreign::link(&mut linker)?;
    wasi::link(&mut linker)?;
    Ok(linker)
}

/// Whether a guest may import it.
pub(crate) fn has(module: &str, name: &str) -> bool {
    match module {
        "env" => PROXY.contains(&name),
        "wasi_snapshot_preview1" => WASI.contains(&name),
        _ => false,
    }
}

const PROXY: [&str; 43] = [
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_buffer_status",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_size",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_metric",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
    // Not in the specification's text; Envoy has them and SDKs name them.
    "proxy_continue_request",
    "proxy_continue_response",
    "proxy_clear_route_cache",
    "proxy_get_configuration",
];

const WASI: [&str; 14] = [
    "args_get",
    "args_sizes_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_close",
    "fd_fdstat_get",
    "fd_read",
    "fd_seek",
    "fd_write",
    "poll_oneoff",
    "proc_exit",
    "random_get",
    "sched_yield",
];

/// What the guest gets: `proxy_status_t`.
fn answer(result: Result<(), Stop>) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(0),
        Err(Stop::Status(status)) => Ok(status as u32),
        Err(Stop::Trap(error)) => Err(error),
    }
}

/// The guest's memory, and what the host has.
fn parts<'a, H: Host>(guest: &'a mut Guest<'_, H>) -> Result<(&'a mut [u8], &'a mut Data<H>), Stop> {
    let memory = guest.data().guest.as_ref().map(|guest| guest.memory);
    // None while the module's own start function runs.
    let memory = memory.ok_or(Status::InvalidMemoryAccess)?;
    Ok(memory.data_and_store_mut(guest))
}

fn slice(memory: &[u8], at: u32, size: u32) -> Result<&[u8], Status> {
    let (start, size) = (at as usize, size as usize);
    let end = start.checked_add(size).ok_or(Status::InvalidMemoryAccess)?;
    memory.get(start..end).ok_or(Status::InvalidMemoryAccess)
}

fn slice_mut(memory: &mut [u8], at: u32, size: u32) -> Result<&mut [u8], Status> {
    let (start, size) = (at as usize, size as usize);
    let end = start.checked_add(size).ok_or(Status::InvalidMemoryAccess)?;
    memory.get_mut(start..end).ok_or(Status::InvalidMemoryAccess)
}

fn put_u32(memory: &mut [u8], at: u32, number: u32) -> Result<(), Status> {
    slice_mut(memory, at, 4)?.copy_from_slice(&number.to_le_bytes());
    Ok(())
}

fn put_u64(memory: &mut [u8], at: u32, number: u64) -> Result<(), Status> {
    slice_mut(memory, at, 8)?.copy_from_slice(&number.to_le_bytes());
    Ok(())
}

fn put_number<H: Host>(guest: &mut Guest<'_, H>, at: u32, number: u32) -> Result<(), Stop> {
    Ok(put_u32(parts(guest)?.0, at, number)?)
}

/// Has the guest allocate `size` bytes, writes where they are and how many to the two places, and
/// gives the address. Nothing is allocated for no bytes: the address is 0 then.
fn allocate<H: Host>(guest: &mut Guest<'_, H>, size: usize, data_at: u32, size_at: u32) -> Result<u32, Stop> {
    let size = u32::try_from(size).map_err(|_| Status::InternalFailure)?;
    let address = if size == 0 {
        0
    } else {
        let allocate = guest.data().guest.as_ref().and_then(|guest| guest.allocate.clone());
        let allocate = allocate.ok_or(Status::InternalFailure)?;
        allocate.call(&mut *guest, size).map_err(Stop::Trap)?
    };
    let (memory, _) = parts(guest)?;
    if size > 0 && (address == 0 || slice(memory, address, size).is_err()) {
        return Err(Status::InvalidMemoryAccess.into());
    }
    put_u32(memory, data_at, address)?;
    put_u32(memory, size_at, size)?;
    Ok(address)
}

/// Hands bytes to the guest.
fn give<H: Host>(guest: &mut Guest<'_, H>, bytes: &[u8], data_at: u32, size_at: u32) -> Result<(), Stop> {
    let address = allocate(guest, bytes.len(), data_at, size_at)?;
    let size = u32::try_from(bytes.len()).map_err(|_| Status::InternalFailure)?;
    slice_mut(parts(guest)?.0, address, size)?.copy_from_slice(bytes);
    Ok(())
}

/// Hands over what was put into the scratch buffer, which keeps its room for the next time.
fn give_scratch<H: Host>(
    guest: &mut Guest<'_, H>,
    scratch: Vec<u8>,
    data_at: u32,
    size_at: u32,
) -> Result<(), Stop> {
    /// More room than this is given back.
    const KEPT: usize = 64 << 10;
    let given = give(guest, &scratch, data_at, size_at);
    if scratch.capacity() <= KEPT {
        guest.data_mut().scratch = scratch;
    }
    given
}

/// An empty buffer with room.
fn take_scratch<H: Host>(data: &mut Data<H>) -> Vec<u8> {
    let mut scratch = std::mem::take(&mut data.scratch);
    scratch.clear();
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestHost;

    #[test]
    fn what_may_be_imported_is_what_is_linked() {
        let engine = wasmtime::Engine::default();
        let linker = linker::<TestHost>(&engine).unwrap();
        let data = crate::testing::data();
        let mut store = wasmtime::Store::new(&engine, data);
        let mut linked: Vec<_> =
            linker.iter(&mut store).map(|(module, name, _)| format!("{module}.{name}")).collect();
        let mut named: Vec<_> = PROXY.iter().map(|name| format!("env.{name}")).collect();
        named.extend(WASI.iter().map(|name| format!("wasi_snapshot_preview1.{name}")));
        linked.sort();
        named.sort();
        assert_eq!(linked, named);
    }
}
