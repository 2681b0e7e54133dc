//! One verdict from native rule, component and filter, for every vector.
//!
//! A face takes the requests of a vector and answers with a [`Verdict`]; the tests compare it
//! with the vector's. Which rule has which face stands in the README of `tests/vectors`.
pub mod component;
pub mod filter;
pub mod in_process;
pub mod inputs;
pub mod native;
pub mod parsers;
pub mod router;

use postern_refusal::Refusal;
use postern_vectors::{Face, Vector, Verdict};

/// The public origin that vectors are judged with where no server listens.
pub const BASE_URL: &str = "https://sso.example.com";

/// Seconds since 1970, from the real clock: filters and host have no other.
///
/// # Panics
/// Before 1970.
#[allow(clippy::disallowed_methods, reason = "vectors are made for the clock that filters and host read")]
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// The verdict of a rule.
pub fn verdict<T>(judged: Result<T, Refusal>) -> Verdict {
    match judged {
        Ok(_) => Verdict::Accept,
        Err(refusal) => Verdict::Refuse { code: refusal.code.into(), status: refusal.status },
    }
}

/// Judges every vector that the face can judge, and tells all that differ.
///
/// # Panics
/// When a verdict differs, or nothing was judged.
pub fn demand_parity(face: Face, vectors: &[Vector], judge: impl Fn(&Vector) -> Verdict) {
    let mut judged = 0;
    let mut differences = Vec::new();
    for vector in vectors {
        if vector.exempt(face).is_some() {
            continue;
        }
        judged += 1;
        let verdict = judge(vector);
        if verdict != vector.verdict {
            differences.push(format!(
                "{}: {}\n    expected {:?}\n    found    {verdict:?}",
                vector.name, vector.why, vector.verdict
            ));
        }
    }
    assert!(judged > 0, "{face:?} judged nothing");
    assert!(
        differences.is_empty(),
        "{} of {judged} vectors differ at {face:?}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
