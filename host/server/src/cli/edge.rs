//! `postern edge …`

use std::io::Write as _;

use clap::{Subcommand, ValueEnum};
use postern_edge::{AccessLog, EdgePolicy, Limits, TlsFiles, Upstream, envoy_configuration};

use super::output::Failure;
use crate::compose::{self, Opened};
use crate::config::{self, Configuration};
use crate::live;

mod guards;

#[derive(Subcommand)]
pub(super) enum Edge {
    /// Write the proxy's configuration, from what is enabled and registered.
    #[command(after_help = "\
Example:
  postern edge config --for envoy > envoy.yaml && envoy --mode validate -c envoy.yaml")]
    Config {
        /// Which proxy.
        #[arg(long = "for", value_name = "PROXY")]
        proxy: Proxy,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Proxy {
    Envoy,
}

impl Edge {
    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let Self::Config { proxy: Proxy::Envoy } = self;
        let Some(edge) = &configuration.edge else {
            return Err(Failure::usage("the section [edge] is missing: `postern init` writes an example"));
        };
        let opened = Opened::open(configuration).await?;
        let sandbox = compose::sandbox(configuration)?;
        let modules = compose::load_modules(&sandbox, configuration).await?;
        let applications = opened.applications().await?;
        let policy = live::policy(&modules, compose::hosts(configuration));
        let token_validator = guards::token_validator(edge, &policy.endpoints, &modules, configuration)?;
        let policy = EdgePolicy {
            listener: edge.listen,
            tls: TlsFiles { certificate_chain: edge.certificate.clone(), private_key: edge.key.clone() },
            hosts: policy.hosts,
            upstream: upstream(edge)?,
            endpoints: policy.endpoints,
            assets: policy.assets,
            endpoint_filter: edge.filters.join("endpoint-filter.wasm"),
            saml_decoder: guards::saml_decoder(edge, &modules, &applications, configuration)?,
            token_validator,
            administration: edge.administration,
            access_log: edge.access_log.clone().map_or(AccessLog::Stdout, AccessLog::File),
            limits: limits(&edge.rate),
        };
        let text = envoy_configuration(&policy).map_err(Failure::usage)?;
        std::io::stdout().write_all(text.as_bytes()).map_err(Failure::new)
    }
}

fn limits(rate: &config::EdgeRate) -> Limits {
    let default = Limits::default();
    Limits {
        requests_per_second: rate.requests_per_second.unwrap_or(default.requests_per_second),
        client_requests_per_second: rate
            .client_requests_per_second
            .unwrap_or(default.client_requests_per_second),
        client_burst: rate.client_burst.unwrap_or(default.client_burst),
        ..default
    }
}

fn upstream(edge: &config::Edge) -> Result<Upstream, Failure> {
    let wrong = || Failure::usage("edge.upstream: must be host:port");
    let (address, port) = edge.upstream.rsplit_once(':').ok_or_else(wrong)?;
    Ok(Upstream {
        address: address.trim_matches(['[', ']']).into(),
        port: port.parse().map_err(|_| wrong())?,
        server_name: edge.upstream_name.clone(),
        authority: edge.upstream_ca.clone(),
        client: TlsFiles {
            certificate_chain: edge.client_certificate.clone(),
            private_key: edge.client_key.clone(),
        },
    })
}
