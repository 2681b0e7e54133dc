//! The public listener: TLS, then HTTP.

use postern_endpoint::EndpointPolicy;

use crate::http;
use crate::policy::{EdgeError, EdgePolicy};
use crate::text::{indented, path, quoted};

pub(crate) fn public(policy: &EdgePolicy, endpoints: &EndpointPolicy) -> Result<String, EdgeError> {
    Ok(format!(
        "\
- name: public
  address:
    socket_address: {{ address: {address}, port_value: {port} }}
  # The largest body that a filter may hold, with room to spare: Envoy answers 413 beyond it.
  per_connection_buffer_limit_bytes: {buffer}
  filter_chains:
    - transport_socket_connect_timeout: 10s
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_params:
              tls_minimum_protocol_version: TLSv1_2
              tls_maximum_protocol_version: TLSv1_3
              # For TLS 1.2: forward secrecy and authenticated encryption only.
              cipher_suites:
                - \"[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]\"
                - \"[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]\"
                - ECDHE-ECDSA-AES256-GCM-SHA384
                - ECDHE-RSA-AES256-GCM-SHA384
            tls_certificates:
              - certificate_chain: {{ filename: {chain} }}
                private_key: {{ filename: {key} }}
{clients}      filters:
        - name: envoy.filters.network.http_connection_manager
          typed_config:
{http}",
        address = quoted(&policy.listener.ip().to_string()),
        port = policy.listener.port(),
        buffer = buffer_limit(endpoints),
        chain = path("tls.certificate_chain", &policy.tls.certificate_chain)?,
        key = path("tls.private_key", &policy.tls.private_key)?,
        clients = indented(10, &clients(policy)?),
        http = indented(12, &http::connection_manager(policy, endpoints)?),
    ))
}

/// Whether clients are asked for a certificate. Nobody has to have one: browsers come to the same address.
/// One that is shown has to be good, and the client has to have its key.
fn clients(policy: &EdgePolicy) -> Result<String, EdgeError> {
    let Some(authority) = &policy.client_authority else { return Ok(String::new()) };
    let revocations = match &authority.revocations {
        Some(file) => format!("    crl: {{ filename: {} }}\n", path("client_authority.revocations", file)?),
        None => String::new(),
    };
    Ok(format!(
        "  # {why}
  validation_context:
    trusted_ca: {{ filename: {authority} }}
{revocations}require_client_certificate: false
",
        why = who_shows_certificates(policy),
        authority = path("client_authority", &authority.certificates)?,
    ))
}

/// A comment for the operator.
pub(crate) fn who_shows_certificates(policy: &EdgePolicy) -> &'static str {
    if policy.passes_client_certificate() {
        "People may sign in with a certificate. Nobody needs one."
    } else {
        "Service providers that resolve artifacts show a certificate. Browsers need none."
    }
}

/// One and a half times the largest body, 64 KiB at least.
fn buffer_limit(endpoints: &EndpointPolicy) -> u64 {
    let largest = endpoints.endpoints.iter().map(|endpoint| u64::from(endpoint.max_body)).max().unwrap_or(0);
    (largest + largest / 2).max(64 * 1024)
}
