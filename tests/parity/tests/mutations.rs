//! Every parser on mutated vectors: bounded and with fixed seeds, so that a failure can be repeated.
//! The unbounded form of this is `tests/fuzz`.
use std::panic::{AssertUnwindSafe, catch_unwind};

use postern_parity::inputs;
use postern_parity::parsers::PARSERS;

/// How often each input is mutated for each parser.
const ROUNDS: u64 = 6;

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).expect("small")).expect("small")
    }
}

#[test]
fn no_parser_panics_on_a_mutated_vector() {
    let inputs = inputs::all();
    assert!(inputs.len() > 300, "{} inputs", inputs.len());
    for (name, parse) in PARSERS {
        for (seed, input) in inputs.iter().enumerate() {
            let mut random = Random(u64::try_from(seed).expect("small"));
            for round in 0..ROUNDS {
                let bytes = if round == 0 { input.clone() } else { mutated(input, &inputs, &mut random) };
                let outcome = catch_unwind(AssertUnwindSafe(|| parse(&bytes)));
                assert!(outcome.is_ok(), "{name} panics on {:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}

fn mutated(input: &[u8], inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.insert(at, u8::try_from(random.below(256)).expect("a byte")),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            4 => {
                let other = &inputs[random.below(inputs.len())];
                let from = random.below(other.len());
                let to = (from + random.below(64)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let end = (at + random.below(64)).min(bytes.len());
                let repeated = bytes[at.min(end)..end].to_vec();
                bytes.splice(end..end, repeated);
            }
        }
    }
    bytes
}
