//! `cargo xtask nginx-module`: the module that nginx loads.

mod installed;
pub(crate) mod package;
pub(crate) mod sanitized;
pub(crate) mod source;
pub(crate) mod suite;
pub(crate) mod versions;

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::build::guests;
use crate::cargo;
use crate::command::run as run_command;
use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::workspace::{Workspace, make_folder, read, write_changed};
use source::Source;

/// Build the module for nginx.
///
/// nginx compares versions exactly: a module is for one x.y.z. Without more words it is built for the
/// distribution's nginx, from the sources of its package nginx-dev. The module comes to
/// target/postern/nginx, below `release` when it is optimised and below its version when one is named.
#[derive(Args, Default)]
#[command(after_help = "Examples:
  cargo xtask nginx-module --release
  cargo xtask nginx-module --nginx-version 1.26           for Debian 13, from its package
  cargo xtask nginx-module --nginx-source nginx-1.26.3    with ./configure of that folder

Versions are looked for among what is installed, in later releases of Debian and on crates.io.
`cargo xtask nginx-package` makes a Debian package of it.")]
pub(crate) struct Arguments {
    /// Build it optimised, as it is deployed.
    #[arg(long)]
    pub(crate) release: bool,
    /// The sources of another nginx, as nginx.org has them.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) nginx_source: Option<PathBuf>,
    /// Build for this version, such as 1.26.3, or the newest of a line, such as 1.26.
    #[arg(long, value_name = "VERSION")]
    pub(crate) nginx_version: Option<String>,
}

/// What was built, and for which nginx.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) source: Source,
    /// Where the sources were configured.
    configured: PathBuf,
    warnings: usize,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    make(workspace, arguments).map(drop)
}

/// For the tests: without a warning.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    match make(workspace, &Arguments::default())?.warnings {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} warnings in the module, or in what it is built from"))),
    }
}

pub(crate) fn make(workspace: &Workspace, arguments: &Arguments) -> Result<Module, Failure> {
    let step = Step::begin("nginx module");
    let wanted = arguments.nginx_version.as_deref();
    let source = match (&arguments.nginx_source, wanted) {
        (Some(folder), _) => Source::of_folder(folder)?,
        (None, Some(version)) => Source::of_version(workspace, version)?,
        (None, None) => Source::installed()?,
    };
    if let Some(wanted) = wanted.filter(|wanted| !source::is(wanted, &source.version)) {
        return Err(Failure::new(format!(
            "{} is nginx {}, not {wanted}",
            source.folder.display(),
            source.version
        ))
        .remedy("give the sources of that version: --nginx-source FOLDER"));
    }
    let configured = configure(workspace, &source)?;
    let (module, warnings) = build(workspace, &configured, arguments.release)?;
    let mut place = workspace.artefacts().join("nginx");
    if arguments.release {
        place.push("release");
    }
    if arguments.nginx_source.is_some() || wanted.is_some() {
        place.push(&source.version);
    }
    let file = place.join("ngx_http_postern_module.so");
    write_changed(&file, &read(&module)?)?;
    note(format_args!("nginx {}: {}", source.version, file.display()));
    step.done();
    Ok(Module { file, source, configured, warnings })
}

/// A copy of the sources, configured once: as Debian's nginx was, else so that the layout of nginx's
/// structures is that of any nginx `--with-compat`.
fn configure(workspace: &Workspace, source: &Source) -> Result<PathBuf, Failure> {
    let folder = workspace.artefacts().join(format!("nginx/source-{}", source.version));
    if folder.join("objs/ngx_auto_config.h").is_file() {
        return Ok(folder);
    }
    make_folder(&folder)?;
    run_command(Command::new("cp").arg("-r").arg(source.folder.join(".")).arg(&folder))?;
    // The repository of nginx has its script elsewhere than its releases.
    let script = "if [ -f conf_flags ]; then . ./conf_flags; else NGX_CONF_FLAGS=(--with-compat \
                  --with-http_ssl_module --with-http_v2_module --with-http_realip_module --with-threads); fi; \
                  script=./configure; [ -x $script ] || script=auto/configure; \
                  bash $script \"${NGX_CONF_FLAGS[@]}\" > configure.log";
    run_command(Command::new("bash").args(["-ec", script]).current_dir(&folder))?;
    Ok(folder)
}

/// Unoptimised in one selection with the tests, so that the WebAssembly engine is compiled once;
/// optimised alone, since nothing else is.
fn build(workspace: &Workspace, configured: &Path, release: bool) -> Result<(PathBuf, usize), Failure> {
    let mut arguments = vec!["--lib", "--profile", if release { "release" } else { "dev" }];
    let selection = guests::native_selection(workspace)?;
    if release {
        arguments.extend(["--package", "postern-nginx", "--features", "module"]);
    } else {
        arguments.extend(["--features", "postern-nginx/module"]);
        arguments.extend(selection.iter().map(String::as_str));
    }
    let environment =
        [("NGINX_SOURCE_DIR", configured.to_owned()), ("NGINX_BUILD_DIR", configured.join("objs"))];
    let built = cargo::build_linted_with(workspace, &arguments, &environment)?;
    let module = built.files.get("postern_nginx").filter(|_| built.complete).cloned();
    let module = module.ok_or_else(|| Failure::new("the module does not compile"))?;
    Ok((module, built.warnings))
}

impl Module {
    /// An nginx to try it in: the package's, or one that is made of the sources.
    pub(crate) fn program(&self) -> Result<suite::Program, Failure> {
        if let Some(program) = &self.source.program {
            return Ok(program.clone());
        }
        let file = self.configured.join("objs/nginx");
        if !file.is_file() {
            let step = Step::begin(format!("nginx {}", self.source.version));
            let mut make = Command::new("make");
            make.args(["--silent", "-j2", "-f", "objs/Makefile", "binary"]).current_dir(&self.configured);
            run_command(&mut make)?;
            step.done();
        }
        Ok(suite::Program::at(&file))
    }
}
