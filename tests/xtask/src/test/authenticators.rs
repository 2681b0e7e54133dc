//! `examples/authenticators`, as whoever follows docs/write-an-authenticator.md gets them: made by
//! `postern authenticator new` outside the workspace's sources, built, packed, inspected, and gone through.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Run, native};
use crate::command::output;
use crate::demo;
use crate::failure::Failure;
use crate::progress::note;
use crate::tools::{node, python};
use crate::workspace::make_folder;

/// Name, language, and what the interpreter needs of memory in MiB.
const EXAMPLES: [(&str, &str, &str); 3] =
    [("own-pin", "rust", "16"), ("own-question", "js", "64"), ("own-badge", "python", "64")];

pub(super) fn run(context: &Run<'_>) -> Result<(), Failure> {
    let postern = context.workspace.path("target/debug/postern");
    let folder = context.workspace.path("target/postern/examples/authenticators");
    let _ = fs::remove_dir_all(&folder);
    make_folder(&folder)?;
    // The example in the crate's documentation.
    output(crate::cargo::command(context.workspace).args([
        "test",
        "--quiet",
        "--doc",
        "--package",
        "postern-authenticator",
    ]))?;
    for (name, language, memory) in EXAMPLES {
        let command = |arguments: &[&str]| {
            let mut command = Command::new(&postern);
            command.arg("authenticator").args(arguments);
            command
        };
        output(command(&["new", name, "--lang", language]).current_dir(&folder))?;
        let project = folder.join(name);
        let built = match language {
            "rust" => rust(context, &project, name)?,
            "js" => js(context, &project, name)?,
            _ => python(context, &project, name)?,
        };
        let file = format!("{name}.wasm");
        output(command(&["pack", &built, "--output", &file]).current_dir(&project))?;
        output(command(&["inspect", &file]).current_dir(&project))?;
        let script = ["test", &file, "--script", "sign-in.toml", "--memory-mib", memory];
        output(command(&script).current_dir(&project))?;
        note(format_args!("{name} ({language})"));
    }
    native::run_one(context, native::OWN_AUTHENTICATORS)?;
    note("rust-sent-away, up to a sign-in");
    demo::own_authenticator(context.workspace)
}

fn rust(context: &Run<'_>, project: &Path, name: &str) -> Result<String, Failure> {
    crate::toolchain::need_target(context.workspace, "wasm32-unknown-unknown")?;
    let target = context.workspace.path("target/postern/examples/authenticators-target");
    let mut cargo = crate::cargo::command(context.workspace);
    cargo.args(["build", "--quiet", "--release", "--target", "wasm32-unknown-unknown"]);
    output(cargo.current_dir(project).env("CARGO_TARGET_DIR", &target))?;
    let module = format!("wasm32-unknown-unknown/release/{}.wasm", name.replace('-', "_"));
    Ok(target.join(module).to_string_lossy().into_owned())
}

fn js(context: &Run<'_>, project: &Path, name: &str) -> Result<String, Failure> {
    let component = format!("{name}.component.wasm");
    let node = node::need(context.workspace)?;
    let tools = context.workspace.path("target/tools/componentize-js");
    node.install(&context.workspace.path("examples/authenticators/js-security-question"), &tools)?;
    let program = tools.join("node_modules/.bin/componentize-js");
    let arguments =
        ["authenticator.js", "--wit", "wit", "--world-name", "authenticator", "--out", &component];
    let without = ["--disable", "stdio", "random", "clocks", "http", "fetch-event"];
    output(Command::new(&node.program).arg(program).args(arguments).args(without).current_dir(project))?;
    Ok(component)
}

fn python(context: &Run<'_>, project: &Path, name: &str) -> Result<String, Failure> {
    let component = format!("{name}.component.wasm");
    let requirements = project.join("requirements.txt");
    let read = fs::read_to_string(&requirements);
    let read = read.map_err(|error| Failure::file("read", &requirements, &error))?;
    let program: PathBuf = python::need(context.workspace, read.trim())?.join("componentize-py");
    let world = ["-d", "wit", "-w", "authenticator", "componentize", "authenticator", "--stub-wasi"];
    output(Command::new(program).args(world).args(["-o", &component]).current_dir(project))?;
    Ok(component)
}
