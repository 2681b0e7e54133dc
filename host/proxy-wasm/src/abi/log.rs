//! Log, clock and timer.

use std::time::Duration;

use wasmtime::Linker;

use super::{Guest, Stop, answer, parts, put_number, put_u64, slice};
use crate::data::{Data, Target};
use crate::host::Host;
use crate::status::Status;
use crate::types::LogLevel;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_log", |mut guest: Guest<'_, H>, level: u32, at: u32, size: u32| {
        answer(log(&mut guest, level, at, size))
    })?;
    linker.func_wrap("env", "proxy_get_log_level", |mut guest: Guest<'_, H>, level_at: u32| {
        let level = guest.data_mut().host.log_level();
        answer(put_number(&mut guest, level_at, level as u32))
    })?;
    linker.func_wrap(
        "env",
        "proxy_get_current_time_nanoseconds",
        |mut guest: Guest<'_, H>, time_at: u32| {
            let now = guest.data_mut().host.current_time();
            answer(put_time(&mut guest, time_at, now))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_tick_period_milliseconds",
        |mut guest: Guest<'_, H>, period: u32| answer(set_tick_period(&mut guest, period)),
    )?;
    Ok(())
}

fn log<H: Host>(guest: &mut Guest<'_, H>, level: u32, at: u32, size: u32) -> Result<(), Stop> {
    let level = LogLevel::from_abi(level).ok_or(Status::BadArgument)?;
    let (memory, data) = parts(guest)?;
    let message = slice(memory, at, size)?;
    write(data, level, message);
    Ok(())
}

/// Writes a line, cut to the longest that the limits allow.
pub(super) fn write<H: Host>(data: &mut Data<H>, level: LogLevel, message: &[u8]) {
    let message = &message[..message.len().min(data.limits.log_line)];
    if level >= LogLevel::Warn {
        let room = data.limits.log_line;
        if let Some(complaints) = &mut data.running.complaints
            && complaints.len() < room
        {
            if !complaints.is_empty() {
                complaints.push_str("; ");
            }
            complaints.push_str(&String::from_utf8_lossy(message));
        }
    }
    let target = data.target();
    let (stream, plugin) = match target {
        Target::Stream(context) => {
            let context = data.streams.get_mut(&context);
            let plugin = context.as_ref().map(|context| context.plugin);
            (context.and_then(|context| context.stream.as_mut()), plugin)
        }
        Target::Root(plugin) => (None, Some(plugin)),
        Target::Nobody => (None, None),
    };
    let plugin = plugin.and_then(|plugin| data.plugins.get(plugin.0));
    let name = plugin.map_or(&*data.module, |plugin| plugin.name.as_str());
    data.host.log(stream, name, level, message);
}

pub(super) fn put_time<H: Host>(guest: &mut Guest<'_, H>, at: u32, time: Duration) -> Result<(), Stop> {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Ok(put_u64(parts(guest)?.0, at, nanoseconds)?)
}

fn set_tick_period<H: Host>(guest: &mut Guest<'_, H>, milliseconds: u32) -> Result<(), Stop> {
    let data = guest.data_mut();
    let plugin = data.plugin().ok_or(Status::BadArgument)?;
    let period = (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()));
    data.host.set_tick_period(plugin, period);
    Ok(())
}
