//! `cargo xtask nginx-module`: the module that nginx loads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::build::guests;
use crate::cargo;
use crate::command::run as run_command;
use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::tools::apt;
use crate::workspace::{Workspace, make_folder, read, write_changed};

/// Build the module for nginx.
///
/// nginx compares versions exactly: a module is for one x.y.z. Without a folder it is built for the
/// distribution's nginx, from the sources of its package nginx-dev. The module comes to
/// target/postern/nginx/ngx_http_postern_module.so.
#[derive(Args, Default)]
#[command(after_help = "Examples:
  cargo xtask nginx-module --release
  cargo xtask nginx-module --nginx-source nginx-1.26.3    with ./configure of that folder

Install what it made:
  cp target/postern/nginx/ngx_http_postern_module.so /usr/lib/nginx/modules/
  echo 'load_module modules/ngx_http_postern_module.so;' > /etc/nginx/modules-enabled/50-postern.conf")]
pub(crate) struct Arguments {
    /// Build it optimised, as it is deployed.
    #[arg(long)]
    pub(crate) release: bool,
    /// The sources of another nginx, as nginx.org has them.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) nginx_source: Option<PathBuf>,
    /// Refuse to build for another version than this, such as 1.22.1.
    #[arg(long, value_name = "VERSION")]
    pub(crate) nginx_version: Option<String>,
}

/// Where Debian's nginx-dev has the sources, and how its nginx was configured.
const DEBIAN: &str = "/usr/share/nginx/src";

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    make(workspace, arguments).map(drop)
}

/// For the tests: without a warning.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    match make(workspace, &Arguments::default())? {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} warnings in the module, or in what it is built from"))),
    }
}

/// Builds it, and tells how many warnings there were.
fn make(workspace: &Workspace, arguments: &Arguments) -> Result<usize, Failure> {
    let step = Step::begin("nginx module");
    let source = match &arguments.nginx_source {
        Some(folder) => folder.clone(),
        None => {
            apt::need(&apt::FOR_NGINX)?;
            PathBuf::from(DEBIAN)
        }
    };
    let version = version(&source)?;
    if let Some(wanted) = arguments.nginx_version.as_ref().filter(|wanted| **wanted != version) {
        return Err(Failure::new(format!("{} is nginx {version}, not {wanted}", source.display()))
            .remedy("give the sources of that version: --nginx-source FOLDER"));
    }
    let configured = configure(workspace, &source, &version)?;
    let (module, warnings) = build(workspace, &configured, arguments.release)?;
    let file = workspace.artefacts().join("nginx/ngx_http_postern_module.so");
    write_changed(&file, &read(&module)?)?;
    note(format_args!("nginx {version}: {}", file.display()));
    step.done();
    Ok(warnings)
}

/// `#define NGINX_VERSION "1.22.1"`
fn version(source: &Path) -> Result<String, Failure> {
    let file = source.join("src/core/nginx.h");
    let text = fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))?;
    text.lines()
        .find_map(|line| {
            line.strip_prefix("#define NGINX_VERSION")?.trim().strip_prefix('"')?.strip_suffix('"')
        })
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("{} names no version of nginx", file.display())))
}

/// A copy of the sources, configured once: as Debian's nginx was, else so that the layout of nginx's
/// structures is that of any nginx `--with-compat`.
fn configure(workspace: &Workspace, source: &Path, version: &str) -> Result<PathBuf, Failure> {
    let folder = workspace.artefacts().join(format!("nginx/source-{version}"));
    if folder.join("objs/ngx_auto_config.h").is_file() {
        return Ok(folder);
    }
    make_folder(&folder)?;
    run_command(Command::new("cp").arg("-r").arg(source.join(".")).arg(&folder))?;
    let script = "if [ -f conf_flags ]; then . ./conf_flags; else NGX_CONF_FLAGS=(--with-compat \
                  --with-http_ssl_module --with-http_v2_module --with-http_realip_module --with-threads); fi; \
                  ./configure \"${NGX_CONF_FLAGS[@]}\" > configure.log";
    run_command(Command::new("bash").args(["-ec", script]).current_dir(&folder))?;
    Ok(folder)
}

/// In one selection with the tests, so that the WebAssembly engine is compiled once.
fn build(workspace: &Workspace, configured: &Path, release: bool) -> Result<(PathBuf, usize), Failure> {
    let profile = if release { "release" } else { "dev" };
    let selection = guests::native_selection(workspace)?;
    let mut arguments = vec!["--lib", "--features", "postern-nginx/module", "--profile", profile];
    arguments.extend(selection.iter().map(String::as_str));
    let environment =
        [("NGINX_SOURCE_DIR", configured.to_owned()), ("NGINX_BUILD_DIR", configured.join("objs"))];
    let built = cargo::build_linted_with(workspace, &arguments, &environment)?;
    let module = built.files.get("postern_nginx").filter(|_| built.complete).cloned();
    let module = module.ok_or_else(|| Failure::new("the module does not compile"))?;
    Ok((module, built.warnings))
}
