//! `cargo xtask test`: everything that has to be green.

mod authenticators;
mod examples;
mod lint;
pub(crate) mod native;
mod policies;

use std::cell::{OnceCell, RefCell};
use std::time::{Duration, Instant};

use clap::Args;

use crate::build::{self, Part};
use crate::cargo::Built;
use crate::failure::Failure;
use crate::progress::{Step, error, line};
use crate::workspace::Workspace;
use crate::{demo, nginx, tools};

/// Install what the tests need and run all of them.
///
/// A step that fails does not keep the others from running. The exit code is that of all.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask test                       all steps, as continuous integration runs them
  cargo xtask test --list                their names
  cargo xtask test --only parity         one step, with what it needs already built
  cargo xtask test --only fmt --only clippy")]
pub(crate) struct Arguments {
    /// Run one step; may be given several times.
    #[arg(long, value_name = "STEP", value_parser = names())]
    only: Vec<String>,
    /// Print the steps and do nothing.
    #[arg(long)]
    list: bool,
}

struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&Run<'_>) -> Result<(), Failure>,
}

/// In order: what others build on first.
const TASKS: [Task; 15] = [
    Task { name: "tools", about: "software that is not ours", run: |run| run.peers().map(drop) },
    Task { name: "build", about: "components and filters, their imports inspected", run: |run| run.guests() },
    Task { name: "compile", about: "host and native tests", run: |run| run.native().map(drop) },
    Task {
        name: "nginx-module",
        about: "the module for the distribution's nginx, no warning in it",
        run: |run| nginx::check(run.workspace),
    },
    Task {
        name: "nginx-package",
        about: "its Debian package: what it depends on, and nginx loads what is in it",
        run: |run| nginx::package::check(run.workspace),
    },
    Task { name: "fmt", about: "rustfmt has nothing to change", run: |run| lint::fmt(run.workspace) },
    Task { name: "clippy", about: "no warning natively", run: |run| lint::native(run.native()?) },
    Task {
        name: "clippy-guests",
        about: "no warning for WebAssembly",
        run: |run| lint::guests(run.workspace),
    },
    Task { name: "fuzz", about: "the fuzz targets compile", run: |run| lint::fuzz(run.workspace) },
    Task { name: "unit", about: "rules, kernel, sandbox, store, structure", run: |run| native::others(run) },
    Task {
        name: "examples",
        about: "Envoy, nginx and Apache load examples/edge",
        run: |run| examples::run(run),
    },
    Task {
        name: "authenticators",
        about: "examples in Rust, JavaScript and Python, from an empty folder into the browser; of policies",
        run: |run| policies::run(run).and_then(|()| authenticators::run(run)),
    },
    Task {
        name: "parity",
        about: "one verdict at rule, component and filter",
        run: |run| native::of(run, native::PARITY),
    },
    Task {
        name: "end-to-end",
        about: "real Envoy and nginx, real relying parties",
        run: |run| native::of(run, native::END_TO_END),
    },
    Task { name: "demo", about: "the demo, driven by headless Chromium", run: |run| run.demo() },
];

fn names() -> clap::builder::PossibleValuesParser {
    TASKS.map(|task| task.name).into()
}

/// What the steps of one run share: nothing is built or looked for twice.
struct Run<'w> {
    workspace: &'w Workspace,
    native: OnceCell<Built>,
    peers: OnceCell<tools::Peers>,
    /// Tests that failed, and passed when they ran again on their own.
    second_tries: RefCell<Vec<String>>,
}

impl Run<'_> {
    fn guests(&self) -> Result<(), Failure> {
        for part in [Part::Components, Part::Filters] {
            build::run(self.workspace, &build::Arguments::only(part))?;
        }
        Ok(())
    }

    fn native(&self) -> Result<&Built, Failure> {
        if let Some(built) = self.native.get() {
            return Ok(built);
        }
        let built = native::compile(self.workspace)?;
        Ok(self.native.get_or_init(|| built))
    }

    fn peers(&self) -> Result<&tools::Peers, Failure> {
        if let Some(peers) = self.peers.get() {
            return Ok(peers);
        }
        let peers = tools::for_tests(self.workspace)?;
        Ok(self.peers.get_or_init(|| peers))
    }

    fn demo(&self) -> Result<(), Failure> {
        self.native()?;
        let first = demo::check(self.workspace);
        let Err(failure) = first else { return Ok(()) };
        error(format_args!("demo: {failure}; once more"));
        demo::check(self.workspace)?;
        self.second_tries.borrow_mut().push("demo".to_owned());
        Ok(())
    }
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let wanted =
        |task: &&Task| arguments.only.is_empty() || arguments.only.iter().any(|name| name == task.name);
    let tasks: Vec<&Task> = TASKS.iter().filter(wanted).collect();
    if arguments.list {
        for task in tasks {
            line(format_args!("{:14} {}", task.name, task.about));
        }
        return Ok(());
    }
    let run =
        Run { workspace, native: OnceCell::new(), peers: OnceCell::new(), second_tries: RefCell::default() };
    let mut results = Vec::new();
    for task in tasks {
        let begun = Instant::now();
        let step = Step::begin(format!("{}: {}", task.name, task.about));
        let result = (task.run)(&run);
        match &result {
            Ok(()) => step.done(),
            Err(failure) => error(format_args!("{}: {failure}", task.name)),
        }
        results.push((task.name, begun.elapsed(), result.is_ok()));
    }
    let second_tries = run.second_tries.into_inner();
    if !second_tries.is_empty() {
        line("");
        line("passed at the second try only (find out why):");
        second_tries.iter().for_each(|test| line(format_args!("  {test}")));
    }
    summary(&results)
}

fn summary(results: &[(&str, Duration, bool)]) -> Result<(), Failure> {
    line("");
    for (name, time, passed) in results {
        let verdict = if *passed { "ok" } else { "FAILED" };
        line(format_args!("{name:14} {verdict:6} {:6.0} s", time.as_secs_f32()));
    }
    let passed = results.iter().filter(|(_, _, passed)| *passed).count();
    let failed = results.len() - passed;
    line("");
    line(format_args!("{passed} passed, {failed} failed"));
    if failed == 0 {
        return Ok(());
    }
    let names: Vec<&str> = results.iter().filter(|(_, _, passed)| !passed).map(|(name, ..)| *name).collect();
    Err(Failure::new(format!("failed: {}", names.join(", ")))
        .remedy(format!("read above, then: cargo xtask test --only {}", names[0])))
}
