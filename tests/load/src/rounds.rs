//! Results of rounds.

/// Microseconds a call, one for each round.
#[derive(Clone, Default)]
pub(crate) struct Rounds(pub(crate) Vec<f64>);

impl Rounds {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// A quarter of the rounds took no more than this. On a machine with neighbours it moves less
    /// than the median, and less than the least of few rounds.
    #[cfg(feature = "edge")]
    pub(crate) fn lower_quartile(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 4).copied().unwrap_or(f64::NAN)
    }

    #[cfg(feature = "sandbox")]
    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }
}
