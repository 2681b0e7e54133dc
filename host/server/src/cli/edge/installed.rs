//! The policy of the Postern that is installed here: what is enabled and registered, and the
//! section `[edge]` of its configuration.

use postern_edge::{AccessLog, EdgePolicy, Limits, Node, TlsFiles, Upstream};

use super::{Failure, config, guards};
use crate::compose::{self, Opened};
use crate::config::Configuration;
use crate::live;

pub(super) async fn policy(configuration: &Configuration) -> Result<EdgePolicy, Failure> {
    let Some(edge) = &configuration.edge else {
        return Err(Failure::usage("the section [edge] is missing: `postern init` writes an example"));
    };
    let opened = Opened::open(configuration).await?;
    let sandbox = compose::sandbox(configuration)?;
    let modules = compose::load_modules(&sandbox, configuration).await?;
    let applications = opened.applications().await?;
    let policy = live::policy(&modules, compose::hosts(configuration));
    let token_validator = guards::token_validator(edge, &policy.endpoints, &modules, configuration)?;
    Ok(EdgePolicy {
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
    })
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
    let node =
        Node::parse(&edge.upstream).ok_or_else(|| Failure::usage("edge.upstream: must be host:port"))?;
    let client =
        TlsFiles { certificate_chain: edge.client_certificate.clone(), private_key: edge.client_key.clone() };
    Ok(Upstream::postern(node, &edge.upstream_name, edge.upstream_ca.clone(), client))
}
