//! The WASI functions that the languages' standard libraries name. No file, no network: writing to
//! standard output and error is logging, everything else that is no clock, randomness or environment
//! answers that there is no such thing.

use wasmtime::Linker;

use super::log::{put_time, write};
use super::{Guest, Stop, parts, put_u32, slice, slice_mut};
use crate::data::Data;
use crate::host::Host;
use crate::instance::Exit;
use crate::status::Status;
use crate::types::LogLevel;

const MODULE: &str = "wasi_snapshot_preview1";

// `wasi_errno_t`
const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const NOSYS: u32 = 52;
const NOTSUP: u32 = 58;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut guest: Guest<'_, H>, file: u32, parts: u32, count: u32, written_at: u32| {
            fd_write(&mut guest, file, (parts, count), written_at)
        },
    )?;
    linker.func_wrap(MODULE, "fd_read", |_: Guest<'_, H>, _: u32, _: u32, _: u32, _: u32| BADF)?;
    linker.func_wrap(MODULE, "fd_seek", |_: Guest<'_, H>, _: u32, _: i64, _: u32, _: u32| BADF)?;
    linker.func_wrap(MODULE, "fd_close", |_: Guest<'_, H>, _: u32| BADF)?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |mut guest: Guest<'_, H>, file: u32, status_at: u32| {
        fd_fdstat_get(&mut guest, file, status_at)
    })?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut guest: Guest<'_, H>, clock: u32, _precision: u64, time_at: u32| {
            let host = &mut guest.data_mut().host;
            let time = match clock {
                0 => host.current_time(),
                1 => host.monotonic_time(),
                _ => return NOTSUP,
            };
            errno(put_time(&mut guest, time_at, time))
        },
    )?;
    linker.func_wrap(MODULE, "random_get", |mut guest: Guest<'_, H>, at: u32, size: u32| {
        random_get(&mut guest, at, size)
    })?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |mut guest: Guest<'_, H>, count_at: u32, size_at: u32| {
            let environment = &guest.data().environment;
            let size = environment.iter().map(|entry| entry.len() + 1).sum();
            errno(sizes(&mut guest, (count_at, size_at), size))
        },
    )?;
    linker.func_wrap(MODULE, "environ_get", |mut guest: Guest<'_, H>, list: u32, texts: u32| {
        errno(environ_get(&mut guest, list, texts))
    })?;
    linker.func_wrap(MODULE, "args_sizes_get", |mut guest: Guest<'_, H>, count_at: u32, size_at: u32| {
        errno(no_arguments(&mut guest, count_at, size_at))
    })?;
    linker.func_wrap(MODULE, "args_get", |_: Guest<'_, H>, _: u32, _: u32| SUCCESS)?;
    linker.func_wrap(MODULE, "poll_oneoff", |_: Guest<'_, H>, _: u32, _: u32, _: u32, _: u32| NOSYS)?;
    linker.func_wrap(MODULE, "sched_yield", |_: Guest<'_, H>| SUCCESS)?;
    linker.func_wrap(MODULE, "proc_exit", |mut guest: Guest<'_, H>, code: u32| -> wasmtime::Result<()> {
        guest.data_mut().running.exit = Some(code);
        Err(wasmtime::Error::new(Exit))
    })?;
    Ok(())
}

fn errno(result: Result<(), Stop>) -> u32 {
    if result.is_ok() { SUCCESS } else { FAULT }
}

/// A line of the log: standard output at level info, standard error at level error.
fn fd_write<H: Host>(guest: &mut Guest<'_, H>, file: u32, pieces: (u32, u32), written_at: u32) -> u32 {
    let level = match file {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return BADF,
    };
    match gather(guest, level, pieces, written_at) {
        Ok(()) => SUCCESS,
        Err(_) => FAULT,
    }
}

fn gather<H: Host>(
    guest: &mut Guest<'_, H>,
    level: LogLevel,
    (at, count): (u32, u32),
    written_at: u32,
) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let limit = data.limits.log_line;
    let list = slice(memory, at, count.checked_mul(8).ok_or(Status::InvalidMemoryAccess)?)?;
    let mut line = Vec::new();
    let mut written = 0_u32;
    let (pieces, _) = list.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in pieces {
        let piece =
            slice(memory, u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]))?;
        written = written.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        line.extend_from_slice(&piece[..piece.len().min(limit.saturating_sub(line.len()))]);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if !line.is_empty() {
        write(data, level, &line);
    }
    Ok(put_u32(memory, written_at, written)?)
}

/// Standard output and error can be written to, and that is all.
fn fd_fdstat_get<H: Host>(guest: &mut Guest<'_, H>, file: u32, status_at: u32) -> u32 {
    const RIGHT_TO_WRITE: u8 = 64;
    if file != 1 && file != 2 {
        return BADF;
    }
    let mut status = [0; 24];
    status[8] = RIGHT_TO_WRITE;
    errno(put(guest, status_at, &status))
}

fn put<H: Host>(guest: &mut Guest<'_, H>, at: u32, bytes: &[u8]) -> Result<(), Stop> {
    let size = u32::try_from(bytes.len()).map_err(|_| Status::InternalFailure)?;
    slice_mut(parts(guest)?.0, at, size)?.copy_from_slice(bytes);
    Ok(())
}

fn random_get<H: Host>(guest: &mut Guest<'_, H>, at: u32, size: u32) -> u32 {
    if size as usize > guest.data().limits.random {
        return INVAL;
    }
    let Ok((memory, _)) = parts(guest) else { return FAULT };
    let Ok(bytes) = slice_mut(memory, at, size) else { return FAULT };
    match aws_lc_rs::rand::fill(bytes) {
        Ok(()) => SUCCESS,
        Err(_) => NOSYS,
    }
}

fn sizes<H: Host>(
    guest: &mut Guest<'_, H>,
    (count_at, size_at): (u32, u32),
    size: usize,
) -> Result<(), Stop> {
    let count = u32::try_from(guest.data().environment.len()).map_err(|_| Status::InternalFailure)?;
    let size = u32::try_from(size).map_err(|_| Status::InternalFailure)?;
    let (memory, _) = parts(guest)?;
    put_u32(memory, count_at, count)?;
    Ok(put_u32(memory, size_at, size)?)
}

fn environ_get<H: Host>(guest: &mut Guest<'_, H>, list: u32, texts: u32) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let (mut list, mut at) = (list, texts);
    let next = |at: u32, size: usize| {
        u32::try_from(size).ok().and_then(|size| at.checked_add(size)).ok_or(Status::InvalidMemoryAccess)
    };
    for entry in &data.environment {
        put_u32(memory, list, at)?;
        let size = u32::try_from(entry.len()).map_err(|_| Status::InternalFailure)?;
        slice_mut(memory, at, size)?.copy_from_slice(entry.as_bytes());
        slice_mut(memory, next(at, entry.len())?, 1)?[0] = 0;
        at = next(at, entry.len() + 1)?;
        list = next(list, 4)?;
    }
    Ok(())
}

fn no_arguments<H: Host>(guest: &mut Guest<'_, H>, count_at: u32, size_at: u32) -> Result<(), Stop> {
    let (memory, _) = parts(guest)?;
    put_u32(memory, count_at, 0)?;
    Ok(put_u32(memory, size_at, 0)?)
}
