//! The policies of `examples/policies`, a workspace of its own: the end-to-end tests run them.

use super::component;
use crate::cargo;
use crate::command::output;
use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::toolchain;
use crate::workspace::{Workspace, read, write_changed};

/// Folders of the examples: also the names of the policies.
pub(crate) const POLICIES: [&str; 3] = ["administrators", "country", "office-network"];

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds them, to `target/postern/policies`.
pub(crate) fn build(workspace: &Workspace) -> Result<(), Failure> {
    let step = Step::begin("examples of policies".to_owned());
    toolchain::need_target(workspace, TARGET)?;
    let folder = workspace.path("examples/policies");
    let target = workspace.path("target/postern/examples/policies-target");
    let mut cargo = cargo::command(workspace);
    cargo.args(["build", "--quiet", "--release", "--locked", "--target", TARGET]);
    output(cargo.current_dir(&folder).env("CARGO_TARGET_DIR", &target))?;
    for name in POLICIES {
        let module = target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
        let component = component::wrap(&read(&module)?)?;
        write_changed(&workspace.artefacts().join(format!("policies/{name}.wasm")), &component)?;
        note(format_args!("policies/{name}.wasm {} KiB", component.len().div_ceil(1024)));
    }
    step.done();
    Ok(())
}
