//! Writes `docs/catalogue.md` to standard output.
#![expect(clippy::print_stdout, reason = "a program that prints a page")]
use postern_vectors::catalogue::{classes, page};
use postern_vectors::load_all;

fn main() {
    print!("{}", page(&classes(), &load_all()));
}
