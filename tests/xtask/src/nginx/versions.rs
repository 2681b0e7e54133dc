//! `cargo xtask nginx-versions`: the module in every nginx that is to be had.

use std::time::Duration;

use clap::Args;

use super::{Arguments as ModuleArguments, make};
use crate::command::run_within;
use crate::failure::Failure;
use crate::progress::{Step, error, line};
use crate::test::native;
use crate::tools;
use crate::workspace::Workspace;

/// Build the module for each nginx and run the end-to-end tests of nginx in it.
///
/// That of Debian 12 is what `cargo xtask test` takes. The others: Debian 13's and nginx's current
/// stable as Debian's next release has it, both the real packages with the libraries of their release,
/// and one that is made of the sources on crates.io.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask nginx-versions
  cargo xtask nginx-versions 1.26")]
pub(crate) struct Arguments {
    /// Lines or versions instead of all.
    #[arg(value_name = "VERSION", default_values = ["1.22", "1.26", "1.28", "1.30"])]
    versions: Vec<String>,
}

/// For the tests in one of them.
const LIMIT: Duration = Duration::from_secs(10 * 60);

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let peers = tools::for_tests(workspace)?;
    let tests = native::one(workspace, native::END_TO_END, "nginx")?;
    let mut failed = Vec::new();
    for wanted in &arguments.versions {
        let result = (|| {
            let options =
                ModuleArguments { nginx_version: Some(wanted.clone()), ..ModuleArguments::default() };
            let module = make(workspace, &options)?;
            let script = module.file.with_file_name("nginx");
            module.program()?.script(&script)?;
            let step = Step::begin(format!("end-to-end in nginx {}", module.source.version));
            let mut command = native::command(&tests, &peers);
            command.env("POSTERN_NGINX", &script).env("POSTERN_NGINX_MODULE", &module.file);
            run_within(&mut command, LIMIT)?;
            step.done();
            Ok::<_, Failure>(module.source.version)
        })();
        match result {
            Ok(version) => line(format_args!("nginx {version}: ok")),
            Err(failure) => {
                error(format_args!("nginx {wanted}: {failure}"));
                failed.push(wanted.as_str());
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("failed in nginx {}", failed.join(", "))))
}
