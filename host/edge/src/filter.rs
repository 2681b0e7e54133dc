//! The chain of guards.

use std::path::Path;

use postern_endpoint::EndpointPolicy;
use serde_json::Value;

use crate::policy::{EdgeError, EdgePolicy, Guard};
use crate::rate_limit;
use crate::text::{indented, path, quoted};

pub(crate) fn chain(policy: &EdgePolicy, endpoints: &EndpointPolicy) -> Result<String, EdgeError> {
    let mut chain = rate_limit::filter(&policy.limits);
    chain += "# Only declared endpoints, only canonical requests. First of ours: it strips and sets our headers.\n";
    let table = endpoint_configuration(endpoints);
    chain += &wasm("endpoint-filter", "endpoint_filter", &policy.endpoint_filter, &table)?;
    if let Some(Guard { wasm: file, configuration }) = &policy.saml_decoder {
        chain += "# SAML messages, decoded and judged before the first byte goes to the LAN.\n";
        chain += &wasm("saml-decoder", "saml_decoder", file, configuration)?;
    }
    if let Some(Guard { wasm: file, configuration }) = &policy.token_validator {
        chain += "# Bearer tokens.\n";
        chain += &wasm("token-validator", "token_validator", file, configuration)?;
    }
    chain += "\
- name: envoy.filters.http.router
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
    suppress_envoy_headers: true
";
    Ok(chain)
}

/// The endpoint filter's JSON: the table, as `postern_endpoint` reads it.
pub(crate) fn endpoint_configuration(endpoints: &EndpointPolicy) -> Value {
    serde_json::to_value(endpoints).unwrap_or_default()
}

fn wasm(name: &str, field: &'static str, file: &Path, configuration: &Value) -> Result<String, EdgeError> {
    let json = serde_json::to_string_pretty(configuration).unwrap_or_default();
    Ok(format!(
        "\
- name: postern.{name}
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config:
      name: {name}
      root_id: {name}
      # A VM that dies refuses its requests and is started anew; nothing ever passes it by.
      failure_policy: FAIL_RELOAD
      reload_config: {{ backoff: {{ base_interval: 1s, max_interval: 10s }} }}
      # Without it a request can't be held while its body is judged.
      allow_on_headers_stop_iteration: true
      vm_config:
        vm_id: {vm}
        runtime: envoy.wasm.runtime.v8
        code: {{ local: {{ filename: {file} }} }}
      configuration:
        \"@type\": type.googleapis.com/google.protobuf.StringValue
        value: |
{json}",
        vm = quoted(&format!("postern-{name}")),
        file = path(field, file)?,
        json = indented(10, &json),
    ))
}
