//! `examples/policies`, as whoever follows docs/policies.md gets them: packed, inspected, and asked.

use std::process::Command;

use super::Run;
use crate::build::policies::{self, POLICIES};
use crate::command::output;
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::make_folder;

/// Example, context, and what it decides.
const DECISIONS: [(&str, &str, &str); 6] = [
    ("office-network", "inside", r#"{"decision":"unchanged"}"#),
    ("office-network", "outside", r#"{"decision":"steps","steps":[["password"],["totp","passkey"]]}"#),
    ("country", "home", r#"{"decision":"unchanged"}"#),
    ("country", "abroad", r#"{"decision":"deny","reason":"from AQ","text":"country.denied"}"#),
    ("administrators", "other", r#"{"decision":"unchanged"}"#),
    ("administrators", "administrator", r#"{"decision":"steps","steps":[["password"],["totp"]]}"#),
];

pub(super) fn run(context: &Run<'_>) -> Result<(), Failure> {
    policies::build(context.workspace)?;
    let examples = context.workspace.path("examples/policies");
    let built =
        context.workspace.path("target/postern/examples/policies-target/wasm32-unknown-unknown/release");
    let packed = context.workspace.path("target/postern/examples/policies");
    make_folder(&packed)?;
    let policy = || {
        let mut command = Command::new(context.workspace.path("target/debug/postern"));
        command.arg("policy");
        command
    };
    for name in POLICIES {
        let module = built.join(format!("{}.wasm", name.replace('-', "_")));
        let file = packed.join(format!("{name}.wasm"));
        output(policy().arg("pack").arg(&module).arg("--output").arg(&file))?;
        output(policy().arg("inspect").arg(&file))?;
        for (_, told, expected) in DECISIONS.iter().filter(|(of, _, _)| *of == name) {
            let folder = examples.join(name);
            let mut test = policy();
            test.arg("test").arg(&file).arg("--settings").arg(folder.join("settings.json"));
            let said = output(test.arg("--context").arg(folder.join(format!("{told}.json"))))?;
            let said = String::from_utf8_lossy(&said).into_owned();
            if said.lines().next() != Some(expected) {
                return Err(Failure::new(format!("{name} decides in {told}.json: {said}")));
            }
        }
        note(format_args!("{name} (policy)"));
    }
    Ok(())
}
