//! The identity provider in the LAN, over TLS.

use std::net::IpAddr;

use crate::policy::{Balancing, Behind, EdgeError, EdgePolicy, HealthCheck, KeyCluster, Node, Upstream};
use crate::text::{indented, path, quoted};
use crate::{CALLOUT_CLUSTER, LAN_CLUSTER};

pub(crate) fn both(policy: &EdgePolicy) -> Result<String, EdgeError> {
    if policy.upstream.nodes.is_empty() {
        return Err(EdgeError::Nodes);
    }
    let purpose = format!("{} in the LAN.", policy.upstream.behind.product());
    let lan = cluster(policy, LAN_CLUSTER, &purpose, policy.limits.requests)?;
    let callout = cluster(
        policy,
        CALLOUT_CLUSTER,
        "The same for the filters' own calls: a flood of requests can't keep them from their keys.",
        // Each worker bounds its own calls about tokens; the others are few.
        if policy.introspects() { 256 } else { 16 },
    )?;
    let mut all = lan + &callout;
    for keys in &policy.key_clusters {
        all += &key_cluster(keys)?;
    }
    Ok(all)
}

fn cluster(policy: &EdgePolicy, name: &str, purpose: &str, requests: u32) -> Result<String, EdgeError> {
    let upstream = &policy.upstream;
    // Addresses need no resolver.
    let is_static = upstream.nodes.iter().all(|node| node.address.parse::<IpAddr>().is_ok());
    Ok(format!(
        "\
# {purpose}
- name: {name}
  type: {discovery}
  connect_timeout: 3s
  per_connection_buffer_limit_bytes: 1048576
{balancing}  circuit_breakers:
    thresholds:
      - {{ max_connections: {requests}, max_pending_requests: {requests}, max_requests: {requests}, max_retries: 16 }}
  upstream_connection_options:
    tcp_keepalive: {{ keepalive_time: 30 }}
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      common_http_protocol_options: {{ idle_timeout: 45s }}
      auto_config:
        http_protocol_options: {{}}
        http2_protocol_options: {{ max_concurrent_streams: 100 }}
{health}  load_assignment:
    cluster_name: {name}
    endpoints:
      - lb_endpoints:
{nodes}  transport_socket:
    name: envoy.transport_sockets.tls
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      sni: {server_name}
      common_tls_context:
        alpn_protocols: [h2, http/1.1]
{tls}        # Who the nodes must be.
        validation_context:
          trusted_ca: {{ filename: {authority} }}
          match_typed_subject_alt_names:
            - {{ san_type: DNS, matcher: {{ exact: {server_name} }} }}
",
        discovery = if is_static { "STATIC" } else { "STRICT_DNS" },
        balancing = balancing(upstream),
        health = upstream
            .health
            .as_ref()
            .map(|check| indented(2, &health(check, policy.hosts.first())))
            .unwrap_or_default(),
        nodes = indented(10, &nodes(upstream)),
        tls = indented(8, &tls(upstream)?),
        server_name = quoted(&upstream.server_name),
        authority = path("upstream.authority", &upstream.authority)?,
    ))
}

/// The keys of a token issuer elsewhere. HTTP/1.1: what a host in the Internet speaks for certain.
fn key_cluster(keys: &KeyCluster) -> Result<String, EdgeError> {
    let Node { address, port } = &keys.node;
    let is_static = address.parse::<IpAddr>().is_ok();
    // An address is no server name (RFC 6066 section 3).
    let name = if is_static { String::new() } else { format!("      sni: {}\n", quoted(address)) };
    Ok(format!(
        "\
# Published keys of a token issuer.
- name: {cluster}
  type: {discovery}
  connect_timeout: 3s
  per_connection_buffer_limit_bytes: 1048576
  circuit_breakers:
    thresholds:
      - {{ max_connections: 4, max_pending_requests: 16, max_requests: 16, max_retries: 1 }}
  load_assignment:
    cluster_name: {cluster}
    endpoints:
      - lb_endpoints:
          - endpoint:
              address:
                socket_address: {{ address: {address}, port_value: {port} }}
  transport_socket:
    name: envoy.transport_sockets.tls
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
{name}      common_tls_context:
        alpn_protocols: [http/1.1]
        tls_params: {{ tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3 }}
        validation_context:
          trusted_ca: {{ filename: {authority} }}
          match_typed_subject_alt_names:
            - {{ san_type: {kind}, matcher: {{ exact: {address} }} }}
",
        cluster = keys.name,
        discovery = if is_static { "STATIC" } else { "STRICT_DNS" },
        kind = if is_static { "IP_ADDRESS" } else { "DNS" },
        address = quoted(address),
        authority = path("tokens.keys_ca", &keys.authority)?,
    ))
}

/// With one node there is nothing to choose.
fn balancing(upstream: &Upstream) -> String {
    if upstream.nodes.len() < 2 {
        return String::new();
    }
    let policy = match upstream.balancing {
        Balancing::RoundRobin => "ROUND_ROBIN",
        Balancing::LeastRequest => "LEAST_REQUEST",
        Balancing::Affinity => "RING_HASH",
    };
    indented(
        2,
        &format!(
            "\
lb_policy: {policy}
# A node that refuses connections or answers 502 to 504 five times rests for a while.
outlier_detection: {{ consecutive_gateway_failure: 5, consecutive_5xx: 0, base_ejection_time: 10s, max_ejection_percent: 50 }}
"
        ),
    )
}

fn health(check: &HealthCheck, host: Option<&String>) -> String {
    let kind = match &check.path {
        None => "tcp_health_check: {}".to_owned(),
        Some(path) => format!(
            "http_health_check: {{ path: {}, host: {}, expected_statuses: [{{ start: 200, end: 300 }}] }}",
            quoted(path),
            quoted(host.map_or("", String::as_str)),
        ),
    };
    format!(
        "\
# Whether a node is there.
health_checks:
  - interval: {interval}s
    timeout: {timeout}s
    unhealthy_threshold: 3
    healthy_threshold: 2
    {kind}
",
        interval = check.interval,
        timeout = check.timeout,
    )
}

fn nodes(upstream: &Upstream) -> String {
    let port = upstream.health.as_ref().and_then(|check| check.port);
    let health =
        port.map(|port| format!("    health_check_config: {{ port_value: {port} }}\n")).unwrap_or_default();
    let node = |Node { address, port }: &Node| {
        format!(
            "\
- endpoint:
    address:
      socket_address: {{ address: {}, port_value: {port} }}
{health}",
            quoted(address)
        )
    };
    upstream.nodes.iter().map(node).collect()
}

/// Postern speaks TLS 1.3 to a client that shows its certificate. What others speak is theirs.
fn tls(upstream: &Upstream) -> Result<String, EdgeError> {
    let oldest = if upstream.behind == Behind::Postern { "TLSv1_3" } else { "TLSv1_2" };
    let mut text = format!(
        "tls_params: {{ tls_minimum_protocol_version: {oldest}, tls_maximum_protocol_version: TLSv1_3 }}\n"
    );
    if let Some(client) = &upstream.client {
        text += &format!(
            "\
# Who we are.
tls_certificates:
  - certificate_chain: {{ filename: {chain} }}
    private_key: {{ filename: {key} }}
",
            chain = path("upstream.client.certificate_chain", &client.certificate_chain)?,
            key = path("upstream.client.private_key", &client.private_key)?,
        );
    }
    Ok(text)
}
