//! The table.

use super::Measured;
use super::row::Row;

/// Lower quartile of the rounds' times, that over the empty chain's, and that against the peer's; then
/// the same of the median of their instructions.
pub(super) fn print(rows: &[Row], results: &[Measured]) {
    println!(
        "\n{:<44} {:>8} {:>8} {:>6} {:>12} {:>8} {:>6}  compared with",
        "", "µs", "added", "ratio", "instructions", "added", "ratio"
    );
    for (row, measured) in rows.iter().zip(results) {
        let of = |read: fn(&Measured) -> f64| Figures::of(row, rows, results, read);
        let (time, instructions) = (of(time), of(instructions));
        let line = format!("{:<44} {:>8.2} {}", row.name, self::time(measured), time.text(2));
        let peer = row.peer.filter(|peer| *peer != row.name).unwrap_or_default();
        let line = match measured.instructions.0.is_empty() {
            true => format!("{line} {:>12} {:>8} {:>6}  {peer}", "-", "", ""),
            false => {
                format!("{line} {:>12.0} {}  {peer}", self::instructions(measured), instructions.text(0))
            }
        };
        println!("{}", line.trim_end());
    }
}

fn time(measured: &Measured) -> f64 {
    measured.time.lower_quartile()
}

fn instructions(measured: &Measured) -> f64 {
    measured.instructions.median()
}

/// What a row costs more than its empty chain, and how much that is of the peer's.
struct Figures {
    added: Option<f64>,
    ratio: Option<f64>,
}

impl Figures {
    fn of(row: &Row, rows: &[Row], results: &[Measured], read: fn(&Measured) -> f64) -> Self {
        let named = |name: &str| {
            let position = rows.iter().position(|row| row.name == name)?;
            Some((rows.get(position)?, read(results.get(position)?)))
        };
        let added = |row: &Row| Some(named(row.name)?.1 - named(row.base?)?.1);
        let own = added(row);
        let ratio = || Some(own? / added(named(row.peer?)?.0)?);
        Self { added: own, ratio: ratio() }
    }

    fn text(&self, digits: usize) -> String {
        let added = self.added.map_or_else(String::new, |added| format!("{added:+.digits$}"));
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        format!("{added:>8} {ratio:>6}")
    }
}

/// The rows of nginx: each against the same nginx without filters, in all that a request costs.
pub(super) fn over_stock(rows: &[Row], results: &[Measured]) {
    println!("\n{:<44} {:>8} {:>8} {:>8} {:>9}", "", "quartile", "median", "added", "of stock");
    for (row, measured) in rows.iter().zip(results) {
        let all = time(measured);
        let line = format!("{:<44} {all:>8.2} {:>8.2}", row.name, measured.time.median());
        match Figures::of(row, rows, results, time).added {
            None => println!("{line}"),
            Some(added) => println!("{line} {added:>+8.2} {:>8.2}x", all / (all - added)),
        }
    }
}
