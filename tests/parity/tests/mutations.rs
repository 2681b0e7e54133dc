//! Every parser on mutated vectors: bounded and with fixed seeds, so that a failure can be repeated.
//! The unbounded form of this is `tests/fuzz`.
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use postern_form::Form;
use postern_parity::BASE_URL;
use postern_parity::parsers::PARSERS;
use postern_vectors::{Keys, Request, load_all};

/// How often each input is mutated for each parser.
const ROUNDS: u64 = 12;
/// Inputs beyond this are cut: the limits have vectors of their own.
const LONGEST: usize = 8 * 1_024;

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
    let inputs = inputs();
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

/// What the vectors consist of: targets, queries, bodies, values, and messages inside values.
fn inputs() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for vector in load_all() {
        for request in vector.materialise(Keys::shared(), 1_790_000_000, BASE_URL, 1).iter().take(1) {
            inputs.extend(parts(request));
        }
    }
    inputs.iter_mut().for_each(|input| input.truncate(LONGEST));
    inputs.sort();
    inputs.dedup();
    inputs
}

fn parts(request: &Request) -> Vec<Vec<u8>> {
    let mut parts = vec![request.target.clone(), request.query().into(), request.body.clone()];
    parts.extend(request.headers.iter().map(|(_, value)| value.clone()));
    let tokens = request.headers.iter().filter_map(|(_, value)| value.strip_prefix(b"Bearer "));
    parts.extend(tokens.map(<[u8]>::to_vec));
    for encoded in [request.query().as_bytes(), &request.body] {
        let Ok(form) = Form::parse(encoded) else { continue };
        for parameter in form.parameters() {
            parts.push(parameter.value.clone().into());
            let Ok(decoded) = STANDARD.decode(&parameter.value) else { continue };
            let mut inflated = Vec::new();
            let _ = DeflateDecoder::new(decoded.as_slice()).take(1 << 16).read_to_end(&mut inflated);
            parts.push(inflated);
            parts.push(decoded);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
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
