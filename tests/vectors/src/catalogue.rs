//! The catalogue: what kinds of attack the refused vectors stand for, and whose messages are accepted.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::vector::{Vector, Verdict};

/// The command that writes the page.
pub const COMMAND: &str = "cargo run -q -p postern-vectors --example catalogue > docs/catalogue.md";

/// A kind of attack. Every refused vector belongs to one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What vectors name it by, such as `path-matrix-parameter`.
    pub name: String,
    /// What the attacker does, one sentence.
    pub attack: String,
    /// What was found in the wild, or is demanded by a specification.
    pub stands_for: Vec<Reference>,
}

/// A vulnerability, a kind of weakness, or a section of a specification.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// `CVE-…`, `GHSA-…`, `CWE-…`, or specification and section.
    pub id: String,
    /// What it says, one sentence.
    pub what: String,
    /// Where that was read.
    pub source: String,
}

/// The classes, in the order of `classes.json`.
///
/// # Panics
/// When the file can't be read.
pub fn classes() -> Vec<Class> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("classes.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page `docs/catalogue.md`.
///
/// # Panics
/// When a class can't be written: never.
pub fn page(classes: &[Class], vectors: &[Vector]) -> String {
    let refused: Vec<&Vector> = vectors.iter().filter(|vector| vector.verdict != Verdict::Accept).collect();
    let count =
        |class: &Class| refused.iter().filter(|vector| vector.class.as_deref() == Some(&class.name)).count();
    let mut page = format!("{HEAD}\n{} requests in {} classes.\n\n", refused.len(), classes.len());
    page.push_str("| class | what the attacker does | vectors |\n|---|---|---:|\n");
    for class in classes {
        let (name, attack) = (&class.name, &class.attack);
        writeln!(page, "| [`{name}`](#{name}) | {attack} | {} |", count(class)).expect("text");
    }
    for class in classes {
        write!(page, "\n### {}\n\n{} {} vectors.\n\n", class.name, class.attack, count(class)).expect("text");
        for Reference { id, what, source } in &class.stands_for {
            writeln!(page, "- [{id}]({source}): {what}").expect("text");
        }
    }
    page.push_str(&accepted(vectors));
    page
}

fn accepted(vectors: &[Vector]) -> String {
    let accepted: Vec<&Vector> = vectors.iter().filter(|vector| vector.verdict == Verdict::Accept).collect();
    let mut by_software: BTreeMap<&str, usize> = BTreeMap::new();
    for vector in &accepted {
        if let Some(from) = vector.from.as_deref() {
            *by_software.entry(from.split(", ").next().unwrap_or(from)).or_default() += 1;
        }
    }
    let real: usize = by_software.values().sum();
    let mut text = format!(
        "\n## Accepted\n\n{} requests, {real} of them as software that is not ours sent them.\n\n| sent by | vectors |\n|---|---:|\n",
        accepted.len()
    );
    for (software, count) in by_software {
        writeln!(text, "| {software} | {count} |").expect("text");
    }
    writeln!(text, "| written by hand | {} |", accepted.len() - real).expect("text");
    text
}

const HEAD: &str = "# The catalogue

Generated from `tests/vectors`: do not edit. Every request is judged by the rule's crate natively, by
the component in its sandbox and by the filter in a real Envoy (`tests/parity`); those that have the rule
must say the same. `postern edge probe` fires a catalogue of its own at a running edge: see
[edge.md](edge.md).

## Refused
";
