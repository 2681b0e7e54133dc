//! Results of rounds, and how they are shown.

/// Microseconds a call, one for each round.
#[derive(Clone, Default)]
pub(crate) struct Rounds(pub(crate) Vec<f64>);

impl Rounds {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

pub(crate) fn head(title: &str) {
    println!("\n{title}");
    println!("{:<44} {:>8} {:>8} {:>10} {:>8}", "", "median", "least", "over", "ratio");
}

/// One line: median and least of the rounds, and both against the reference's median.
pub(crate) fn line(name: &str, rounds: &Rounds, reference: &Rounds) {
    let (median, base) = (rounds.median(), reference.median());
    println!(
        "{name:<44} {median:>8.2} {:>8.2} {:>+10.2} {:>7.1}x",
        rounds.least(),
        median - base,
        median / base
    );
}
