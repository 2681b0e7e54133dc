//! The command line. One file for each command.

mod app;
mod authenticator;
mod check;
mod edge;
mod init;
mod keys;
mod output;
mod policy;
mod schema;
mod serve;
mod session;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use output::Failure;

use crate::config::{self, Configuration};

/// Postern: an identity provider in the LAN, with its guards in the DMZ.
#[derive(Parser)]
#[command(name = "postern", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "postern.toml",
        env = "POSTERN_CONFIG"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
To begin with:
  postern init /etc/postern                     writes a commented postern.toml
  postern check                                 names every problem in it
  postern user add alice --email alice@example.com
  postern app add saml2 --name Timesheets --metadata timesheets.xml
  postern edge config --for envoy > envoy.yaml  for the proxy in the DMZ
  postern serve

Exit codes: 0 done; 1 it could not be done; 2 the command line or the configuration is wrong.";

#[derive(Subcommand)]
enum Command {
    /// Serve: the public and the management listener.
    Serve,
    /// Check the configuration, the certificates, the modules and the theme.
    Check,
    /// Write a commented configuration to begin with, and the folders that it names.
    Init(init::Init),
    /// People of the embedded user store.
    #[command(subcommand)]
    User(user::User),
    /// Applications: what signs people in here.
    #[command(subcommand)]
    App(app::App),
    /// Authenticators: make, check and try ways to sign in.
    #[command(subcommand)]
    Authenticator(authenticator::Authenticator),
    /// Policies: check and try which steps a sign-in goes through.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Sessions: who is signed in.
    #[command(subcommand)]
    Session(session::Session),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The administrator's token for the management API.
    #[command(subcommand)]
    Token(token::Token),
    /// The proxy in the DMZ: its configuration, and what it decides.
    #[command(subcommand)]
    Edge(edge::Edge),
    /// The configuration file itself.
    #[command(subcommand)]
    Config(schema::Config),
}

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, command } = arguments;
    match command {
        Command::Init(init) => init.run(&config),
        Command::Config(command) => {
            command.run();
            Ok(())
        }
        Command::Serve => serve::run(config),
        Command::Check => on_runtime(check::run(&config)),
        Command::User(command) => on_runtime(command.run(&load(&config)?)),
        Command::App(command) => on_runtime(command.run(&load(&config)?)),
        Command::Authenticator(command) => {
            crate::log::start_for_command();
            on_runtime(command.run(&config))
        }
        Command::Policy(command) => {
            crate::log::start_for_command();
            on_runtime(command.run())
        }
        Command::Session(command) => on_runtime(command.run(&load(&config)?)),
        Command::Keys(command) => on_runtime(command.run(&load(&config)?)),
        Command::Token(command) => on_runtime(command.run(&load(&config)?)),
        Command::Edge(command) if command.stands_alone() => command.run_alone(),
        Command::Edge(command) => on_runtime(command.run(&load(&config)?)),
    }
}

fn load(path: &std::path::Path) -> Result<Configuration, Failure> {
    let configuration = config::load(path).map_err(Failure::usage)?;
    crate::log::start_for_command();
    Ok(configuration)
}

fn on_runtime<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("the runtime does not start: {error}")))?.block_on(future)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Arguments;

    fn parses(line: &str) -> bool {
        Arguments::try_parse_from(line.split_whitespace()).is_ok()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_of_the_documentation_are_read() {
        for line in [
            "postern serve",
            "postern --config x.toml check",
            "postern check --config x.toml",
            "postern init folder",
            "postern user add alice --email a@example.com --claim groups=staff --password-stdin",
            "postern user passwd alice",
            "postern user list",
            "postern user disable alice",
            "postern user enable alice",
            "postern app add saml2 --name N --metadata file.xml",
            "postern app add oidc --name N --settings file.json",
            "postern app add wsfed --name N --source file",
            "postern app list",
            "postern app show x --module oidc",
            "postern app remove x",
            "postern authenticator new door-code --lang rust",
            "postern authenticator pack module.wasm --output door-code.wasm",
            "postern authenticator pack c.wasm --manifest postern.toml -o door-code.wasm",
            "postern authenticator inspect door-code.wasm --json",
            "postern authenticator test door-code.wasm --script sign-in.toml --memory-mib 64",
            "postern authenticator metadata saml-provider",
            "postern policy pack target/country.wasm -o country.wasm",
            "postern policy inspect country.wasm",
            "postern policy test country.wasm --context context.json --settings settings.json",
            "postern keys list",
            "postern keys rotate saml2 --algorithm RS256",
            "postern session list",
            "postern session end x",
            "postern session end --user alice",
            "postern token renew",
            "postern config schema",
            "postern edge config --for envoy",
            "postern edge config --policy postern-edge.toml --for envoy --envoy /usr/bin/envoy",
            "postern edge config --policy postern-edge.toml --for apache",
            "postern edge config --policy postern-edge.toml --for nginx",
            "postern edge init --behind keycloak",
            "postern edge init --behind wso2is other.toml",
            "postern edge schema",
            "postern edge export",
            "postern edge explain request --policy x.toml --json",
            "postern edge probe https://sso.example.com --policy x.toml --ca ca.pem --resolve 127.0.0.1:443",
            "postern edge probe https://sso.example.com --open /samlsso --timeout 5 --unmarked --json",
            "postern edge explain --file - --keys jwks.json",
        ] {
            assert!(parses(line), "{line}");
        }
    }

    #[test]
    fn a_password_is_never_an_argument() {
        for line in
            ["postern user add alice --password x", "postern user passwd alice x", "postern session end"]
        {
            assert!(!parses(line), "{line}");
        }
    }
}
