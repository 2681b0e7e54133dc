//! The rules of ARCHITECTURE.md that a script can hold: read from `cargo metadata` and from the
//! sources themselves. The tests are in `tests/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of the workspace.
pub struct Member {
    /// Package name.
    pub name: String,
    /// Folder relative to the workspace, such as `plugins/protocol/saml`.
    pub folder: String,
    /// Names of direct dependencies that end up in the product: dev and build dependencies left out.
    pub dependencies: BTreeSet<String>,
}

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/structure lies two levels down")
        .into()
}

/// All crates of the workspace.
///
/// # Panics
/// When `cargo metadata` fails: the rules can't be checked then.
pub fn members() -> Vec<Member> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().expect("manifest_path"));
            let folder =
                manifest.parent().expect("a folder").strip_prefix(root()).expect("inside the workspace");
            let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
            Member {
                name: package["name"].as_str().expect("name").into(),
                folder: folder.to_str().expect("UTF-8").into(),
                dependencies: dependencies
                    .filter(|dependency| dependency["kind"].is_null())
                    .map(|dependency| dependency["name"].as_str().expect("name").into())
                    .collect(),
            }
        })
        .collect()
}

/// Crates that only their wrappers may name, with those, from `deny.toml`.
///
/// # Panics
/// When the file isn't what `cargo deny` reads.
pub fn layers() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let settings: toml::Value = toml::from_str(&text).expect("deny.toml is TOML");
    let banned = settings["bans"]["deny"].as_array().expect("bans.deny");
    banned
        .iter()
        .filter_map(|ban| {
            let wrappers = ban.get("wrappers")?.as_array().expect("wrappers");
            let wrappers = wrappers.iter().map(|name| name.as_str().expect("a name").into()).collect();
            Some((ban["name"].as_str().expect("name").into(), wrappers))
        })
        .collect()
}

/// The Rust sources below a folder of the workspace, with their text.
pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            found.push((path, text));
        }
    }
}
