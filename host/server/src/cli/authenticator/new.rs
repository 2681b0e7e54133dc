//! `postern authenticator new`

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, say};

/// Makes a project that builds: a whole example, under your name.
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern authenticator new door-code --lang rust
  postern authenticator new club --lang rust --kind sent-away
  postern authenticator new maiden-name --lang js
  postern authenticator new badge --lang python

The README in the new folder has the commands that build, test and deploy it.")]
pub(crate) struct New {
    /// Its name: of the folder, in the configuration and in the log.
    name: String,
    /// The language to write it in.
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,
    /// What to begin with.
    #[arg(long, value_name = "KIND", default_value = "form")]
    kind: Kind,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Rust,
    Js,
    Python,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// People fill in a form, and set it up before.
    Form,
    /// People sign in at another place, which is asked who they are. In Rust.
    SentAway,
}

/// Files of a project, by their paths in it.
type Files = &'static [(&'static str, &'static str)];

macro_rules! example {
    ($example:literal: $($file:literal),+) => {
        &[$(($file, include_str!(concat!("../../../../../examples/authenticators/", $example, "/", $file)))),+]
    };
}

const RUST: Files =
    example!("rust-pin": "Cargo.toml", "src/lib.rs", "postern.toml", "sign-in.toml", "README.md");
const RUST_SENT_AWAY: Files = example!("rust-sent-away":
    "Cargo.toml", "src/lib.rs", "postern.toml", "sign-in.toml", "fresh.toml", "place.mjs", "README.md");
const JS: Files = example!("js-security-question":
    "package.json", "package-lock.json", "authenticator.js", "postern.toml", "sign-in.toml", "README.md");
const PYTHON: Files = example!("python-badge-lookup":
    "requirements.txt", "authenticator.py", "postern.toml", "sign-in.toml", "README.md");
/// The world of one that is not Rust.
const JS_WORLD: &str = include_str!("../../../../../examples/authenticators/js-security-question/world.wit");
const PYTHON_WORLD: &str =
    include_str!("../../../../../examples/authenticators/python-badge-lookup/world.wit");
const CONTRACT: &str = include_str!("../../../../../wit/authenticator.wit");
/// The crate with the bindings. Nothing is published: it comes along.
const BINDINGS: Files = &[
    ("src/lib.rs", include_str!("../../../../../plugins/authenticators/sdk/src/lib.rs")),
    ("src/call.rs", include_str!("../../../../../plugins/authenticators/sdk/src/call.rs")),
    ("src/requests.rs", include_str!("../../../../../plugins/authenticators/sdk/src/requests.rs")),
    ("src/steps.rs", include_str!("../../../../../plugins/authenticators/sdk/src/steps.rs")),
    ("src/words.rs", include_str!("../../../../../plugins/authenticators/sdk/src/words.rs")),
    ("wit/authenticator.wit", CONTRACT),
    (
        "Cargo.toml",
        "[package]\nname = \"postern-authenticator\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         license = \"Apache-2.0\"\npublish = false\n\n[dependencies]\nwit-bindgen = { version = \"0.61.1\", \
         default-features = false, features = [\"macros\", \"realloc\"] }\n",
    ),
];

impl New {
    pub(super) fn run(self) -> Result<(), Failure> {
        let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let name = &self.name;
        if name.len() > 32
            || !name.starts_with(|first: char| first.is_ascii_lowercase())
            || !name.bytes().all(is_name)
        {
            return Err(Failure::usage(
                "a name has lower-case letters, digits and hyphens, 32 at most, a letter first",
            ));
        }
        let files = files(self.lang, self.kind, name)?;
        let folder = PathBuf::from(name);
        fs::create_dir(&folder).map_err(|error| Failure::new(format!("{name}: {error}")))?;
        for (path, text) in files {
            write(&folder.join(path), &text)?;
        }
        say(format!("{name} is made; {name}/README.md says how to build and try it"));
        Ok(())
    }
}

/// The files of a project of that name.
///
/// # Errors
/// There is no such example.
fn files(language: Language, kind: Kind, name: &str) -> Result<Vec<(String, String)>, Failure> {
    let (example, files) = match (language, kind) {
        (Language::Rust, Kind::Form) => ("rust-pin", RUST),
        (Language::Rust, Kind::SentAway) => ("rust-sent-away", RUST_SENT_AWAY),
        (Language::Js, Kind::Form) => ("js-security-question", JS),
        (Language::Python, Kind::Form) => ("python-badge-lookup", PYTHON),
        (_, Kind::SentAway) => {
            return Err(Failure::usage("of this kind there is an example in Rust alone: --lang rust"));
        }
    };
    let named =
        |text: &str| text.replace(example, name).replace(&example.replace('-', "_"), &name.replace('-', "_"));
    let mut all: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).into(), named(text))).collect();
    let world = match language {
        Language::Rust => None,
        Language::Js => Some(JS_WORLD),
        Language::Python => Some(PYTHON_WORLD),
    };
    match world {
        Some(world) => {
            all.push(("wit/world.wit".into(), world.into()));
            all.push(("wit/deps/postern-idp/authenticator.wit".into(), CONTRACT.into()));
        }
        None => all.extend(BINDINGS.iter().map(|(path, text)| {
            let own = text.replace("path: \"../../../wit\"", "path: \"wit\"");
            (format!("postern-authenticator/{path}"), own)
        })),
    }
    Ok(all)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_its_name_and_nothing_of_the_examples() {
        for (language, kind, example) in [
            (Language::Rust, Kind::Form, "rust-pin"),
            (Language::Rust, Kind::SentAway, "rust-sent-away"),
            (Language::Js, Kind::Form, "js-security-question"),
            (Language::Python, Kind::Form, "python-badge"),
        ] {
            let files = files(language, kind, "door-code").unwrap();
            assert!(files.iter().any(|(path, _)| path == "README.md"));
            for (path, text) in &files {
                assert!(!text.contains(example) && !text.contains(&example.replace('-', "_")), "{path}");
            }
            let manifest = &files.iter().find(|(path, _)| path == "postern.toml").unwrap().1;
            let manifest = postern_manifest::Manifest::read(manifest.as_bytes()).unwrap();
            assert_eq!(manifest.id, "door-code");
        }
    }

    /// What comes along is what the repository itself builds with.
    #[test]
    fn the_bindings_come_with_the_workspaces_versions_and_their_own_contract() {
        let files = files(Language::Rust, Kind::Form, "door-code").unwrap();
        let of =
            |name: &str| files.iter().find(|(path, _)| path == name).map(|(_, text)| text.as_str()).unwrap();
        assert!(of("postern-authenticator/src/lib.rs").contains("path: \"wit\","));
        let workspace: toml::Table = toml::from_str(include_str!("../../../../../Cargo.toml")).unwrap();
        let ours: toml::Table = toml::from_str(of("postern-authenticator/Cargo.toml")).unwrap();
        assert_eq!(
            ours["dependencies"]["wit-bindgen"],
            workspace["workspace"]["dependencies"]["wit-bindgen"]
        );
    }

    #[test]
    fn there_is_no_example_of_every_kind_in_every_language() {
        for language in [Language::Js, Language::Python] {
            assert!(files(language, Kind::SentAway, "door-code").is_err());
        }
    }

    #[test]
    fn the_crate_comes_along_whole() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/authenticators/sdk/src");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = format!("src/{}", file.unwrap().file_name().to_string_lossy());
            assert!(BINDINGS.iter().any(|(known, _)| *known == name), "{name} does not come along");
        }
    }
}
