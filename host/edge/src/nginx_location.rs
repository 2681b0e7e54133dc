//! The part of nginx's configuration that sends requests to the LAN.

use std::fmt::Write as _;

use crate::LAN_CLUSTER;
use crate::nginx::path;
use crate::policy::{Behind, EdgeError, EdgePolicy};

pub(crate) fn location(policy: &EdgePolicy) -> Result<String, EdgeError> {
    let upstream = &policy.upstream;
    let oldest = if upstream.behind == Behind::Postern { "TLSv1.3" } else { "TLSv1.2 TLSv1.3" };
    let mut text = format!(
        "\
location / {{
  # Without a path behind the name: what goes on is the target as it came, which is what was judged. The
  # module refuses a request of which nginx would forward something else.
  proxy_pass https://{LAN_CLUSTER};
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Connection \"\";
  # What the LAN is told of the client. What the client says of itself goes.
  proxy_set_header X-Postern-Client-Address $remote_addr;
  proxy_set_header X-Postern-Correlation-Id $postern_correlation;
  proxy_set_header X-Postern-Client-Certificate {certificate};
  proxy_set_header X-Forwarded-Client-Cert \"\";
  proxy_set_header X-Envoy-External-Address \"\";
  proxy_set_header X-Forwarded-Port \"\";
  proxy_set_header X-Forwarded-Prefix \"\";
  proxy_set_header X-Real-IP \"\";
  proxy_set_header X-Request-Id \"\";
  proxy_set_header Forwarded \"\";
{forwarded}  proxy_hide_header X-Powered-By;

  # Who the nodes must be.
  proxy_ssl_verify on;
  proxy_ssl_verify_depth 3;
  proxy_ssl_trusted_certificate {authority};
  proxy_ssl_name {server_name};
  proxy_ssl_server_name on;
  proxy_ssl_protocols {oldest};
",
        // Empty without a certificate: then nginx sends no such header.
        certificate = if policy.passes_client_certificate() { "$ssl_client_escaped_cert" } else { "\"\"" },
        forwarded = forwarded(upstream.behind),
        authority = path("upstream.authority", &upstream.authority)?,
        server_name = upstream.server_name,
    );
    if let Some(client) = &upstream.client {
        let _ = write!(
            text,
            "  # Who we are.\n  proxy_ssl_certificate {};\n  proxy_ssl_certificate_key {};\n",
            path("upstream.client.certificate_chain", &client.certificate_chain)?,
            path("upstream.client.private_key", &client.private_key)?,
        );
    }
    let _ = write!(
        text,
        "
  proxy_redirect off;
  proxy_connect_timeout 3s;
  proxy_send_timeout {response}s;
  proxy_read_timeout {response}s;
  proxy_buffer_size 16k;
  proxy_buffers 8 16k;
  # Only what the LAN cannot have seen is sent again.
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 2;
}}
",
        response = policy.limits.response_seconds,
    );
    Ok(text)
}

fn forwarded(behind: Behind) -> &'static str {
    match behind {
        Behind::Postern => {
            "  proxy_set_header X-Forwarded-For \"\";\n  proxy_set_header X-Forwarded-Proto \"\";\n  \
             proxy_set_header X-Forwarded-Host \"\";\n"
        }
        _ => {
            "  proxy_set_header X-Forwarded-For $remote_addr;\n  proxy_set_header X-Forwarded-Proto https;\n  \
             proxy_set_header X-Forwarded-Host $http_host;\n"
        }
    }
}
