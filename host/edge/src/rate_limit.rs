//! How often clients may ask, before a filter works for them.

use crate::policy::Limits;

/// Clients whose rate is remembered, the least recently seen are forgotten first. A client that
/// owns more addresses than that meets the limit of all.
const REMEMBERED: u32 = 16_384;

/// Envoy's own filter: an anonymous GET can make the LAN write a transaction.
pub(crate) fn filter(limits: &Limits) -> String {
    format!(
        "\
# How often clients may ask. Before our filters, so that a flood costs as little as possible; what
# one client is refused does not count for all. Behind one address there can be a whole office.
- name: envoy.filters.http.local_ratelimit
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
    stat_prefix: public
    # Without these two the filter counts and refuses nothing.
    filter_enabled: {{ default_value: {{ numerator: 100, denominator: HUNDRED }} }}
    filter_enforced: {{ default_value: {{ numerator: 100, denominator: HUNDRED }} }}
    status: {{ code: TooManyRequests }}
    response_headers_to_add:
      - header: {{ key: retry-after, value: \"1\" }}
        append_action: OVERWRITE_IF_EXISTS_OR_ADD
    # All clients together: edge.rate.requests_per_second, and twice that at once.
    token_bucket: {{ max_tokens: {all_burst}, tokens_per_fill: {all}, fill_interval: 1s }}
    always_consume_default_token_bucket: true
    # One client, which is one IPv4 address or one IPv6 network of 64 bits, as providers give them
    # out: edge.rate.client_requests_per_second, and edge.rate.client_burst at once.
    max_dynamic_descriptors: {REMEMBERED}
    rate_limits:
      - actions:
          - masked_remote_address: {{ v4_prefix_mask_len: 32, v6_prefix_mask_len: 64 }}
    descriptors:
      - entries: [{{ key: masked_remote_address }}]
        token_bucket: {{ max_tokens: {burst}, tokens_per_fill: {client}, fill_interval: 1s }}
",
        all = limits.requests_per_second,
        all_burst = limits.requests_per_second.saturating_mul(2),
        client = limits.client_requests_per_second,
        burst = limits.client_burst,
    )
}
