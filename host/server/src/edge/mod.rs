//! What the DMZ has to know: from the configuration, the enabled modules and the registrations.

mod feed;
mod guards;
mod signer;

use postern_edge::{AccessLog, ClientAuthority, EdgePolicy, Limits, Node, TlsFiles, Upstream};
use postern_endpoint::{BelievedHeaders, EdgeRules, Network};
use postern_kernel::flow::ModuleSet;
use postern_kernel::store::Application;

pub(crate) use feed::{EdgeFeed, with_feed};
pub(crate) use signer::{SIGNER, provide, rotate};

use crate::cli::Failure;
use crate::compose;
use crate::config::{self, Configuration, Edge};
use crate::live;

/// Everything that the proxy's configuration is written from.
pub(crate) fn policy(
    edge: &Edge,
    modules: &ModuleSet,
    applications: &[Application],
    configuration: &Configuration,
) -> Result<EdgePolicy, Failure> {
    let policy = live::policy(modules, compose::hosts(configuration));
    Ok(EdgePolicy {
        listener: edge.listen,
        tls: TlsFiles { certificate_chain: edge.certificate.clone(), private_key: edge.key.clone() },
        client_authority: edge
            .client_ca
            .clone()
            .map(|certificates| ClientAuthority { certificates, revocations: edge.client_crl.clone() }),
        key_clusters: Vec::new(),
        hosts: policy.hosts,
        upstream: upstream(edge)?,
        endpoint_filter: edge.filters.join("endpoint-filter.wasm"),
        saml_decoder: guards::saml_decoder(edge, modules, applications, configuration)?,
        token_validator: guards::token_validator(
            edge,
            &policy.endpoints,
            modules,
            applications,
            configuration,
        )?,
        endpoints: policy.endpoints,
        assets: policy.assets,
        guard: edge.guard.guard(&edge.filters),
        administration: edge.administration,
        access_log: edge.access_log.clone().map_or(AccessLog::Stdout, AccessLog::File),
        limits: limits(&edge.rate),
        // Postern sends the headers of its pages itself.
        rules: EdgeRules {
            report_only: edge.report_only(&postern_endpoint::SWITCHABLE),
            believed_headers: BelievedHeaders {
                names: configuration.sign_in.policy_headers.clone(),
                from: networks(&edge.policy_headers_from)?,
            },
            ..EdgeRules::default()
        },
        feed: None,
    })
}

fn networks(texts: &[String]) -> Result<Vec<Network>, Failure> {
    let wrong = |error: String| Failure::usage(format!("edge.policy_headers_from: {error}"));
    texts.iter().map(|text| text.parse().map_err(wrong)).collect()
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

fn upstream(edge: &Edge) -> Result<Upstream, Failure> {
    let node =
        Node::parse(&edge.upstream).ok_or_else(|| Failure::usage("edge.upstream: must be host:port"))?;
    let client =
        TlsFiles { certificate_chain: edge.client_certificate.clone(), private_key: edge.client_key.clone() };
    Ok(Upstream::postern(node, &edge.upstream_name, edge.upstream_ca.clone(), client))
}
