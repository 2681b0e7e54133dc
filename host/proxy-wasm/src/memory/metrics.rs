//! Metrics in one process.

use crate::status::Status;
use crate::types::MetricKind;

/// Metrics by the order in which they were defined.
#[derive(Debug, Default)]
pub struct Metrics {
    defined: Vec<(MetricKind, Vec<u8>, u64)>,
}

impl Metrics {
    /// For [`Host::define_metric`](crate::Host::define_metric).
    ///
    /// # Errors
    /// None: the library bounds the number of metrics.
    pub fn define(&mut self, kind: MetricKind, name: &[u8]) -> Result<u32, Status> {
        let present = self.defined.iter().position(|metric| metric.0 == kind && metric.1 == name);
        let index = present.unwrap_or_else(|| {
            self.defined.push((kind, name.to_vec(), 0));
            self.defined.len() - 1
        });
        u32::try_from(index).map_err(|_| Status::InternalFailure)
    }

    /// For [`Host::record_metric`](crate::Host::record_metric). A counter goes up by the value, as in
    /// Envoy; of a histogram the sum is kept.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn record(&mut self, metric: u32, value: u64) -> Result<(), Status> {
        let (kind, _, present) = self.metric(metric)?;
        match kind {
            MetricKind::Gauge => *present = value,
            MetricKind::Counter | MetricKind::Histogram => *present = present.wrapping_add(value),
        }
        Ok(())
    }

    /// For [`Host::increment_metric`](crate::Host::increment_metric).
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a histogram, or a counter that should not
    /// go up.
    pub fn increment(&mut self, metric: u32, offset: i64) -> Result<(), Status> {
        match self.metric(metric)? {
            (MetricKind::Histogram, ..) => Err(Status::BadArgument),
            (MetricKind::Counter, ..) if offset <= 0 => Err(Status::BadArgument),
            (_, _, present) => {
                *present = present.wrapping_add_signed(offset);
                Ok(())
            }
        }
    }

    /// For [`Host::metric`](crate::Host::metric).
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a histogram.
    pub fn get(&self, metric: u32) -> Result<u64, Status> {
        match self.defined.get(metric as usize) {
            Some((MetricKind::Histogram, ..)) => Err(Status::BadArgument),
            Some((_, _, value)) => Ok(*value),
            None => Err(Status::NotFound),
        }
    }

    /// The value of the counter or gauge of that name.
    pub fn named(&self, name: &str) -> Option<u64> {
        let found = self.defined.iter().find(|metric| metric.1 == name.as_bytes());
        found.map(|(_, _, value)| *value)
    }

    fn metric(&mut self, metric: u32) -> Result<&mut (MetricKind, Vec<u8>, u64), Status> {
        self.defined.get_mut(metric as usize).ok_or(Status::NotFound)
    }
}
