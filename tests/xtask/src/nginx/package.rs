//! `cargo xtask nginx-package`: module and filters as a Debian package.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::{Arguments as ModuleArguments, Module, installed, make};
use crate::build::{self, Part};
use crate::command::{output, run as run_command};
use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::workspace::{Workspace, make_folder, read, write_changed};

const NAME: &str = "libnginx-mod-http-postern";
const MODULE: &str = "usr/lib/nginx/modules/ngx_http_postern_module.so";
const FILTERS: &str = "usr/lib/postern/filters";
const AVAILABLE: &str = "usr/share/nginx/modules-available/mod-http-postern.conf";
const LOAD: &str = "load_module modules/ngx_http_postern_module.so;\n";

/// Make a Debian package of the module and the filters, optimised.
///
/// It depends on the ABI that the distribution's nginx provides, so that apt takes no nginx that the
/// module is not for. The package comes to target/postern/nginx.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask nginx-package
  cargo xtask nginx-package --nginx-version 1.26    for Debian 13
  cargo xtask nginx-package --dev --try             and install it in a copy of this system

Install it:
  apt-get install ./target/postern/nginx/libnginx-mod-http-postern_*.deb
  postern edge config --policy postern-edge.toml --for nginx > /etc/nginx/nginx.conf && nginx -t")]
pub(crate) struct Arguments {
    /// For this version, such as 1.26.3, or the newest of a line, such as 1.26: one of Debian's.
    #[arg(long, value_name = "VERSION")]
    nginx_version: Option<String>,
    /// With the module as it is built for tests, which need not be compiled anew.
    #[arg(long)]
    dev: bool,
    /// Then run what the README says, in a copy of this system that is gone afterwards. As root.
    #[arg(long = "try", conflicts_with = "nginx_version")]
    tried: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    build::run(workspace, &build::Arguments::only(Part::Filters))?;
    let options = ModuleArguments {
        release: !arguments.dev,
        nginx_version: arguments.nginx_version.clone(),
        ..ModuleArguments::default()
    };
    let file = pack(workspace, &make(workspace, &options)?)?;
    note(file.display());
    if arguments.tried { installed::check(workspace) } else { Ok(()) }
}

/// For the tests: the unoptimised module in a package, which is looked into and loaded from.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let module = make(workspace, &ModuleArguments::default())?;
    let file = pack(workspace, &module)?;
    let field = |name: &str| -> Result<String, Failure> {
        let value = output(Command::new("dpkg-deb").arg("--field").arg(&file).arg(name))?;
        Ok(String::from_utf8_lossy(&value).trim().to_owned())
    };
    let depends = field("Depends")?;
    let abi = module.source.abi.as_deref().unwrap_or("nginx-abi-");
    for needed in [abi, "libc6"] {
        if !depends.split(", ").any(|package| package.split(' ').next() == Some(needed)) {
            return Err(Failure::new(format!("the package does not depend on {needed}: {depends}")));
        }
    }
    let place = workspace.artefacts().join("nginx/package-check");
    let root = place.join("root");
    empty(&root)?;
    run_command(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(&root))?;
    if read(&root.join(AVAILABLE))? != LOAD.as_bytes() {
        return Err(Failure::new(format!("{AVAILABLE} does not load the module")));
    }
    loads(&module, &root, &place)
}

/// `nginx -t` with module and filters as the package has them.
fn loads(module: &Module, root: &Path, place: &Path) -> Result<(), Failure> {
    let mut text = format!(
        "load_module {};\npid {};\nerror_log stderr;\nevents {{}}\nhttp {{\n  access_log off;\n",
        root.join(MODULE).display(),
        place.join("nginx.pid").display()
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {};", place.join(kind).display());
    }
    let filters = filters(&root.join(FILTERS))?;
    for name in ["endpoint-filter", "saml-decoder", "token-validator", "guard"] {
        if !filters.iter().any(|filter| filter.file_stem().is_some_and(|stem| stem == name)) {
            return Err(Failure::new(format!("the package has no {name}.wasm")));
        }
    }
    // One is enough to see that they are compiled, and compiling takes long.
    let first = root.join(FILTERS).join("endpoint-filter.wasm");
    let _ = writeln!(text, "  postern_module endpoint-filter {};\n}}", first.display());
    let configuration = place.join("nginx.conf");
    write_changed(&configuration, text.as_bytes())?;
    let mut test = module.program()?.command();
    output(test.arg("-t").arg("-c").arg(&configuration).arg("-p").arg(place)).map(drop)
}

/// The package's file.
fn pack(workspace: &Workspace, module: &Module) -> Result<PathBuf, Failure> {
    let abi = module.source.abi.as_deref().ok_or_else(|| {
        Failure::new(format!("no distribution's package is nginx {}", module.source.version))
            .remedy("name a version of Debian's, or copy the module by hand (docs/nginx.md)")
    })?;
    let step = Step::begin(format!("Debian package for {abi}"));
    let root = workspace.artefacts().join("nginx/package");
    empty(&root)?;
    place(&root, MODULE, &read(&module.file)?)?;
    run_command(Command::new("strip").arg("--strip-unneeded").arg(root.join(MODULE)))?;
    for filter in filters(&workspace.artefacts().join("filters"))? {
        let name = filter.file_name().unwrap_or_default().to_string_lossy().into_owned();
        place(&root, &format!("{FILTERS}/{name}"), &read(&filter)?)?;
    }
    place(&root, AVAILABLE, LOAD.as_bytes())?;
    let documents = format!("usr/share/doc/{NAME}");
    place(&root, &format!("{documents}/copyright"), &read(&workspace.path("LICENSE"))?)?;
    place(&root, &format!("{documents}/nginx.md"), &read(&workspace.path("docs/nginx.md"))?)?;

    let version = format!("{}+nginx{}", env!("CARGO_PKG_VERSION"), module.source.version);
    let architecture = words(Command::new("dpkg").arg("--print-architecture"))?;
    let control = format!(
        "Package: {NAME}\nVersion: {version}\nArchitecture: {architecture}\nSection: httpd\nPriority: optional\n\
         Maintainer: Postern <postern@localhost>\nInstalled-Size: {size}\nDepends: {abi}, {libraries}\n\
         Description: Postern's guards for nginx\n \
         A module that runs proxy-wasm filters, and the filters that judge what\n \
         comes to an identity provider: paths, SAML messages, tokens.\n",
        size = kibibytes(&root)?,
        libraries = libraries(&root)?,
    );
    place(&root, "DEBIAN/control", control.as_bytes())?;
    place(&root, "DEBIAN/postinst", POSTINST.as_bytes())?;
    place(&root, "DEBIAN/prerm", PRERM.as_bytes())?;
    place(&root, "DEBIAN/postrm", POSTRM.as_bytes())?;
    let scripts = ["postinst", "prerm", "postrm"].map(|name| root.join("DEBIAN").join(name));
    run_command(Command::new("chmod").arg("755").args(scripts))?;

    let file = workspace.artefacts().join(format!("nginx/{NAME}_{version}_{architecture}.deb"));
    let mut dpkg = Command::new("dpkg-deb");
    // Fast, not small: it is 10 % larger than with the slowest.
    dpkg.args(["--root-owner-group", "-Zxz", "-z1", "--build"]).arg(&root).arg(&file);
    output(&mut dpkg)?;
    step.done();
    Ok(file)
}

/// The shared libraries that the module names, as packages. OpenSSL is nginx's own affair.
fn libraries(root: &Path) -> Result<String, Failure> {
    let place = root.with_file_name("package-libraries");
    make_folder(&place.join("debian"))?;
    write_changed(
        &place.join("debian/control"),
        format!("Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n").as_bytes(),
    )?;
    let mut shlibdeps = Command::new("dpkg-shlibdeps");
    shlibdeps.args(["-O", "--warnings=0"]).arg(root.join(MODULE)).current_dir(&place);
    let printed = words(&mut shlibdeps)?;
    let list = printed.strip_prefix("shlibs:Depends=").unwrap_or_default();
    let needed: Vec<&str> = list.split(", ").filter(|package| !package.starts_with("libssl")).collect();
    if needed.is_empty() {
        return Err(Failure::new(format!("dpkg-shlibdeps named no library: {printed}")));
    }
    Ok(needed.join(", "))
}

fn kibibytes(root: &Path) -> Result<String, Failure> {
    let printed = words(Command::new("du").args(["--summarize", "--block-size=1K"]).arg(root))?;
    Ok(printed.split_whitespace().next().unwrap_or("0").to_owned())
}

fn words(command: &mut Command) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&output(command)?).trim().to_owned())
}

fn filters(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("list", folder, &error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    if files.is_empty() {
        return Err(Failure::new(format!("{} has no filters", folder.display()))
            .remedy("cargo xtask build --only filters"));
    }
    Ok(files)
}

fn place(root: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    write_changed(&root.join(name), bytes).map(drop)
}

fn empty(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| Failure::file("empty", folder, &error))?;
    }
    make_folder(folder)
}

/// nginx reads what is linked there; what an administrator has taken away stays away.
const POSTINST: &str = "#!/bin/sh
set -e
link=/etc/nginx/modules-enabled/50-mod-http-postern.conf
if [ \"$1\" = configure ]; then
  if [ -z \"$2\" ] || [ -L \"$link.removed\" ]; then
    rm -f \"$link.removed\"
    mkdir -p /etc/nginx/modules-enabled
    ln -sf /usr/share/nginx/modules-available/mod-http-postern.conf \"$link\"
  fi
  dpkg-trigger --no-await nginx-reload || true
fi
";

const PRERM: &str = "#!/bin/sh
set -e
link=/etc/nginx/modules-enabled/50-mod-http-postern.conf
case \"$1\" in
  remove|deconfigure)
    if [ -L \"$link\" ]; then mv \"$link\" \"$link.removed\"; fi
    dpkg-trigger --no-await nginx-reload || true
    ;;
esac
";

const POSTRM: &str = "#!/bin/sh
set -e
link=/etc/nginx/modules-enabled/50-mod-http-postern.conf
if [ \"$1\" = purge ]; then
  rm -f \"$link\" \"$link.removed\"
fi
";
