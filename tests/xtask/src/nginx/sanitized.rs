//! `cargo xtask nginx-asan`: the module in an nginx with AddressSanitizer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use super::{Arguments as ModuleArguments, make, suite};
use crate::build::{self, Part};
use crate::command::{run as run_command, run_within};
use crate::failure::Failure;
use crate::progress::{Step, line};
use crate::test::native;
use crate::tools;
use crate::workspace::{Workspace, make_folder, read};

/// Run the end-to-end tests of nginx in one that is compiled with AddressSanitizer.
///
/// nginx is made of its sources, with each block of its pools apart (NGX_DEBUG_PALLOC), so that what the
/// module writes or reads beyond a block is seen. The module's own Rust is not instrumented; its memory is
/// that allocator's. Fails when a test fails, or a report is written.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask nginx-asan
  cargo xtask nginx-asan --test nginx --test edge_federation_nginx")]
pub(crate) struct Arguments {
    /// Sources of this version; those on crates.io need no other release of Debian.
    #[arg(long, value_name = "VERSION", default_value = "1.28")]
    nginx_version: String,
    /// Test programs of tests/end-to-end; may be repeated.
    #[arg(long = "test", value_name = "NAME", default_values = ["nginx"])]
    tests: Vec<String>,
}

/// The program is several times slower.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// No leaks: what nginx's master has when it ends it has until its end. The WebAssembly engine handles
/// SIGSEGV, which is how a guest traps.
const OPTIONS: &str =
    "detect_leaks=0:allow_user_segv_handler=1:handle_segv=1:detect_stack_use_after_return=0";

const CONFIGURE: &str = "script=./configure; [ -x $script ] || script=auto/configure; \
    bash $script --with-compat --with-http_ssl_module --with-http_v2_module --with-http_realip_module \
    --with-threads --with-cc-opt='-O1 -g -fno-omit-frame-pointer -fsanitize=address -DNGX_DEBUG_PALLOC=1' \
    --with-ld-opt='-fsanitize=address -Wl,-E' > configure.log";

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    build::run(workspace, &build::Arguments::only(Part::Filters))?;
    let options = ModuleArguments {
        nginx_version: Some(arguments.nginx_version.clone()),
        ..ModuleArguments::default()
    };
    let module = make(workspace, &options)?;
    let place = workspace.artefacts().join(format!("nginx/sanitized-{}", module.source.version));
    let program = program(&module.source.folder, &place)?;
    let script = place.join("start");
    suite::Program::at(&program).script(&script)?;
    let reports = place.join("reports");
    if reports.exists() {
        fs::remove_dir_all(&reports).map_err(|error| Failure::file("empty", &reports, &error))?;
    }
    make_folder(&reports)?;
    // Workers without root write there, too.
    run_command(Command::new("chmod").arg("1777").arg(&reports))?;

    let peers = tools::for_tests(workspace)?;
    let mut failed = Vec::new();
    for name in &arguments.tests {
        let tests = native::one(workspace, native::END_TO_END, name)?;
        let step = Step::begin(format!("{name} in nginx {} with AddressSanitizer", module.source.version));
        let mut command = native::command(&tests, &peers);
        command
            .env("POSTERN_NGINX", &script)
            .env("POSTERN_NGINX_MODULE", &module.file)
            .env("ASAN_OPTIONS", format!("{OPTIONS}:log_path={}", reports.join("report").display()));
        match run_within(&mut command, LIMIT) {
            Ok(()) => step.done(),
            Err(failure) => failed.push(format!("{name}: {failure}")),
        }
    }
    failed.extend(written(&reports)?);
    if failed.is_empty() {
        line("no report");
        return Ok(());
    }
    Err(Failure::new(failed.join("\n")))
}

/// nginx with AddressSanitizer, made once of a copy of the sources.
fn program(sources: &Path, place: &Path) -> Result<PathBuf, Failure> {
    let file = place.join("source/objs/nginx");
    if file.is_file() {
        return Ok(file);
    }
    let step = Step::begin("nginx with AddressSanitizer");
    let folder = place.join("source");
    make_folder(&folder)?;
    run_command(Command::new("cp").arg("-r").arg(sources.join(".")).arg(&folder))?;
    run_command(Command::new("bash").args(["-ec", CONFIGURE]).current_dir(&folder))?;
    let mut make = Command::new("make");
    make.args(["--silent", "-j2", "-f", "objs/Makefile", "binary"]).current_dir(&folder);
    run_command(&mut make)?;
    step.done();
    Ok(file)
}

/// What AddressSanitizer wrote.
fn written(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("list", folder, &error))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    files.map(|file| Ok(String::from_utf8_lossy(&read(&file)?).into_owned())).collect()
}
