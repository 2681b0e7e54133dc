//! The table.

use super::row::Row;
use crate::rounds::Rounds;

/// Lower quartile and median of the rounds, the quartile over the empty chain's, and that against
/// the peer's.
pub(super) fn print(rows: &[Row], results: &[Rounds]) {
    println!("\n{:<44} {:>8} {:>8} {:>8} {:>7}  compared with", "", "quartile", "median", "added", "ratio");
    for (row, rounds) in rows.iter().zip(results) {
        let line = format!("{:<44} {:>8.2} {:>8.2}", row.name, rounds.lower_quartile(), rounds.median());
        match (added(row, rows, results), row.peer) {
            (None, _) => println!("{line}"),
            (Some(added), None) => println!("{line} {added:>+8.2}"),
            (Some(added), Some(name)) if name == row.name => println!("{line} {added:>+8.2} {:>6.2}x", 1.0),
            (Some(added), Some(name)) => {
                let peer = rows.iter().find(|other| other.name == name);
                let peer = peer.and_then(|peer| self::added(peer, rows, results)).unwrap_or(f64::NAN);
                println!("{line} {added:>+8.2} {:>6.2}x  {name}", added / peer);
            }
        }
    }
}

/// What the row costs more than its empty chain.
fn added(row: &Row, rows: &[Row], results: &[Rounds]) -> Option<f64> {
    let of = |name: &str| {
        let position = rows.iter().position(|row| row.name == name)?;
        results.get(position).map(Rounds::lower_quartile)
    };
    Some(of(row.name)? - of(row.base?)?)
}

/// The rows of nginx: each against the same nginx without filters, in all that a request costs.
pub(super) fn over_stock(rows: &[Row], results: &[Rounds]) {
    println!("\n{:<44} {:>8} {:>8} {:>8} {:>9}", "", "quartile", "median", "added", "of stock");
    for (row, rounds) in rows.iter().zip(results) {
        let line = format!("{:<44} {:>8.2} {:>8.2}", row.name, rounds.lower_quartile(), rounds.median());
        match added(row, rows, results) {
            None => println!("{line}"),
            Some(added) => {
                let all = rounds.lower_quartile();
                println!("{line} {added:>+8.2} {:>8.2}x", all / (all - added));
            }
        }
    }
}
