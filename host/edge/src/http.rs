//! HTTP at the edge: limits, raw paths, the filters, one route.

use std::collections::BTreeMap;

use postern_endpoint::EndpointPolicy;

use crate::policy::{Balancing, Behind, EdgeError, EdgePolicy, Upstream};
use crate::text::{indented, quoted};
use crate::{LAN_CLUSTER, access_log, filter};

pub(crate) fn connection_manager(
    policy: &EdgePolicy,
    endpoints: &EndpointPolicy,
) -> Result<String, EdgeError> {
    let limits = &policy.limits;
    Ok(format!(
        "\
\"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
stat_prefix: public
codec_type: AUTO

# The filters judge the bytes that the LAN would receive: nothing is normalised before or after.
normalize_path: false
merge_slashes: false
path_with_escaped_slashes_action: KEEP_UNCHANGED

# The client's address is that of the connection. What a client says about it is not forwarded.
use_remote_address: true
skip_xff_append: true
generate_request_id: false
server_name: edge
server_header_transformation: OVERWRITE

# A request that is paused while a filter's VM dies would hang without these.
stream_idle_timeout: {idle}s
request_timeout: {request}s
request_headers_timeout: 10s
delayed_close_timeout: 1s
max_request_headers_kb: {header_kib}
common_http_protocol_options:
  idle_timeout: {idle}s
  max_headers_count: 100
  max_stream_duration: {stream}s
  max_requests_per_connection: 10000
  # Two servers can read `_` and `-` as one: such headers are dropped.
  headers_with_underscores_action: DROP_HEADER
http_protocol_options:
  # The absolute form is left as it is, for the filter to refuse.
  allow_absolute_url: false
  accept_http_10: false
  enable_trailers: false
  allow_chunked_length: false
http2_protocol_options:
  max_concurrent_streams: 100
  initial_stream_window_size: 65536
  initial_connection_window_size: 1048576
  allow_connect: false

# What Envoy itself answers says nothing about the LAN. The reference is the filters', never the
# client's header: before the first filter there is none.
local_reply_config:
  mappers:
    # Too many requests: that has no flag. No filter of ours answers 429.
    - filter:
        status_code_filter:
          comparison: {{ op: EQ, value: {{ default_value: 429, runtime_key: postern.too_many_requests }} }}
      headers_to_add:
        - header: {{ key: cache-control, value: no-store }}
          append_action: OVERWRITE_IF_EXISTS_OR_ADD
      body_format_override:
        text_format_source: {{ inline_string: \"Too Many Requests\\n\" }}
    - filter: {{ response_flag_filter: {{}} }}
      headers_to_add:
        - header: {{ key: x-correlation-id, value: \"%FILTER_STATE(wasm.postern.correlation:PLAIN)%\" }}
          append_action: OVERWRITE_IF_EXISTS_OR_ADD
        - header: {{ key: cache-control, value: no-store }}
          append_action: OVERWRITE_IF_EXISTS_OR_ADD
      body_format_override:
        text_format_source:
          inline_string: \"The request could not be served (%RESPONSE_CODE%).\\nReference: %FILTER_STATE(wasm.postern.correlation:PLAIN)%\\n\"

access_log:
{access_log}
http_filters:
{filters}
route_config:
  name: lan
{forwarded}  response_headers_to_remove: [x-envoy-upstream-service-time, x-powered-by]
{added}  virtual_hosts:
    # Which hosts and paths there are is the endpoint filter's to say.
    - name: all
      domains: [\"*\"]
      routes:
        - match: {{ prefix: / }}
          route:
            cluster: {LAN_CLUSTER}
            timeout: {response}s
            # Only what the LAN cannot have seen is sent again.
            retry_policy:
              retry_on: connect-failure,reset-before-request
              num_retries: 1
{several}",
        idle = limits.idle_seconds,
        request = limits.request_seconds,
        response = limits.response_seconds,
        stream = u64::from(limits.request_seconds) + u64::from(limits.response_seconds) + 10,
        header_kib = limits.header_kib,
        access_log = indented(2, &access_log::json(&policy.access_log)?),
        filters = indented(2, &filter::chain(policy, endpoints)?),
        forwarded = forwarded(policy),
        added = response_headers(&policy.rules.response_headers),
        several = indented(12, &several(&policy.upstream)),
    ))
}

/// What the LAN is told about the client beside the filter's `X-Postern-Client-Address`. What the
/// client says of itself is removed first, always: by the endpoint filter, and here under the two names
/// that it leaves alone because Envoy writes them. Envoy has places of their own for these two; to take off
/// any other it would put all headers of the request into a map first (tests/load/README.md).
fn forwarded(policy: &EdgePolicy) -> &'static str {
    match policy.upstream.behind {
        Behind::Postern if policy.passes_client_certificate() => {
            "  # Of no use to the LAN, which believes what the endpoint filter and we say. The endpoint filter has taken
  # off X-Forwarded-Host and its kind, X-Real-IP, Forwarded, and every X-Postern-… of the client.
  request_headers_to_remove: [x-forwarded-for, x-request-id]
  # The certificate that the client has shown, and has proven the key of. Without one there is no header.
  request_headers_to_add:
    - header: { key: x-postern-client-certificate, value: \"%DOWNSTREAM_PEER_CERT%\" }
      append_action: OVERWRITE_IF_EXISTS_OR_ADD
"
        }
        Behind::Postern => {
            "  # Of no use to the LAN, which believes the filter's X-Postern-Client-Address only. The endpoint filter
  # has taken off X-Forwarded-Host and its kind, X-Real-IP and Forwarded.
  request_headers_to_remove: [x-forwarded-for, x-request-id]
"
        }
        _ => {
            "  # What a client says about itself goes; what the proxy knows is set. Removing comes first: here, and by
  # the endpoint filter, which has taken off X-Forwarded-Host and its kind, X-Real-IP and Forwarded.
  request_headers_to_remove: [x-forwarded-for, x-request-id]
  request_headers_to_add:
    - header: { key: x-forwarded-for, value: \"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\" }
      append_action: OVERWRITE_IF_EXISTS_OR_ADD
    - header: { key: x-forwarded-proto, value: https }
      append_action: OVERWRITE_IF_EXISTS_OR_ADD
    - header: { key: x-forwarded-host, value: \"%REQ(:AUTHORITY)%\" }
      append_action: APPEND_IF_EXISTS_OR_ADD
"
        }
    }
}

/// What the identity provider has not said itself. By Envoy: a filter that reads the headers of each
/// response costs more than all its judging of the request.
fn response_headers(headers: &BTreeMap<String, String>) -> String {
    if headers.is_empty() {
        return String::new();
    }
    let added: String = headers
        .iter()
        .map(|(name, value)| {
            // A percent sign would begin one of Envoy's substitutions.
            let value = quoted(&value.replace('%', "%%"));
            format!("    - header: {{ key: {name}, value: {value} }}\n      append_action: ADD_IF_ABSENT\n")
        })
        .collect();
    format!("  # Where the identity provider does not say it itself.\n  response_headers_to_add:\n{added}")
}

/// With several nodes: another one for the second try, and the cookie that names a browser's node.
fn several(upstream: &Upstream) -> String {
    if upstream.nodes.len() < 2 {
        return String::new();
    }
    let mut text = indented(2, PREVIOUS_HOSTS);
    if upstream.balancing == Balancing::Affinity {
        text += STAYS;
    }
    text
}

/// Part of the retry policy.
const PREVIOUS_HOSTS: &str = "\
retry_host_predicate:
  - name: envoy.retry_host_predicates.previous_hosts
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
";

const STAYS: &str = "\
# A browser stays with its node. The value is a hash: it names no address of the LAN. SameSite=None: a
# SAML message by POST comes from another site and has to find its node too.
hash_policy:
  - cookie:
      name: __Host-edge-node
      path: /
      ttl: 0s
      attributes: [{ name: Secure }, { name: SameSite, value: None }]
";
