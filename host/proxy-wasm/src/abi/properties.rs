//! Properties.

use wasmtime::Linker;

use super::{Guest, Stop, answer, give_scratch, parts, slice, take_scratch};
use crate::data::{Data, Target};
use crate::host::{Host, Stream};
use crate::status::Status;
use crate::types::PropertyPath;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |mut guest: Guest<'_, H>, path: u32, path_size: u32, data_at: u32, size_at: u32| {
            answer(get(&mut guest, (path, path_size), data_at, size_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |mut guest: Guest<'_, H>, path: u32, path_size: u32, value: u32, value_size: u32| {
            answer(set(&mut guest, (path, path_size), (value, value_size)))
        },
    )?;
    Ok(())
}

fn get<H: Host>(
    guest: &mut Guest<'_, H>,
    (at, size): (u32, u32),
    data_at: u32,
    size_at: u32,
) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let path = slice(memory, at, size)?;
    if path.len() > data.limits.property {
        return Err(Status::NotFound.into());
    }
    let mut scratch = take_scratch(data);
    let found = find(data, PropertyPath::new(path), &mut scratch);
    if !found {
        data.scratch = scratch;
        return Err(Status::NotFound.into());
    }
    give_scratch(guest, scratch, data_at, size_at)
}

fn find<H: Host>(data: &mut Data<H>, path: PropertyPath<'_>, value: &mut Vec<u8>) -> bool {
    let target = data.target();
    if let Target::Stream(context) = target
        && let Some(stream) = data.streams.get_mut(&context).and_then(|context| context.stream.as_mut())
        && let Some(found) = stream.property(path)
    {
        value.extend_from_slice(&found);
        return true;
    }
    let plugin = data.plugin().and_then(|plugin| data.plugins.get(plugin.0));
    let own = match (path.as_bytes(), plugin) {
        (b"plugin_name", Some(plugin)) => Some(&plugin.name),
        (b"plugin_root_id", Some(plugin)) => Some(&plugin.root_id),
        (b"plugin_vm_id", _) => Some(&data.vm_id),
        _ => None,
    };
    if let Some(own) = own {
        value.extend_from_slice(own.as_bytes());
        return true;
    }
    let name = plugin.map_or(&*data.module, |plugin| plugin.name.as_str());
    match data.host.property(name, path) {
        Some(found) => {
            value.extend_from_slice(&found);
            true
        }
        None => false,
    }
}

fn set<H: Host>(guest: &mut Guest<'_, H>, path: (u32, u32), value: (u32, u32)) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let (path, value) = (slice(memory, path.0, path.1)?, slice(memory, value.0, value.1)?);
    if path.len().saturating_add(value.len()) > data.limits.property {
        return Err(Status::InternalFailure.into());
    }
    let stream = data.stream().and_then(|context| context.stream.as_mut()).ok_or(Status::NotFound)?;
    Ok(stream.set_property(PropertyPath::new(path), value)?)
}
