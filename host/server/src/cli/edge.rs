//! `postern edge …`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Subcommand, ValueEnum};
use postern_edge::NginxVersion;
use postern_edge::settings::{self, Built};

use super::output::{Failure, say};
use crate::config::Configuration;

mod envoy_version;
mod explain;
mod export;
mod init;
mod installed;
mod nginx_version;
mod probe;

#[derive(Subcommand)]
pub(super) enum Edge {
    /// Write the proxy's configuration.
    ///
    /// With --policy from postern-edge.toml, which needs no installation in the LAN; without it from
    /// what is enabled and registered here, by the section [edge] of postern.toml.
    #[command(after_help = "\
Examples:
  postern edge config --policy postern-edge.toml --for envoy > envoy.yaml
  envoy --mode validate -c envoy.yaml
  postern edge config --for envoy                  of the Postern that is installed here
  postern edge config --policy postern-edge.toml --for nginx > nginx.conf && nginx -t -c $PWD/nginx.conf
  postern edge config --policy postern-edge.toml --for nginx --nginx /usr/sbin/nginx > nginx.conf
  postern edge config --policy postern-edge.toml --for apache > edge.conf && apachectl -t")]
    Config {
        /// Which proxy.
        #[arg(long = "for", value_name = "PROXY")]
        proxy: Proxy,
        /// The policy, as `postern edge init` writes one to begin with.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// An Envoy whose version is asked first: one with known path confusion is refused.
        #[arg(long, value_name = "PROGRAM")]
        envoy: Option<PathBuf>,
        /// The nginx that it is for: asked for its version. Without it and --nginx-version the text is for
        /// 1.22 and later, and nginx warns of a deprecated word from 1.25.1 on.
        #[arg(long, value_name = "PROGRAM", conflicts_with = "nginx_version")]
        nginx: Option<PathBuf>,
        /// The version of nginx that it is for, such as 1.26.3.
        #[arg(long, value_name = "VERSION")]
        nginx_version: Option<NginxVersion>,
    },
    /// Write a commented postern-edge.toml to begin with.
    Init(init::Init),
    /// Print the JSON Schema of postern-edge.toml, for editors.
    Schema,
    /// Write what a proxy needs to know of the Postern that is installed here, for
    /// `behind = "postern"`. There is no secret in it.
    Export,
    /// Tell what the guards decide on a request, without sending it.
    Explain(explain::Explain),
    /// Fire what must be refused at a running edge, and tell what came back.
    Probe(probe::Probe),
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Proxy {
    Envoy,
    Apache,
    Nginx,
}

impl Edge {
    /// Whether the command works without a postern.toml.
    pub(super) fn stands_alone(&self) -> bool {
        match self {
            Self::Config { policy, .. } => policy.is_some(),
            Self::Init(_) | Self::Schema | Self::Explain(_) | Self::Probe(_) => true,
            Self::Export => false,
        }
    }

    /// What stands alone.
    pub(super) fn run_alone(self) -> Result<(), Failure> {
        match self {
            Self::Config { proxy, policy: Some(file), envoy, nginx, nginx_version } => {
                let Built { policy, notes } = load(&file)?;
                for note in notes {
                    super::output::note(&note);
                }
                write(&policy, proxy, envoy.as_deref(), nginx.as_deref(), nginx_version)
            }
            Self::Init(init) => init.run(),
            Self::Schema => {
                say(settings::schema());
                Ok(())
            }
            Self::Explain(explain) => explain.run(),
            Self::Probe(probe) => probe.run(),
            Self::Config { policy: None, .. } | Self::Export => {
                Err(Failure::usage("this command needs a postern.toml"))
            }
        }
    }

    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        match self {
            Self::Config { proxy, policy: None, envoy, nginx, nginx_version } => {
                let policy = installed::policy(configuration).await?;
                write(&policy, proxy, envoy.as_deref(), nginx.as_deref(), nginx_version)
            }
            Self::Export => export::run(configuration).await,
            alone => alone.run_alone(),
        }
    }
}

/// Reads the policy now.
fn load(file: &Path) -> Result<Built, Failure> {
    settings::load(file, now()).map_err(Failure::usage)
}

#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn write(
    policy: &postern_edge::EdgePolicy,
    proxy: Proxy,
    envoy: Option<&Path>,
    nginx: Option<&Path>,
    nginx_version: Option<NginxVersion>,
) -> Result<(), Failure> {
    let text = match proxy {
        Proxy::Envoy => {
            if let Some(program) = envoy {
                envoy_version::require(program)?;
            }
            postern_edge::envoy_configuration(policy)
        }
        Proxy::Apache => postern_edge::apache_configuration(policy),
        Proxy::Nginx => {
            let asked = nginx.map(nginx_version::ask).transpose()?;
            let version = nginx_version.or(asked).unwrap_or(NginxVersion::OLDEST);
            postern_edge::nginx_configuration_for(policy, version)
        }
    };
    std::io::stdout().write_all(text.map_err(Failure::usage)?.as_bytes()).map_err(Failure::new)
}
