//! What sources have to hold to.

use std::fs;
use std::process::Command;

use postern_structure::{members, root, sources};

/// A wasm guest has no unwinding: a panic costs the VM or the instance.
const PANIC_LINTS: [&str; 5] = [
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::indexing_slicing",
    "clippy::arithmetic_side_effects",
];

fn lib_of(folder: &str) -> String {
    let path = root().join(folder).join("src/lib.rs");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn guests_deny_every_panic() {
    for member in members().into_iter().filter(|member| member.folder.starts_with("plugins/")) {
        let text = lib_of(&member.folder);
        for lint in PANIC_LINTS {
            assert!(text.contains(lint), "{}/src/lib.rs does not deny {lint}", member.folder);
        }
    }
}

#[test]
fn rules_hold_no_unsafe_code() {
    for member in members().into_iter().filter(|member| member.folder.starts_with("plugins/protocol/")) {
        let text = lib_of(&member.folder);
        assert!(text.contains("#![forbid(unsafe_code)]"), "{}/src/lib.rs", member.folder);
    }
}

#[test]
fn rules_read_no_clock_and_hold_no_global() {
    for (path, text) in sources("plugins/protocol") {
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        if path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "examples") {
            continue;
        }
        for word in [
            "SystemTime::now",
            "Instant::now",
            "std::fs",
            "std::net",
            "std::env",
            "thread_local!",
            "static mut",
            "OnceLock",
            "LazyLock",
        ] {
            assert!(!product.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn wasm_faces_are_empty_natively() {
    for folder in
        ["plugins/dmz", "plugins/components", "plugins/authenticators", "plugins/policies", "tests/guests"]
    {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let crate_folder = entry.expect("an entry").path();
            let manifest = fs::read_to_string(crate_folder.join("Cargo.toml")).expect("a manifest");
            let is_face =
                ["[lib]\ncrate-type = [\"cdylib\"", "path = \"exports.rs\"\ncrate-type = [\"cdylib\""];
            if is_face.iter().any(|face| manifest.contains(face)) {
                let text = fs::read_to_string(crate_folder.join("src/lib.rs")).expect("a lib.rs");
                assert!(text.contains("#![cfg(target_family = \"wasm\")]"), "{}", crate_folder.display());
            }
        }
    }
}

#[test]
fn nothing_is_left_open_or_switched_off() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    for folder in ["plugins", "host", "tests"] {
        for (path, text) in sources(folder)
            .into_iter()
            .filter(|(path, _)| !path.components().any(|part| part.as_os_str() == "target"))
        {
            for mark in marks {
                assert!(!text.contains(mark), "{} holds {mark}", path.display());
            }
        }
    }
}

#[test]
fn the_repository_names_no_machine_and_holds_no_private_key() {
    let output =
        Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git ls-files runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let files = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(files.lines().count() > 50, "git lists no files");
    let marks = [
        concat!("/root", "/"),
        concat!("/work", "/main"),
        concat!("PRIVATE ", "KEY-----\nM"),
        concat!("registry.npm", "js.org"),
        concat!("files.python", "hosted"),
    ];
    for file in files.lines() {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        for mark in marks {
            assert!(!text.contains(mark), "{file} holds {mark:?}");
        }
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(document)).expect(document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains("://") {
                assert!(root().join(link).exists(), "{document} links to {link}");
            }
        }
    }
}
