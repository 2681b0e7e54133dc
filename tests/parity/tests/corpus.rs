//! Every fuzz target has a corpus in the repository, and nothing in it breaks what the target promises.
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use postern_end_to_end::tools;
use postern_parity::parsers::PARSERS;

fn fuzz() -> PathBuf {
    tools::workspace().join("tests/fuzz")
}

/// What the folder holds, without extensions.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries
        .flatten()
        .map(|entry| {
            entry.path().with_extension("").file_name().expect("a name").to_string_lossy().into_owned()
        })
        .collect()
}

#[test]
fn every_parser_has_a_target_and_a_corpus() {
    let parsers: BTreeSet<String> = PARSERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), parsers, "targets and parsers differ");
    assert_eq!(names("corpus"), parsers, "corpora and parsers differ");
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    for name in &parsers {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is no [[bin]]");
        assert!(names(&format!("corpus/{name}")).len() >= 5, "the corpus of {name} is too small");
    }
}

#[test]
fn the_corpora_are_replayed() {
    for (name, parse) in PARSERS {
        for entry in fs::read_dir(fuzz().join("corpus").join(name)).expect("a corpus").flatten() {
            let bytes = fs::read(entry.path()).expect("an input");
            let outcome = catch_unwind(AssertUnwindSafe(|| parse(&bytes)));
            assert!(outcome.is_ok(), "{name} fails on {}", entry.path().display());
        }
    }
}
