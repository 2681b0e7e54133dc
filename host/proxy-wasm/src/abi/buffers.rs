//! Bodies and configurations.

use wasmtime::Linker;

use super::{Guest, Stop, allocate, answer, give, parts, put_u32, slice, slice_mut};
use crate::data::Data;
use crate::host::{Host, Stream};
use crate::status::Status;
use crate::types::Body;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |mut guest: Guest<'_, H>, buffer: u32, start: u32, size: u32, data_at: u32, size_at: u32| {
            answer(get(&mut guest, buffer, (start, size), data_at, size_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_status",
        |mut guest: Guest<'_, H>, buffer: u32, size_at: u32, flags_at: u32| {
            answer(status(&mut guest, buffer, size_at, flags_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_buffer_bytes",
        |mut guest: Guest<'_, H>, buffer: u32, start: u32, size: u32, at: u32, with: u32| {
            answer(set(&mut guest, buffer, (start, size), (at, with)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_configuration",
        |mut guest: Guest<'_, H>, data_at: u32, size_at: u32| {
            let data = guest.data();
            let plugin = data.running.configuring.and_then(|plugin| data.plugins.get(plugin.0));
            let bytes = plugin.map_or(&data.vm_configuration, |plugin| &plugin.configuration).clone();
            answer(give(&mut guest, &bytes, data_at, size_at))
        },
    )?;
    Ok(())
}

/// `proxy_buffer_type_t`
#[derive(Clone, Copy)]
enum Buffer {
    Stream(Body),
    CallResponse,
    VmConfiguration,
    PluginConfiguration,
    /// Of TCP streams, gRPC calls and foreign callbacks, which this host does not have.
    Other,
}

impl Buffer {
    fn from_abi(buffer: u32) -> Result<Self, Status> {
        Ok(match buffer {
            0 => Self::Stream(Body::Request),
            1 => Self::Stream(Body::Response),
            2 | 3 | 5 | 8 => Self::Other,
            4 => Self::CallResponse,
            6 => Self::VmConfiguration,
            7 => Self::PluginConfiguration,
            _ => return Err(Status::BadArgument),
        })
    }
}

/// A buffer that the library holds itself.
fn held<H: Host>(data: &Data<H>, buffer: Buffer) -> Result<&[u8], Status> {
    match buffer {
        Buffer::CallResponse => data.running.response.as_ref().map(|response| response.body.as_slice()),
        Buffer::VmConfiguration => Some(data.vm_configuration.as_slice()),
        Buffer::PluginConfiguration => {
            let plugin = data.running.configuring.and_then(|plugin| data.plugins.get(plugin.0));
            plugin.map(|plugin| plugin.configuration.as_slice())
        }
        Buffer::Stream(_) | Buffer::Other => None,
    }
    .ok_or(Status::NotFound)
}

/// The stream, if its body can be read now.
fn readable<H: Host>(data: &mut Data<H>, body: Body) -> Result<&mut H::Stream, Status> {
    let context = data.stream().ok_or(Status::NotFound)?;
    if !context.access.bodies[body as usize] {
        return Err(Status::NotFound);
    }
    context.stream.as_mut().ok_or(Status::NotFound)
}

fn size<H: Host>(data: &mut Data<H>, buffer: Buffer) -> Result<usize, Status> {
    match buffer {
        Buffer::Stream(body) => readable(data, body)?.body_size(body),
        _ => held(data, buffer).map(<[u8]>::len),
    }
}

fn get<H: Host>(
    guest: &mut Guest<'_, H>,
    buffer: u32,
    (start, limit): (u32, u32),
    data_at: u32,
    size_at: u32,
) -> Result<(), Stop> {
    let buffer = Buffer::from_abi(buffer)?;
    let size = size(guest.data_mut(), buffer)?;
    if start as usize > size {
        return Err(Status::BadArgument.into());
    }
    let start = start as usize;
    let length = (limit as usize).min(size - start);
    if length == 0 {
        // As in Envoy: nothing is written, not even a size.
        return Ok(());
    }
    if let Buffer::Stream(body) = buffer {
        let address = allocate(guest, length, data_at, size_at)?;
        let length = u32::try_from(length).map_err(|_| Status::InternalFailure)?;
        let (memory, data) = parts(guest)?;
        let into = slice_mut(memory, address, length)?;
        return Ok(readable(data, body)?.read_body(body, start, into)?);
    }
    let bytes = held(guest.data(), buffer)?[start..start + length].to_vec();
    give(guest, &bytes, data_at, size_at)
}

fn status<H: Host>(guest: &mut Guest<'_, H>, buffer: u32, size_at: u32, flags_at: u32) -> Result<(), Stop> {
    let size = size(guest.data_mut(), Buffer::from_abi(buffer)?)?;
    let (memory, _) = parts(guest)?;
    put_u32(memory, size_at, u32::try_from(size).map_err(|_| Status::InternalFailure)?)?;
    put_u32(memory, flags_at, 0)?;
    Ok(())
}

/// Replaces `size` bytes from `start`, both cut to the body: nothing at 0 prepends, a start at or
/// beyond the end appends.
fn set<H: Host>(
    guest: &mut Guest<'_, H>,
    buffer: u32,
    (start, size): (u32, u32),
    (at, with): (u32, u32),
) -> Result<(), Stop> {
    let Buffer::Stream(body) = Buffer::from_abi(buffer)? else {
        held(guest.data(), Buffer::from_abi(buffer)?)?;
        return Err(Status::BadArgument.into());
    };
    let (memory, data) = parts(guest)?;
    let with = slice(memory, at, with)?;
    let limit = data.limits.body;
    let present = readable(data, body)?.body_size(body)?;
    let start = (start as usize).min(present);
    let end = start.saturating_add(size as usize).min(present);
    let context = data.stream().ok_or(Status::NotFound)?;
    let written = context.body_written.saturating_add(with.len());
    if written > limit {
        return Err(Status::InternalFailure.into());
    }
    context.body_written = written;
    let stream = context.stream.as_mut().ok_or(Status::NotFound)?;
    Ok(stream.replace_body(body, start..end, with)?)
}
