//! How results are shown.

use crate::rounds::Rounds;

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
