//! docs/write-an-authenticator.md to the letter: from an empty folder to a sign-in in headless Chromium with an
//! authenticator of one's own. What it says to type is taken from its text.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use toml::{Table, Value};

use super::applications::Applications;
use super::host::Host;
use super::interruption::Interruption;
use super::ports::Ports;
use super::processes::Processes;
use super::{Account, Place, check, edge, secret};
use crate::certificates::Certificates;
use crate::command::{output, run};
use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::tools;
use crate::workspace::{Workspace, make_folder, read};

const GUIDE: &str = "docs/write-an-authenticator.md";
/// What the guide calls it.
const NAME: &str = "door-code";
/// What the host logs when it has taken a change over.
const TAKEN: &str = "change taken over";
const TO_TAKE: Duration = Duration::from_secs(60);

pub(crate) fn own_authenticator(workspace: &Workspace) -> Result<(), Failure> {
    let interruption = Interruption::listen()?;
    let guide = Guide::read(&workspace.path(GUIDE))?;
    let programs = tools::for_demo(workspace)?;
    let chromium = tools::for_browser(workspace)?;
    let place =
        Place { workspace, folder: workspace.path("target/demo/own"), ports: Ports::choose(None, true)? };
    let _ = fs::remove_dir_all(&place.folder);
    let mut processes = Processes::new(&place.file("log"), &interruption)?;

    let step = Step::begin("an installation that runs");
    let certificates = Certificates::make(&place.file("tls"))?;
    let host = Host::configure(&place, &certificates)?;
    own_folder(&place)?;
    host.serve(&mut processes)?;
    let account = Account { name: "alice", password: secret::password()? };
    host.add_user(&account)?;
    let applications = Applications { place: &place, certificates: &certificates, node: &programs.node };
    applications.start_oidc(&host, &mut processes)?;
    edge::Proxy::Envoy(programs.envoy.clone()).start(&place, &host, &mut processes)?;
    step.done();
    interruption.check()?;

    let begun = Instant::now();
    let step = Step::begin("an authenticator, by the commands of the guide");
    let project = EmptyFolder::new()?;
    run(guide.in_a_shell(workspace)?.current_dir(&project.0))?;
    step.done();
    let built = begun.elapsed();

    let drive = |what| check::drive(&place, &programs.node, &chromium, &account, &["src/own.js", what]);
    let step = Step::begin("into the browser");
    put(&project.0.join(NAME).join(format!("{NAME}.wasm")), &place)?;
    guide.change(&host, &place, 0)?;
    drive("set-up")?;
    guide.change(&host, &place, 1)?;
    drive("sign-in")?;
    step.done();
    note(format_args!(
        "from the empty folder to the sign-in: {:.0} s, {:.0} s of them for the commands up to the component",
        begun.elapsed().as_secs_f32(),
        built.as_secs_f32()
    ));
    Ok(())
}

/// A folder outside the repository, whose flags for cargo nobody else has. Gone afterwards.
struct EmptyFolder(PathBuf);

impl EmptyFolder {
    fn new() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("postern-guide-{}", std::process::id()));
        make_folder(&folder).map(|()| Self(folder))
    }
}

impl Drop for EmptyFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the guide says to type.
struct Guide {
    commands: String,
    /// Of `postern.toml`, one after the other.
    changes: Vec<Table>,
}

impl Guide {
    fn read(file: &Path) -> Result<Self, Failure> {
        let text = read(file)?;
        let text = String::from_utf8_lossy(&text);
        let commands = blocks(&text, "In Rust", "sh").concat();
        let changes = blocks(&text, "Into the browser", "toml");
        let changes: Result<Vec<Table>, _> = changes.iter().map(|block| block.parse()).collect();
        let changes = changes.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        if !commands.contains(NAME) || changes.len() != 2 {
            return Err(Failure::new(format!("{} says something else than is done here", file.display())));
        }
        Ok(Self { commands, changes })
    }

    /// The commands, with the `postern` that was built on PATH.
    fn in_a_shell(&self, workspace: &Workspace) -> Result<Command, Failure> {
        let others = tools::variable("PATH").unwrap_or_default();
        let ours = workspace.path("target/debug");
        let path: Result<OsString, _> =
            env::join_paths(std::iter::once(ours).chain(env::split_paths(&others).collect::<Vec<PathBuf>>()));
        let path = path.map_err(|error| Failure::new(format!("PATH: {error}")))?;
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &self.commands]).env("PATH", path);
        shell.env_remove("CARGO_TARGET_DIR");
        Ok(shell)
    }

    /// Writes the change into `postern.toml`, and waits until it is live.
    fn change(&self, host: &Host, place: &Place<'_>, number: usize) -> Result<(), Failure> {
        let before = taken(place);
        edit(place, |configuration| {
            if let Some(change) = self.changes.get(number) {
                merge(configuration, change);
            }
        })?;
        output(host.command().arg("check"))?;
        let begun = Instant::now();
        while taken(place) == before {
            if begun.elapsed() > TO_TAKE {
                return Err(Failure::new(format!("change {number} of the guide is not taken over"))
                    .remedy(format!("read {}", place.file("log/postern.log").display())));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// The fenced blocks of a language below a heading.
fn blocks(text: &str, heading: &str, language: &str) -> Vec<String> {
    let Some((_, section)) = text.split_once(&format!("\n## {heading}\n")) else { return Vec::new() };
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut blocks = Vec::new();
    let mut rest = section;
    while let Some((_, block)) = rest.split_once(&format!("```{language}\n")) {
        let Some((block, after)) = block.split_once("```") else { break };
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

/// An installation has its own folder of authenticators, with what getting-started copies there.
fn own_folder(place: &Place<'_>) -> Result<(), Failure> {
    let folder = place.file("authenticators");
    make_folder(&folder)?;
    put(&place.workspace.artefacts().join("authenticators/password.wasm"), place)?;
    edit(place, |configuration| {
        let own = [
            ("directory".to_owned(), Value::from(folder.to_string_lossy().into_owned())),
            ("enabled".to_owned(), Value::Array(vec!["password".into()])),
        ];
        configuration.insert("authenticators".into(), Value::Table(own.into_iter().collect()));
    })
}

/// Copies a component into the folder: under another name first, as the guide says.
fn put(component: &Path, place: &Place<'_>) -> Result<(), Failure> {
    let folder = place.file("authenticators");
    let unfinished = folder.join("unfinished");
    let name = component.file_name().unwrap_or_default();
    fs::copy(component, &unfinished)
        .and_then(|_| fs::rename(&unfinished, folder.join(name)))
        .map_err(|error| Failure::file("copy", component, &error))
}

fn edit(place: &Place<'_>, change: impl FnOnce(&mut Table)) -> Result<(), Failure> {
    let file = place.file("postern.toml");
    let text = read(&file)?;
    let parsed: Result<Table, _> = String::from_utf8_lossy(&text).parse();
    let mut configuration = parsed.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    change(&mut configuration);
    fs::write(&file, configuration.to_string()).map_err(|error| Failure::file("write", &file, &error))
}

/// As somebody does who has the section already.
fn merge(into: &mut Table, change: &Table) {
    for (name, value) in change {
        match (into.get_mut(name), value) {
            (Some(Value::Table(section)), Value::Table(changed)) => merge(section, changed),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

fn taken(place: &Place<'_>) -> usize {
    let log = fs::read_to_string(place.file("log/postern.log")).unwrap_or_default();
    log.matches(TAKEN).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_below_the_heading() {
        let text = "# A\n\n## One\n```sh\na\n```\ntext\n```toml\nb = 1\n```\n```sh\nc\n```\n\n## Two\n```sh\nd\n```\n";
        assert_eq!(blocks(text, "One", "sh"), ["a\n", "c\n"]);
        assert_eq!(blocks(text, "Two", "sh"), ["d\n"]);
        assert!(blocks(text, "Three", "sh").is_empty() && blocks(text, "Two", "toml").is_empty());
    }

    #[test]
    fn a_change_leaves_the_rest_as_it_is() {
        let mut table: Table = "[a]\nb = 1\nc = [1]\n".parse().unwrap();
        merge(&mut table, &"[a]\nc = [2]\n[a.d]\ne = 1\n".parse().unwrap());
        assert_eq!(table, "[a]\nb = 1\nc = [2]\n[a.d]\ne = 1\n".parse().unwrap());
    }
}
