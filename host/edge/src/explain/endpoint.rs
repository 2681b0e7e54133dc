//! The endpoint filter's part.

use postern_endpoint::{Accepted, Body, EndpointTable, Incoming, Place, RequestTarget, is_reserved};
use postern_refusal::Refusal;

use super::{RawRequest, Stage, Surroundings, Verdict};
use crate::policy::{Behind, EdgePolicy};

pub(super) fn stage(policy: &EdgePolicy, request: &RawRequest, surroundings: &Surroundings<'_>) -> Stage {
    let mut stage = Stage::new("endpoint-filter");
    let rules = &policy.rules;
    let table = match EndpointTable::new(policy.endpoint_policy()) {
        Ok(table) => table,
        Err(error) => {
            let refusal = Refusal::configuration("endpoint.path.unknown").found(&error.to_string());
            return stage.refused(&refusal);
        }
    };
    let incoming = Incoming {
        method: &request.method,
        target: &request.target,
        authority: &request.authority,
        headers: request.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())),
        has_body: request.has_body(),
    };
    let mut reported = Vec::new();
    let accepted = table.judge_reporting(&incoming, &mut |refusal| {
        if !rules.report_only.iter().any(|code| code == refusal.code) {
            return Err(refusal);
        }
        reported.push(refusal);
        Ok(())
    });
    for refusal in &reported {
        stage.field("report only", refusal.to_string(), "logged, counted, let through");
    }
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(refusal) => {
            if let Ok(target) = RequestTarget::parse(&request.target) {
                stage.field("path", target.path(), "canonical");
            }
            return stage.refused(&refusal);
        }
    };
    let rule = match accepted.place {
        Place::Endpoint(endpoint) => format!("the endpoint {}", endpoint.path),
        Place::Asset(asset) => format!("a static file below {}", asset.prefix),
        Place::Unlisted => "a rule that only reports".to_owned(),
    };
    stage.field("path", accepted.target.path(), rule);
    stage.field(
        "Host",
        String::from_utf8_lossy(&request.authority),
        format!("one of {}", policy.hosts.join(", ")),
    );
    if let Place::Endpoint(endpoint) = accepted.place {
        let methods: Vec<&str> = endpoint.methods.iter().map(|method| method.as_str()).collect();
        stage.field("method", accepted.method.as_str(), format!("one of {}", methods.join(", ")));
        if let Some(query) = accepted.target.query().filter(|query| !query.is_empty()) {
            let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
            let known = if endpoint.ignores_other_parameters {
                "any name, each once".to_owned()
            } else {
                format!("among {}, each once", endpoint.query_parameters.join(", "))
            };
            let rule = format!("{known}; {} of {} bytes", query.len(), endpoint.max_query);
            stage.field("query", names.join(", "), rule);
        }
        let rule = format!("{}, at most {} bytes", endpoint.content_types.join(" or "), endpoint.max_body);
        match accepted.body {
            Body::None => {}
            Body::Announced(length) => stage.field("body", format!("{length} bytes"), rule),
            Body::Unannounced(limit) if request.body.len() > usize::try_from(limit).unwrap_or(usize::MAX) => {
                let refusal = Refusal::misbehaved("endpoint.body.too-large")
                    .with_status(413)
                    .expected(&format!("at most {limit} bytes"))
                    .found(&format!("{} bytes", request.body.len()));
                return stage.refused(&refusal);
            }
            Body::Unannounced(_) => stage.field("body", format!("{} bytes", request.body.len()), rule),
        }
    }
    client(stage, policy, surroundings, &accepted)
}

/// What depends on who asks, and how often.
fn client(
    mut stage: Stage,
    policy: &EdgePolicy,
    surroundings: &Surroundings<'_>,
    accepted: &Accepted<'_, '_>,
) -> Stage {
    let rules = &policy.rules;
    if !rules.clients.are_all() {
        match surroundings.client.map(|client| (client, rules.clients.judge(client))) {
            None => {
                stage.verdict = Verdict::Open;
                stage.field("client", "not known here (--client)", "a network of [clients]");
            }
            Some((client, Ok(()))) => stage.field("client", client.to_string(), "a network of [clients]"),
            Some((_, Err(refusal))) if rules.report_only.iter().any(|code| code == refusal.code) => {
                stage.field("report only", refusal.to_string(), "logged, counted, let through");
            }
            Some((_, Err(refusal))) => return stage.refused(&refusal),
        }
    }
    if let Place::Endpoint(endpoint) = accepted.place {
        for rate in rules.rate_limits.iter().filter(|rate| rate.path == endpoint.path) {
            let rule = format!("{} requests in {} seconds of one client", rate.requests, rate.seconds);
            stage.field("rate", "counted by the proxy", rule);
        }
    }
    stage
}

/// What the LAN gets: headers that the proxy removes and sets are named.
pub(super) fn forwarded(policy: &EdgePolicy, request: &RawRequest) -> Vec<String> {
    const REMOVED: [&str; 7] = [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-real-ip",
        "forwarded",
        "x-request-id",
    ];
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
    let mut lines = vec![format!("{} {}", text(&request.method), text(&request.target))];
    lines.push(format!("host: {}", text(&request.authority)));
    let believed = &policy.rules.believed_headers;
    for (name, value) in &request.headers {
        if believed.have(name) && !believed.from.is_empty() {
            lines.push(format!("({} stays from the networks of policy_headers_from only)", text(name)));
            continue;
        }
        // Envoy drops names with an underscore before any filter sees them.
        let is_dropped = name.contains(&b'_')
            || is_reserved(name)
            || believed.have(name)
            || REMOVED.iter().any(|removed| removed.as_bytes() == name.as_slice());
        if is_dropped {
            lines.push(format!("({} is removed)", text(name)));
        } else if name == b"authorization" || name == b"cookie" {
            lines.push(format!("{}: (not shown)", text(name)));
        } else {
            lines.push(format!("{}: {}", text(name), text(value)));
        }
    }
    lines.push("x-postern-client-address: (of the connection)".to_owned());
    lines.push("x-postern-correlation-id: (new)".to_owned());
    if policy.upstream.behind != Behind::Postern {
        lines.push("x-forwarded-for, -proto, -host: (set by the proxy)".to_owned());
    }
    if !request.body.is_empty() {
        lines.push(format!("({} bytes of body)", request.body.len()));
    }
    lines
}
