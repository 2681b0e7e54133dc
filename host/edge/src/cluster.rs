//! The host in the LAN, over mutual TLS.

use std::net::IpAddr;

use crate::policy::{EdgeError, EdgePolicy};
use crate::text::{path, quoted};
use crate::{CALLOUT_CLUSTER, LAN_CLUSTER};

pub(crate) fn both(policy: &EdgePolicy) -> Result<String, EdgeError> {
    let lan = cluster(policy, LAN_CLUSTER, "Postern's public listener in the LAN.", policy.limits.requests)?;
    let callout = cluster(
        policy,
        CALLOUT_CLUSTER,
        "The same for the filters' own calls: a flood of requests can't keep them from their keys.",
        16,
    )?;
    Ok(lan + &callout)
}

fn cluster(policy: &EdgePolicy, name: &str, purpose: &str, requests: u32) -> Result<String, EdgeError> {
    let upstream = &policy.upstream;
    // An address needs no resolver.
    let discovery = if upstream.address.parse::<IpAddr>().is_ok() { "STATIC" } else { "STRICT_DNS" };
    Ok(format!(
        "\
# {purpose}
- name: {name}
  type: {discovery}
  connect_timeout: 3s
  per_connection_buffer_limit_bytes: 1048576
  circuit_breakers:
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
  load_assignment:
    cluster_name: {name}
    endpoints:
      - lb_endpoints:
          - endpoint:
              address:
                socket_address: {{ address: {address}, port_value: {port} }}
  transport_socket:
    name: envoy.transport_sockets.tls
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      sni: {server_name}
      common_tls_context:
        alpn_protocols: [h2, http/1.1]
        tls_params: {{ tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }}
        # Who we are.
        tls_certificates:
          - certificate_chain: {{ filename: {chain} }}
            private_key: {{ filename: {key} }}
        # Who the host must be.
        validation_context:
          trusted_ca: {{ filename: {authority} }}
          match_typed_subject_alt_names:
            - {{ san_type: DNS, matcher: {{ exact: {server_name} }} }}
",
        address = quoted(&upstream.address),
        port = upstream.port,
        server_name = quoted(&upstream.server_name),
        chain = path("upstream.client.certificate_chain", &upstream.client.certificate_chain)?,
        key = path("upstream.client.private_key", &upstream.client.private_key)?,
        authority = path("upstream.authority", &upstream.authority)?,
    ))
}
