//! Metrics.

use wasmtime::Linker;

use super::shared::{define, name};
use super::{Guest, Stop, answer, parts, put_number, put_u64};
use crate::data::Data;
use crate::host::Host;
use crate::status::Status;
use crate::types::MetricKind;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |mut guest: Guest<'_, H>, kind: u32, name: u32, name_size: u32, metric_at: u32| {
            answer(define_metric(&mut guest, kind, (name, name_size), metric_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_increment_metric",
        |mut guest: Guest<'_, H>, metric: u32, offset: i64| {
            answer(guest.data_mut().host.increment_metric(metric, offset).map_err(Stop::from))
        },
    )?;
    linker.func_wrap("env", "proxy_record_metric", |mut guest: Guest<'_, H>, metric: u32, value: u64| {
        answer(guest.data_mut().host.record_metric(metric, value).map_err(Stop::from))
    })?;
    linker.func_wrap("env", "proxy_get_metric", |mut guest: Guest<'_, H>, metric: u32, value_at: u32| {
        answer(get(&mut guest, metric, value_at))
    })?;
    Ok(())
}

fn define_metric<H: Host>(
    guest: &mut Guest<'_, H>,
    kind: u32,
    metric: (u32, u32),
    metric_at: u32,
) -> Result<(), Stop> {
    let (kind, letter) = match kind {
        0 => (MetricKind::Counter, b'c'),
        1 => (MetricKind::Gauge, b'g'),
        2 => (MetricKind::Histogram, b'h'),
        _ => return Err(Status::BadArgument.into()),
    };
    let (memory, data) = parts(guest)?;
    let name = name(memory, data, metric)?;
    define(data, letter, name)?;
    let metric = data.host.define_metric(kind, name)?;
    put_number(guest, metric_at, metric)
}

fn get<H: Host>(guest: &mut Guest<'_, H>, metric: u32, value_at: u32) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let value = data.host.metric(metric)?;
    Ok(put_u64(memory, value_at, value)?)
}
