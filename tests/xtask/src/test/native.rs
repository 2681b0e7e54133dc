//! The tests that cargo builds: all in one call, so that no dependency is compiled twice with
//! different features, then run, program by program or two at a time.

use std::fs::{self, File};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::Run;
use crate::build::guests;
use crate::cargo::{self, Built, TestProgram};
use crate::command::run_within;
use crate::failure::Failure;
use crate::progress::{error, line, note};
use crate::toolchain;
use crate::tools::Peers;
use crate::workspace::Workspace;

/// Folders of the packages that have a step of their own.
pub(super) const PARITY: &str = "tests/parity";
pub(crate) const END_TO_END: &str = "tests/end-to-end";

/// Programs that run at a time: some compute, others wait for servers for most of their time.
const AT_ONCE: usize = 2;

/// End to end most of them keep both processors busy, and run one by one. These wait for the end of a token's
/// life or of a pause between two fetches, and run beside them.
const PATIENT: [&str; 5] = [
    "edge_asks_postern",
    "edge_asks_postern_nginx",
    "edge_key_rotation",
    "edge_key_rotation_nginx",
    "edge_feed_nginx",
];

/// This one builds projects of its own, in the step `authenticators`.
pub(super) const OWN_AUTHENTICATORS: &str = "own_authenticators";

/// For one test program. The longest takes a minute on two cores: what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// xtask itself, which was compiled alone when it was started: alone it stays, or what it
/// depends on would be compiled again with the features that others ask for.
const XTASK: [&str; 2] = ["--package", "postern-xtask"];

/// The host and all tests, with clippy.
pub(super) fn compile(workspace: &Workspace) -> Result<Built, Failure> {
    let selection = guests::native_selection(workspace)?;
    toolchain::need_component(workspace, "clippy", "clippy-driver")?;
    let mut arguments = vec!["--keep-going", "--bins", "--tests", "--examples"];
    arguments.extend(selection.iter().map(String::as_str));
    let mut built = cargo::build_linted(workspace, &arguments)?;
    let own = cargo::build_linted(workspace, &[&XTASK[..], &["--bins", "--tests"]].concat())?;
    built.tests.extend(own.tests);
    built.warnings += own.warnings;
    if built.complete && own.complete {
        return Ok(built);
    }
    Err(Failure::new("the host or its tests do not compile"))
}

/// One test program of a package, and what it runs beside it.
pub(crate) fn one(workspace: &Workspace, folder: &str, target: &str) -> Result<TestProgram, Failure> {
    let selection = guests::native_selection(workspace)?;
    toolchain::need_component(workspace, "clippy", "clippy-driver")?;
    let mut arguments = vec!["--bin", "postern", "--test", target];
    arguments.extend(selection.iter().map(String::as_str));
    let built = cargo::build_linted(workspace, &arguments)?;
    let folder = workspace.path(folder);
    let program =
        built.tests.into_iter().find(|program| program.folder == folder && program.target == target);
    program
        .filter(|_| built.complete)
        .ok_or_else(|| Failure::new(format!("{target} of {} does not compile", folder.display())))
}

/// Runs one program, end to end.
pub(super) fn run_one(context: &Run<'_>, target: &str) -> Result<(), Failure> {
    let peers = context.peers()?;
    let program = one(context.workspace, END_TO_END, target)?;
    run_within(&mut command(&program, peers), LIMIT)
}

/// Runs a program of tests as cargo would, and tells it where its peers are.
pub(crate) fn command(program: &TestProgram, peers: &Peers) -> Command {
    let mut command = Command::new(&program.file);
    command
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("POSTERN_ENVOY", &peers.envoy)
        .env("POSTERN_NODE", &peers.node)
        .env("POSTERN_PYTHON", &peers.python);
    command
}

/// Programs of which so many run at a time, in this order.
struct Lane<'a> {
    programs: Vec<&'a TestProgram>,
    at_once: usize,
}

/// The tests of one folder.
pub(super) fn of(context: &Run<'_>, folder: &str) -> Result<(), Failure> {
    let place = context.workspace.path(folder);
    let programs = context.native()?.tests.iter().filter(|program| program.folder == place);
    let programs = programs.filter(|program| program.target != OWN_AUTHENTICATORS);
    if folder != END_TO_END {
        return execute(context, &[Lane { programs: programs.collect(), at_once: AT_ONCE }]);
    }
    let (patient, busy) = programs.partition(|program| PATIENT.contains(&program.target.as_str()));
    execute(context, &[Lane { programs: busy, at_once: 1 }, Lane { programs: patient, at_once: 1 }])
}

/// All that have no step of their own.
pub(super) fn others(context: &Run<'_>) -> Result<(), Failure> {
    let apart = [PARITY, END_TO_END].map(|folder| context.workspace.path(folder));
    let programs = context.native()?.tests.iter().filter(|program| !apart.contains(&program.folder));
    execute(context, &[Lane { programs: programs.collect(), at_once: AT_ONCE }])
}

/// Runs the programs as cargo would, each in the folder of its package. What one prints is shown when it
/// is over.
fn execute(context: &Run<'_>, lanes: &[Lane<'_>]) -> Result<(), Failure> {
    let peers = context.peers()?;
    if lanes.iter().any(|lane| lane.programs.is_empty()) {
        return Err(Failure::new("there is no test to run"));
    }
    let failed: Mutex<Vec<(String, &TestProgram, Vec<String>)>> = Mutex::new(Vec::new());
    let workspace = context.workspace;
    thread::scope(|scope| {
        let failed = &failed;
        for (number, lane) in lanes.iter().enumerate() {
            let next = Arc::new(Mutex::new(lane.programs.iter().enumerate()));
            for _ in 0..lane.at_once {
                let next = Arc::clone(&next);
                scope.spawn(move || {
                    let turn = || next.lock().ok()?.next();
                    while let Some((position, program)) = turn() {
                        let package =
                            program.folder.strip_prefix(workspace.root()).unwrap_or(&program.folder);
                        let name = format!("{} ({})", program.target, package.display());
                        note(format_args!("{name} begins"));
                        let log = format!("tests-{number}-{position}.log");
                        let (result, printed) = execute_one(workspace, &log, program, peers);
                        let Ok(mut failed) = failed.lock() else { return };
                        // Under the lock, so that it stays together.
                        note(&name);
                        line(&printed);
                        if let Err(failure) = result {
                            error(&failure);
                            failed.push((name, program, failing(&printed)));
                        }
                    }
                });
            }
        }
    });
    let failed =
        failed.into_inner().map_err(|_| Failure::new("a thread that runs tests ended before them"))?;
    let failed: Vec<String> = failed
        .into_iter()
        .filter(|(name, program, tests)| !passes_alone(context, name, program, tests))
        .map(|(name, ..)| name)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("tests failed in {}", failed.join(", "))))
}

/// A second try for the tests that failed, one by one and with nothing beside them: two cores serve a dozen
/// proxies, and a test that waits for one of them may have waited too short. What passes only now is named at
/// the end of the run, so that somebody finds out why.
fn passes_alone(context: &Run<'_>, name: &str, program: &TestProgram, tests: &[String]) -> bool {
    if tests.is_empty() {
        return false;
    }
    note(format_args!("{name}, once more: {}", tests.join(", ")));
    let Ok(peers) = context.peers() else { return false };
    let mut command = command(program, peers);
    command.args(["--exact", "--test-threads=1"]).args(tests);
    match run_within(&mut command, LIMIT) {
        Ok(()) => {
            context.second_tries.borrow_mut().extend(tests.iter().map(|test| format!("{test} of {name}")));
            true
        }
        Err(failure) => {
            error(&failure);
            false
        }
    }
}

/// The names below the last line `failures:` of what a test program printed.
fn failing(printed: &str) -> Vec<String> {
    let Some((_, names)) = printed.rsplit_once("\nfailures:\n") else { return Vec::new() };
    names.lines().map_while(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}

/// Runs one program: what it printed goes to a file first.
fn execute_one(
    workspace: &Workspace,
    log: &str,
    program: &TestProgram,
    peers: &Peers,
) -> (Result<(), Failure>, String) {
    let folder = workspace.path("target/tmp");
    let path = folder.join(log);
    let file = fs::create_dir_all(&folder).and_then(|()| File::create(&path));
    let result = file.and_then(|file| Ok((file.try_clone()?, file)));
    let result = match result {
        Ok((out, err)) => run_within(command(program, peers).stdout(out).stderr(err), LIMIT),
        Err(error) => Err(Failure::new(format!("cannot write {}: {error}", path.display()))),
    };
    let printed = fs::read(&path).unwrap_or_default();
    (result, String::from_utf8_lossy(&printed).into_owned())
}

#[cfg(test)]
mod tests {
    use super::failing;

    #[test]
    fn the_tests_that_failed_are_known_by_name() {
        let printed = "test a::b ... FAILED\ntest c ... ok\n\nfailures:\n\n---- a::b stdout ----\n\nfailures:\n    \
                       a::b\n    d\n\ntest result: FAILED. 1 passed; 2 failed\n";
        assert_eq!(failing(printed), ["a::b", "d"]);
        assert!(failing("test result: ok. 3 passed\n").is_empty());
    }
}
