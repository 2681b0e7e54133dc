//! One JSON line for each request. Never a query: it can hold codes and messages.

use crate::policy::{AccessLog, EdgeError};
use crate::text::path;

/// `correlation_id` is the reference that people see, `reason` the filters' reason code (or
/// Envoy's own), `refusal` the same in words, `token` the claims that a route of the
/// token-validator names for it. The id comes from the filters and not from the
/// header, which is the client's until the first filter; what Envoy refuses before that has none.
/// `saml_*` tell what the SAML decoder let pass: the message, who sent it, its ID.
const FORMAT: &str = "\
time: \"%START_TIME%\"
correlation_id: \"%FILTER_STATE(wasm.postern.correlation:PLAIN)%\"
status: \"%RESPONSE_CODE%\"
reason: \"%RESPONSE_CODE_DETAILS%\"
refusal: \"%FILTER_STATE(wasm.postern.refusal:PLAIN)%\"
saml_message: \"%FILTER_STATE(wasm.postern.saml.message:PLAIN)%\"
saml_issuer: \"%FILTER_STATE(wasm.postern.saml.issuer:PLAIN)%\"
saml_id: \"%FILTER_STATE(wasm.postern.saml.id:PLAIN)%\"
token: \"%FILTER_STATE(wasm.postern.token:PLAIN)%\"
client: \"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\"
method: \"%REQ(:METHOD)%\"
host: \"%REQ(:AUTHORITY)%\"
path: \"%PATH(NQ:PATH)%\"
protocol: \"%PROTOCOL%\"
tls: \"%DOWNSTREAM_TLS_VERSION%\"
received: \"%BYTES_RECEIVED%\"
sent: \"%BYTES_SENT%\"
milliseconds: \"%DURATION%\"
flags: \"%RESPONSE_FLAGS%\"
upstream: \"%UPSTREAM_HOST%\"
";

pub(crate) fn json(log: &AccessLog) -> Result<String, EdgeError> {
    let (name, kind, place) = match log {
        AccessLog::Stdout => ("stdout", "stream.v3.StdoutAccessLog", String::new()),
        AccessLog::File(file) => {
            ("file", "file.v3.FileAccessLog", format!("    path: {}\n", path("access_log", file)?))
        }
    };
    let format = crate::text::indented(8, FORMAT);
    Ok(format!(
        "\
- name: envoy.access_loggers.{name}
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.access_loggers.{kind}
{place}    log_format:
      json_format:
{format}"
    ))
}
