//! The chain of guards.

use std::collections::BTreeMap;
use std::path::Path;

use postern_endpoint::{EndpointPolicy, EndpointTable};
use serde_json::Value;

use crate::policy::{EdgeError, EdgePolicy, Guard};
use crate::rate_limit;
use crate::text::{indented, path, quoted};

const ENDPOINT_FILTER: &str = "endpoint-filter";
const SAML_DECODER: &str = "saml-decoder";
const TOKEN_VALIDATOR: &str = "token-validator";
const GUARD: &str = "guard";

pub(crate) fn chain(policy: &EdgePolicy, endpoints: &EndpointPolicy) -> Result<String, EdgeError> {
    let mut chain = rate_limit::filter(&policy.limits);
    chain += CORRELATION;
    chain += &match &policy.guard {
        Some(file) => one_for_all(policy, endpoints, file)?,
        None => one_for_each(policy, endpoints)?,
    };
    chain += "\
- name: envoy.filters.http.router
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
    suppress_envoy_headers: true
";
    Ok(chain)
}

/// The configuration of each filter under its name, as the LAN serves it to a running proxy. A
/// filter that the policy has no use for is not in it, and keeps what it has. `guard.wasm` takes
/// the sections of the three.
///
/// # Errors
/// [`EdgeError::Endpoints`].
pub fn filter_configurations(policy: &EdgePolicy) -> Result<BTreeMap<&'static str, Value>, EdgeError> {
    let endpoints = policy.endpoint_policy();
    EndpointTable::new(endpoints.clone())?;
    let guards = [(SAML_DECODER, &policy.saml_decoder), (TOKEN_VALIDATOR, &policy.token_validator)];
    let configured =
        guards.into_iter().filter_map(|(name, guard)| Some((name, guard.as_ref()?.configuration.clone())));
    Ok(configured.chain([(ENDPOINT_FILTER, endpoint_configuration(&endpoints))]).collect())
}

/// The filter's configuration, and where it gets a newer one.
fn with_feed(policy: &EdgePolicy, configuration: &Value) -> Value {
    let mut configuration = configuration.clone();
    if let (Some(feed), Value::Object(members)) = (&policy.feed, &mut configuration) {
        members.insert("feed".into(), serde_json::to_value(feed).unwrap_or_default());
    }
    configuration
}

/// The filters in one VM: cheaper, and the same verdicts.
fn one_for_all(policy: &EdgePolicy, endpoints: &EndpointPolicy, file: &Path) -> Result<String, EdgeError> {
    let configuration = with_feed(policy, &three_in_one(policy, endpoints));
    let mut chain =
        "# The guards in one VM: endpoints and canonical requests, SAML messages, bearer tokens.\n"
            .to_owned();
    chain += &wasm(GUARD, "guard", file, &configuration, &policy.secret_variables())?;
    Ok(chain + TOLD)
}

/// The configuration of `guard.wasm`: the three in one.
///
/// # Errors
/// [`EdgeError::Endpoints`].
pub fn guard_configuration(policy: &EdgePolicy) -> Result<Value, EdgeError> {
    let endpoints = policy.endpoint_policy();
    EndpointTable::new(endpoints.clone())?;
    Ok(three_in_one(policy, &endpoints))
}

fn three_in_one(policy: &EdgePolicy, endpoints: &EndpointPolicy) -> Value {
    let others = [("saml", &policy.saml_decoder), ("tokens", &policy.token_validator)];
    let others = others
        .into_iter()
        .filter_map(|(name, guard)| Some((name.to_owned(), guard.as_ref()?.configuration.clone())));
    Value::Object(others.chain([("endpoint".to_owned(), endpoint_configuration(endpoints))]).collect())
}

fn one_for_each(policy: &EdgePolicy, endpoints: &EndpointPolicy) -> Result<String, EdgeError> {
    let mut chain =
        "# Only declared endpoints, only canonical requests. First of ours: it strips our headers.\n"
            .to_owned();
    let table = with_feed(policy, &endpoint_configuration(endpoints));
    chain += &wasm(ENDPOINT_FILTER, "endpoint_filter", &policy.endpoint_filter, &table, &[])?;
    chain += TOLD;
    if let Some(Guard { wasm: file, configuration }) = &policy.saml_decoder {
        chain += "# SAML messages, decoded and judged before the first byte goes to the LAN.\n";
        chain += &wasm(SAML_DECODER, "saml_decoder", file, &with_feed(policy, configuration), &[])?;
    }
    if let Some(Guard { wasm: file, configuration }) = &policy.token_validator {
        chain += "# Bearer tokens.\n";
        let (configuration, secrets) = (with_feed(policy, configuration), policy.secret_variables());
        chain += &wasm(TOKEN_VALIDATOR, "token_validator", file, &configuration, &secrets)?;
    }
    Ok(chain)
}

/// The reference in logs and answers, made before the first filter of ours: nothing of the
/// client's is in it.
const CORRELATION: &str = "\
# The reference of the request, for logs, answers and the LAN.
- name: envoy.filters.http.set_filter_state
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config
    on_request_headers:
      - object_key: wasm.postern.correlation
        factory_key: envoy.string
        format_string: { text_format_source: { inline_string: \"%UNIQUE_ID%\" } }
";

/// Behind the endpoint filter, which has removed what the client says under these names: there is nothing
/// to overwrite, and looking for it would cost more than adding (tests/load/README.md).
const TOLD: &str = "\
# What the LAN is told of the client: by Envoy itself, which is cheaper than by a filter.
- name: envoy.filters.http.header_mutation
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
    mutations:
      request_mutations:
        - append:
            header: { key: x-postern-client-address, value: \"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\" }
            append_action: APPEND_IF_EXISTS_OR_ADD
        - append:
            header: { key: x-postern-correlation-id, value: \"%FILTER_STATE(wasm.postern.correlation:PLAIN)%\" }
            append_action: APPEND_IF_EXISTS_OR_ADD
";

/// The endpoint filter's JSON: the table, as `postern_endpoint` reads it.
pub(crate) fn endpoint_configuration(endpoints: &EndpointPolicy) -> Value {
    serde_json::to_value(endpoints).unwrap_or_default()
}

fn wasm(
    name: &str,
    field: &'static str,
    file: &Path,
    configuration: &Value,
    secrets: &[&str],
) -> Result<String, EdgeError> {
    let json = serde_json::to_string_pretty(configuration).unwrap_or_default();
    let environment = if secrets.is_empty() {
        String::new()
    } else {
        // Without it Envoy's environment is not the filter's.
        format!("        environment_variables: {{ host_env_keys: [{}] }}\n", secrets.join(", "))
    };
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
{environment}      configuration:
        \"@type\": type.googleapis.com/google.protobuf.StringValue
        value: |
{json}",
        vm = quoted(&format!("postern-{name}")),
        file = path(field, file)?,
        json = indented(10, &json),
    ))
}

/// A filter of the chain, for a proxy that is not Envoy.
pub(crate) struct Configured<'a> {
    pub(crate) name: &'static str,
    /// What it is for, in a sentence.
    pub(crate) purpose: &'static str,
    pub(crate) field: &'static str,
    pub(crate) wasm: &'a Path,
    pub(crate) configuration: Value,
}

/// The chain with the configurations that it has in Envoy, in order.
pub(crate) fn configured<'a>(policy: &'a EdgePolicy, endpoints: &EndpointPolicy) -> Vec<Configured<'a>> {
    if let Some(wasm) = &policy.guard {
        let configuration = with_feed(policy, &three_in_one(policy, endpoints));
        let purpose = "The guards in one VM: endpoints and canonical requests, SAML messages, bearer tokens.";
        return vec![Configured { name: GUARD, purpose, field: "guard", wasm, configuration }];
    }
    let mut chain = vec![Configured {
        name: ENDPOINT_FILTER,
        purpose: "Only declared endpoints, only canonical requests. First of ours: it strips our headers.",
        field: "endpoint_filter",
        wasm: &policy.endpoint_filter,
        configuration: with_feed(policy, &endpoint_configuration(endpoints)),
    }];
    let others = [
        (SAML_DECODER, "saml_decoder", "SAML messages, decoded and judged.", &policy.saml_decoder),
        (TOKEN_VALIDATOR, "token_validator", "Bearer tokens.", &policy.token_validator),
    ];
    for (name, field, purpose, guard) in others {
        if let Some(Guard { wasm, configuration }) = guard {
            chain.push(Configured {
                name,
                purpose,
                field,
                wasm,
                configuration: with_feed(policy, configuration),
            });
        }
    }
    chain
}
