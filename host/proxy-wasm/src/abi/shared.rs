//! Shared data and queues.

use std::num::NonZeroU32;

use wasmtime::Linker;

use super::{Guest, Stop, answer, give_scratch, parts, put_number, slice, take_scratch};
use crate::data::Data;
use crate::host::Host;
use crate::status::Status;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |mut guest: Guest<'_, H>, key: u32, key_size: u32, data_at: u32, size_at: u32, version_at: u32| {
            answer(get(&mut guest, (key, key_size), data_at, size_at, version_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |mut guest: Guest<'_, H>, key: u32, key_size: u32, value: u32, value_size: u32, version: u32| {
            answer(set(&mut guest, (key, key_size), (value, value_size), version))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_register_shared_queue",
        |mut guest: Guest<'_, H>, name: u32, name_size: u32, queue_at: u32| {
            answer(register(&mut guest, (name, name_size), queue_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_resolve_shared_queue",
        |mut guest: Guest<'_, H>, vm: u32, vm_size: u32, name: u32, name_size: u32, queue_at: u32| {
            answer(resolve(&mut guest, (vm, vm_size), (name, name_size), queue_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_enqueue_shared_queue",
        |mut guest: Guest<'_, H>, queue: u32, at: u32, size: u32| {
            answer(enqueue(&mut guest, queue, (at, size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_dequeue_shared_queue",
        |mut guest: Guest<'_, H>, queue: u32, data_at: u32, size_at: u32| {
            answer(dequeue(&mut guest, queue, data_at, size_at))
        },
    )?;
    Ok(())
}

/// A key or name that is not too long.
pub(super) fn name<'a, H: Host>(
    memory: &'a [u8],
    data: &Data<H>,
    (at, size): (u32, u32),
) -> Result<&'a [u8], Status> {
    let name = slice(memory, at, size)?;
    if name.len() > data.limits.name { Err(Status::BadArgument) } else { Ok(name) }
}

/// Counts what the plugins of a VM define. The same name again, as after a death, counts once.
pub(super) fn define<H: Host>(data: &mut Data<H>, kind: u8, name: &[u8]) -> Result<(), Status> {
    let name = [&[kind], name].concat();
    if data.defined.contains(&name) {
        return Ok(());
    }
    if data.defined.len() >= data.limits.definitions {
        return Err(Status::InternalFailure);
    }
    data.defined.insert(name);
    Ok(())
}

fn get<H: Host>(
    guest: &mut Guest<'_, H>,
    key: (u32, u32),
    data_at: u32,
    size_at: u32,
    version_at: u32,
) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let key = name(memory, data, key)?;
    let mut value = take_scratch(data);
    let version = match data.host.shared_data(key, &mut value) {
        Ok(version) => version,
        Err(status) => {
            data.scratch = value;
            return Err(status.into());
        }
    };
    give_scratch(guest, value, data_at, size_at)?;
    put_number(guest, version_at, version)
}

fn set<H: Host>(
    guest: &mut Guest<'_, H>,
    key: (u32, u32),
    value: (u32, u32),
    version: u32,
) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let key = name(memory, data, key)?;
    let value = slice(memory, value.0, value.1)?;
    if value.len() > data.limits.shared_value {
        return Err(Status::InternalFailure.into());
    }
    Ok(data.host.set_shared_data(key, value, NonZeroU32::new(version))?)
}

fn register<H: Host>(guest: &mut Guest<'_, H>, queue: (u32, u32), queue_at: u32) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let name = name(memory, data, queue)?;
    define(data, b'q', name)?;
    let queue = data.host.register_queue(name)?;
    put_number(guest, queue_at, queue)
}

fn resolve<H: Host>(
    guest: &mut Guest<'_, H>,
    vm: (u32, u32),
    queue: (u32, u32),
    queue_at: u32,
) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let (vm, name) = (name(memory, data, vm)?, name(memory, data, queue)?);
    let queue = data.host.resolve_queue(vm, name)?;
    put_number(guest, queue_at, queue)
}

fn enqueue<H: Host>(guest: &mut Guest<'_, H>, queue: u32, (at, size): (u32, u32)) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let item = slice(memory, at, size)?;
    if item.len() > data.limits.shared_value {
        return Err(Status::InternalFailure.into());
    }
    Ok(data.host.enqueue(queue, item)?)
}

fn dequeue<H: Host>(guest: &mut Guest<'_, H>, queue: u32, data_at: u32, size_at: u32) -> Result<(), Stop> {
    let data = guest.data_mut();
    let mut item = take_scratch(data);
    if let Err(status) = data.host.dequeue(queue, &mut item) {
        data.scratch = item;
        return Err(status.into());
    }
    give_scratch(guest, item, data_at, size_at)
}
