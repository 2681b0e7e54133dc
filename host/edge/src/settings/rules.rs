//! Rules of the edge alone: clients, rates, what only reports, headers of responses.

use std::collections::BTreeMap;

use postern_endpoint::{BelievedHeaders, Clients, EdgeRules, Network, RateLimit, security_headers};

use super::file::{EdgeFile, HeadersSection, SecurityHeaders};
use super::{Problems, report_only};
use crate::policy::Behind;

/// Where this only reports, whatever the nodes serve is open.
const ANY_PATH: &str = "endpoint.path.unknown";

pub(super) fn rules(file: &EdgeFile, problems: &mut Problems<'_>) -> EdgeRules {
    // Postern's management is another listener. That of other products is served by the same nodes
    // under names that the filter knows only in part (`/admin`, `/t/<tenant>/carbon`).
    if file.behind != Behind::Postern && file.report_only.iter().any(|code| code == ANY_PATH) {
        let problem = format!(
            "{ANY_PATH:?} can't be report-only here: management of {} would be open. What is refused is in the \
             access log; `postern edge explain` tells it before",
            file.behind.product()
        );
        problems.add("report_only", problem);
    }
    EdgeRules {
        clients: Clients {
            allow: networks("clients.allow", &file.clients.allow, problems),
            deny: networks("clients.deny", &file.clients.deny, problems),
        },
        rate_limits: file
            .rates
            .iter()
            .map(|rate| RateLimit {
                path: rate.path.clone(),
                requests: rate.requests,
                seconds: u32::try_from(rate.per.0).unwrap_or(u32::MAX),
                burst: rate.burst,
            })
            .collect(),
        report_only: report_only::of_the_endpoint_filter(file),
        response_headers: headers(&file.headers, file.behind),
        believed_headers: BelievedHeaders {
            // Those of the export.
            names: Vec::new(),
            from: match &file.postern {
                Some(postern) => {
                    networks("postern.policy_headers_from", &postern.policy_headers_from, problems)
                }
                None => Vec::new(),
            },
        },
        ..EdgeRules::default()
    }
}

/// The operator's field for one of the filter's: `edge.rate_limits[0].path` is `rates.0.path`.
pub(super) fn field(filters: &str) -> Option<String> {
    let own = filters.strip_prefix("edge.")?;
    let own = own
        .replacen("rate_limits", "rates", 1)
        .replacen("response_headers", "headers.set", 1)
        .replacen("believed_headers.names", "postern.export", 1)
        .replace('[', ".")
        .replace(']', "");
    // Entries of a list of texts have no place of their own.
    Some(if own.starts_with("report_only") { "report_only".to_owned() } else { own })
}

fn networks(field: &str, texts: &[String], problems: &mut Problems<'_>) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(problem) => problems.add(field, problem),
        }
    }
    networks
}

fn headers(section: &HeadersSection, behind: Behind) -> BTreeMap<String, String> {
    let default = if behind == Behind::Postern { SecurityHeaders::None } else { SecurityHeaders::Safe };
    let mut headers = match section.security.unwrap_or(default) {
        SecurityHeaders::None => BTreeMap::new(),
        SecurityHeaders::All => security_headers(),
        SecurityHeaders::Safe => {
            let mut headers = security_headers();
            headers.retain(|name, _| matches!(name.as_str(), "x-content-type-options" | "referrer-policy"));
            headers
        }
    };
    headers.extend(section.set.clone());
    headers
}
