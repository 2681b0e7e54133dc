//! Maps of HTTP fields: of the stream, and of the response to a callout.

use wasmtime::Linker;

use super::{Guest, Stop, allocate, answer, give, parts, put_number, slice, slice_mut};
use crate::data::{Data, StreamContext};
use crate::host::{Host, Stream};
use crate::pairs::{self, PairsWriter};
use crate::status::Status;
use crate::types::HeaderMap;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_size",
        |mut guest: Guest<'_, H>, map: u32, size_at: u32| answer(size(&mut guest, map, size_at)),
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |mut guest: Guest<'_, H>, map: u32, data_at: u32, size_at: u32| {
            answer(get_pairs(&mut guest, map, data_at, size_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_header_map_pairs",
        |mut guest: Guest<'_, H>, map: u32, at: u32, size: u32| {
            answer(set_pairs(&mut guest, map, (at, size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |mut guest: Guest<'_, H>, map: u32, name: u32, name_size: u32, data_at: u32, size_at: u32| {
            answer(get(&mut guest, map, (name, name_size), data_at, size_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_add_header_map_value",
        |mut guest: Guest<'_, H>, map: u32, name: u32, name_size: u32, value: u32, value_size: u32| {
            answer(edit(&mut guest, map, (name, name_size), (value, value_size), Edit::Add))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |mut guest: Guest<'_, H>, map: u32, name: u32, name_size: u32, value: u32, value_size: u32| {
            answer(edit(&mut guest, map, (name, name_size), (value, value_size), Edit::Replace))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |mut guest: Guest<'_, H>, map: u32, name: u32, name_size: u32| {
            answer(edit(&mut guest, map, (name, name_size), (0, 0), Edit::Remove))
        },
    )?;
    Ok(())
}

/// `proxy_map_type_t`
enum Map {
    Stream(HeaderMap),
    CallHeaders,
    CallTrailers,
    /// Of gRPC calls, which this host does not have: never there.
    Grpc,
}

impl Map {
    fn from_abi(map: u32) -> Result<Self, Status> {
        Ok(match map {
            0 => Self::Stream(HeaderMap::RequestHeaders),
            1 => Self::Stream(HeaderMap::RequestTrailers),
            2 => Self::Stream(HeaderMap::ResponseHeaders),
            3 => Self::Stream(HeaderMap::ResponseTrailers),
            4 | 5 => Self::Grpc,
            6 => Self::CallHeaders,
            7 => Self::CallTrailers,
            _ => return Err(Status::BadArgument),
        })
    }
}

/// Calls `each` with every field of the map, if the map can be read now.
fn read<H: Host>(data: &mut Data<H>, map: &Map, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Status> {
    let pairs = match (map, &data.running.response) {
        (Map::CallHeaders, Some(response)) => &response.headers,
        (Map::CallTrailers, Some(response)) => &response.trailers,
        (Map::Stream(map), _) => {
            let context = data.stream().ok_or(Status::BadArgument)?;
            if !context.access.maps[*map as usize] && !context.access.log {
                return Err(Status::BadArgument);
            }
            return context.stream.as_mut().ok_or(Status::BadArgument)?.headers(*map, each);
        }
        _ => return Err(Status::BadArgument),
    };
    pairs.iter().for_each(|(name, value)| each(name, value));
    Ok(())
}

fn write_pairs<H: Host>(data: &mut Data<H>, map: &Map) -> Result<PairsWriter, Status> {
    let mut writer = std::mem::take(&mut data.pairs);
    writer.clear();
    read(data, map, &mut |name, value| writer.push(name, value))?;
    Ok(writer)
}

/// The size that Envoy gives: names and values alone.
fn size<H: Host>(guest: &mut Guest<'_, H>, map: u32, size_at: u32) -> Result<(), Stop> {
    let writer = write_pairs(guest.data_mut(), &Map::from_abi(map)?)?;
    let size = u32::try_from(writer.text_size()).map_err(|_| Status::InternalFailure)?;
    guest.data_mut().pairs = writer;
    put_number(guest, size_at, size)
}

fn get_pairs<H: Host>(guest: &mut Guest<'_, H>, map: u32, data_at: u32, size_at: u32) -> Result<(), Stop> {
    let writer = match write_pairs(guest.data_mut(), &Map::from_abi(map)?) {
        Ok(writer) => writer,
        // As in Envoy: a map that is not there has no pairs.
        Err(Status::BadArgument) => return give(guest, &[], data_at, size_at),
        Err(status) => return Err(status.into()),
    };
    let size = writer.size();
    let address = allocate(guest, size, data_at, size_at)?;
    if size > 0 {
        let size = u32::try_from(size).map_err(|_| Status::InternalFailure)?;
        writer.write(slice_mut(parts(guest)?.0, address, size)?);
    }
    guest.data_mut().pairs = writer;
    Ok(())
}

/// The first value of that name.
fn get<H: Host>(
    guest: &mut Guest<'_, H>,
    map: u32,
    name: (u32, u32),
    data_at: u32,
    size_at: u32,
) -> Result<(), Stop> {
    let map = Map::from_abi(map)?;
    let (memory, data) = parts(guest)?;
    let wanted = slice(memory, name.0, name.1)?;
    let mut found: Option<Vec<u8>> = None;
    read(data, &map, &mut |name, value| {
        if found.is_none() && name.eq_ignore_ascii_case(wanted) {
            found = Some(value.to_vec());
        }
    })?;
    give(guest, &found.ok_or(Status::NotFound)?, data_at, size_at)
}

enum Edit {
    Add,
    Replace,
    Remove,
}

fn edit<H: Host>(
    guest: &mut Guest<'_, H>,
    map: u32,
    name: (u32, u32),
    value: (u32, u32),
    edit: Edit,
) -> Result<(), Stop> {
    let map = Map::from_abi(map)?;
    let (memory, data) = parts(guest)?;
    let name = pairs::field_name(slice(memory, name.0, name.1)?, true)?;
    let value = slice(memory, value.0, value.1)?;
    pairs::check_value(value)?;
    let limits = (data.limits.header, data.limits.headers);
    let (map, context) = writable(data, &map)?;
    if !matches!(edit, Edit::Remove) {
        charge(context, limits, &name, value)?;
    }
    let stream = context.stream.as_mut().ok_or(Status::BadArgument)?;
    match edit {
        Edit::Add => stream.add_header(map, &name, value)?,
        Edit::Replace => stream.replace_header(map, &name, value)?,
        Edit::Remove => stream.remove_header(map, &name)?,
    }
    Ok(())
}

/// Replaces all fields. What is wrong with one is found before the first is touched.
fn set_pairs<H: Host>(guest: &mut Guest<'_, H>, map: u32, (at, size): (u32, u32)) -> Result<(), Stop> {
    let map = Map::from_abi(map)?;
    let (memory, data) = parts(guest)?;
    let mut pairs = Vec::new();
    for (name, value) in pairs::read(slice(memory, at, size)?)? {
        pairs::check_value(value)?;
        pairs.push((pairs::field_name(name, true)?, value));
    }
    let limits = (data.limits.header, data.limits.headers);
    let (map, context) = writable(data, &map)?;
    for (name, value) in &pairs {
        charge(context, limits, name, value)?;
    }
    let stream = context.stream.as_mut().ok_or(Status::BadArgument)?;
    let mut before = Vec::new();
    stream.headers(map, &mut |name, _| before.push(name.to_ascii_lowercase()))?;
    before.sort_unstable();
    before.dedup();
    for name in before {
        stream.remove_header(map, &name)?;
    }
    for (name, value) in &pairs {
        stream.add_header(map, name, value)?;
    }
    Ok(())
}

/// The map of the stream, if it can be written now.
fn writable<'a, H: Host>(
    data: &'a mut Data<H>,
    map: &Map,
) -> Result<(HeaderMap, &'a mut StreamContext<H::Stream>), Status> {
    let Map::Stream(map) = map else { return Err(Status::BadArgument) };
    let context = data.stream().ok_or(Status::BadArgument)?;
    if context.access.maps[*map as usize] && !context.access.log {
        Ok((*map, context))
    } else {
        Err(Status::BadArgument)
    }
}

/// Counts what the plugin writes.
fn charge<S>(
    context: &mut StreamContext<S>,
    (one, all): (usize, usize),
    name: &[u8],
    value: &[u8],
) -> Result<(), Status> {
    let size = name.len().saturating_add(value.len());
    let written = context.headers_written.saturating_add(size);
    if size > one || written > all {
        return Err(Status::InternalFailure);
    }
    context.headers_written = written;
    Ok(())
}
