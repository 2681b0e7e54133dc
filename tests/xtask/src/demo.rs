//! `cargo xtask demo`: the whole picture on one machine.

mod applications;
mod check;
mod configuration;
mod edge;
mod host;
mod interruption;
mod own;
mod ports;
mod processes;
mod secret;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::build;
use crate::certificates::Certificates;
use crate::failure::Failure;
use crate::nginx;
use crate::progress::{Step, line};
use crate::tools;
use crate::workspace::{Workspace, make_folder};
use applications::Applications;
use host::Host;
use interruption::Interruption;
pub(crate) use own::own_authenticator;
use ports::Ports;
use processes::Processes;

/// Start the identity provider, the proxy and two applications on this machine.
///
/// The proxy (Envoy, or nginx) stands at https://localhost:8443, the SAML application at http://127.0.0.1:9001 and the
/// OpenID Connect application at http://127.0.0.1:9002. Ctrl-C stops everything.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask demo                     to try it in a browser
  cargo xtask demo --proxy nginx       with nginx in the DMZ instead of Envoy
  cargo xtask demo --port-base 20000   on ports 20000 to 20004
  cargo xtask demo --check             headless Chromium instead of a person; screenshots in
                                       target/demo/screenshots")]
pub(crate) struct Arguments {
    /// What stands in the DMZ.
    #[arg(long, value_enum, default_value_t)]
    proxy: Kind,
    /// Drive it with headless Chromium, save screenshots of every page, and stop.
    /// Uses ports that are free unless --port-base names some.
    #[arg(long)]
    check: bool,
    /// Use what is built already.
    #[arg(long)]
    no_build: bool,
    /// First of five ports in a row, instead of the usual ones.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1024..=65_531))]
    port_base: Option<u16>,
}

/// The proxies that run the guards.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    #[default]
    Envoy,
    Nginx,
}

/// Where everything of this run is kept.
pub(crate) struct Place<'w> {
    workspace: &'w Workspace,
    /// Made anew at each start.
    folder: PathBuf,
    ports: Ports,
}

impl Place<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The public origin: what browsers see.
    fn base_url(&self) -> String {
        format!("https://localhost:{}", self.ports.edge)
    }

    fn saml_url(&self) -> String {
        // Another site than `localhost`, so that SameSite cookies are put to the test.
        format!("http://127.0.0.1:{}", self.ports.saml_app)
    }

    fn oidc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.oidc_app)
    }
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let interruption = Interruption::listen()?;
    if !arguments.no_build {
        build::run(workspace, &build::Arguments::for_demo())?;
    }
    interruption.check()?;
    present(workspace, arguments, &interruption)
}

/// `demo --check` with what is built already, with each proxy.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let interruption = Interruption::listen()?;
    for proxy in [Kind::Envoy, Kind::Nginx] {
        let arguments = Arguments { proxy, check: true, no_build: true, port_base: None };
        present(workspace, &arguments, &interruption)?;
    }
    Ok(())
}

fn present(workspace: &Workspace, arguments: &Arguments, interruption: &Interruption) -> Result<(), Failure> {
    let step = Step::begin("tools");
    let programs = tools::for_demo(workspace)?;
    let proxy = match arguments.proxy {
        Kind::Envoy => edge::Proxy::Envoy(programs.envoy.clone()),
        Kind::Nginx if arguments.no_build => {
            edge::Proxy::Nginx(workspace.artefacts().join("nginx/ngx_http_postern_module.so"))
        }
        Kind::Nginx => edge::Proxy::Nginx(nginx::make(workspace, &nginx::Arguments::default())?.file),
    };
    let chromium = if arguments.check { Some(tools::for_browser(workspace)?) } else { None };
    step.done();
    interruption.check()?;

    // Demos on other ports run side by side.
    let name = match arguments.port_base {
        _ if arguments.check => "target/demo/check".to_owned(),
        None => "target/demo/run".to_owned(),
        Some(base) => format!("target/demo/run-{base}"),
    };
    let place = Place {
        workspace,
        folder: workspace.path(&name),
        ports: Ports::choose(arguments.port_base, arguments.check)?,
    };
    // Dropped last of all: whatever fails below, what was started is stopped.
    let mut processes = Processes::new(&place.file("log"), interruption)?;
    let account = start(&place, &programs, &proxy, &mut processes)?;
    match chromium {
        Some(chromium) => check::run(&place, &programs.node, &chromium, &account),
        None => {
            welcome(&place, &account, &proxy);
            processes.wait_for_interruption()
        }
    }
}

/// Somebody who can sign in.
pub(crate) struct Account {
    name: &'static str,
    password: String,
}

fn start(
    place: &Place<'_>,
    programs: &tools::Programs,
    proxy: &edge::Proxy,
    processes: &mut Processes<'_>,
) -> Result<Account, Failure> {
    let step = Step::begin("certificates of both TLS legs");
    empty(&place.folder)?;
    let certificates = Certificates::make(&place.file("tls"))?;
    step.done();

    let step = Step::begin("identity provider");
    let host = Host::configure(place, &certificates)?;
    host.serve(processes)?;
    let account = Account { name: "alice", password: secret::password()? };
    host.add_user(&account)?;
    step.done();

    let step = Step::begin("applications");
    let applications = Applications { place, certificates: &certificates, node: &programs.node };
    applications.start_saml(&host, processes)?;
    applications.start_oidc(&host, processes)?;
    step.done();

    let step = Step::begin(format!("{} with the guards", proxy.name()));
    proxy.start(place, &host, processes)?;
    step.done();
    Ok(account)
}

/// A demo begins with nothing: no state, no log, no key of the last one.
fn empty(folder: &Path) -> Result<(), Failure> {
    for part in ["tls", "state", "cache"] {
        let path = folder.join(part);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|error| Failure::file("remove", &path, &error))?;
        }
    }
    make_folder(folder)
}

fn welcome(place: &Place<'_>, account: &Account, proxy: &edge::Proxy) {
    line(format_args!(
        "
Postern is running. Open one application, sign in, then open the other:

    Timesheets (SAML 2.0)          {}
    Notebook (OpenID Connect)      {}

    user name   {}
    password    {}

The identity provider is {} through {}. Your browser does not know the
certificate authority of this demo and warns once:
    {}
Logs are in {}
Ctrl-C stops everything.",
        place.saml_url(),
        place.oidc_url(),
        account.name,
        account.password,
        place.base_url(),
        proxy.name(),
        place.file("tls/web-ca.crt").display(),
        place.file("log").display(),
    ));
}
