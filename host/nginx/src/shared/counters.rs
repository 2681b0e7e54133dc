//! Metrics, each in a place of its own: whoever knows its number needs no lock.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use postern_proxy_wasm::{MetricKind, Status};

use super::Zone;

pub(super) const METRICS: usize = 512;
const NAME: usize = 120;

#[repr(C)]
pub(super) struct Metric {
    /// 0: none yet.
    name_size: AtomicUsize,
    name: [u8; NAME],
    kind: u8,
    value: AtomicI64,
}

impl Metric {
    /// Empty while it is not defined. A size that can't be is none.
    fn name(&self) -> &[u8] {
        self.name.get(..self.name_size.load(Ordering::Acquire)).unwrap_or_default()
    }
}

impl Zone {
    /// Defines a metric, or finds it: its place is its number.
    pub(crate) fn define(&self, kind: MetricKind, name: &[u8]) -> Result<u32, Status> {
        if name.is_empty() || name.len() > NAME {
            return Err(Status::BadArgument);
        }
        let _lock = self.lock()?;
        for number in 0..METRICS {
            // SAFETY: within the array, under the lock.
            unsafe {
                let place = self.metric(number);
                if (*place).name_size.load(Ordering::Acquire) == 0 {
                    (&raw mut (*place).name).cast::<u8>().copy_from_nonoverlapping(name.as_ptr(), name.len());
                    (*place).kind = kind as u8;
                    (*place).value.store(0, Ordering::Relaxed);
                    // Last: until then nobody finds it, and the next one begins here once more.
                    (*place).name_size.store(name.len(), Ordering::Release);
                }
                if (*place).name() == name && (*place).kind == kind as u8 {
                    return u32::try_from(number).map_err(|_| Status::InternalFailure);
                }
            }
        }
        Err(Status::InternalFailure)
    }

    unsafe fn metric(&self, number: usize) -> *mut Metric {
        // SAFETY: the caller's.
        unsafe { (&raw mut (*self.root).metrics).cast::<Metric>().add(number) }
    }

    /// A metric that is defined.
    fn defined(&self, number: u32) -> Result<(&AtomicI64, u8), Status> {
        let number = usize::try_from(number).ok().filter(|number| *number < METRICS);
        // SAFETY: within the array; names and kinds do not change once they are there.
        unsafe {
            let metric = self.metric(number.ok_or(Status::NotFound)?);
            if (*metric).name_size.load(Ordering::Acquire) == 0 {
                return Err(Status::NotFound);
            }
            Ok((&(*metric).value, (*metric).kind))
        }
    }

    /// A gauge is set, a counter goes up by the value, of a histogram the sum is kept.
    pub(crate) fn record(&self, number: u32, value: u64) -> Result<(), Status> {
        let (cell, kind) = self.defined(number)?;
        let value = i64::try_from(value).map_err(|_| Status::BadArgument)?;
        if kind == MetricKind::Gauge as u8 {
            cell.store(value, Ordering::Relaxed);
        } else {
            cell.fetch_add(value, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(crate) fn increment(&self, number: u32, offset: i64) -> Result<(), Status> {
        let (cell, kind) = self.defined(number)?;
        if kind == MetricKind::Histogram as u8 || (kind == MetricKind::Counter as u8 && offset <= 0) {
            return Err(Status::BadArgument);
        }
        cell.fetch_add(offset, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn read(&self, number: u32) -> Result<u64, Status> {
        let (cell, kind) = self.defined(number)?;
        if kind == MetricKind::Histogram as u8 {
            return Err(Status::BadArgument);
        }
        Ok(u64::try_from(cell.load(Ordering::Relaxed)).unwrap_or(0))
    }

    /// Name, kind and value of each metric.
    pub(crate) fn metrics(&self) -> Vec<(String, u8, i64)> {
        (0..METRICS)
            .map_while(|number| {
                // SAFETY: within the array; names do not change once they are there.
                unsafe {
                    let metric = &*self.metric(number);
                    let name = Some(metric.name()).filter(|name| !name.is_empty())?;
                    let name = String::from_utf8_lossy(name).into_owned();
                    Some((name, metric.kind, metric.value.load(Ordering::Relaxed)))
                }
            })
            .collect()
    }
}
