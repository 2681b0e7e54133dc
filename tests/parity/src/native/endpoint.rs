//! `postern-endpoint`.
use postern_end_to_end::wire;
use postern_endpoint::{EndpointPolicy, EndpointTable, Incoming};
use postern_vectors::{Keys, Request, Vector, Verdict, endpoint_policy};

use crate::{BASE_URL, now, verdict};

/// The verdict of the table on the vector's last request.
///
/// # Panics
/// When the policy or the vector is no good.
pub fn judge(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    judge_request(requests.last().expect("a request"), BASE_URL)
}

/// The verdict on one request.
///
/// # Panics
/// When the policy is no good.
pub fn judge_request(request: &Request, base_url: &str) -> Verdict {
    let policy = EndpointPolicy::from_json(endpoint_policy(base_url).as_bytes()).expect("a policy");
    let table = EndpointTable::new(policy).expect("a table");
    let request = wire::complete(request, base_url.trim_start_matches("https://"));
    let headers = request.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
    verdict(table.judge(&Incoming {
        method: request.method.as_bytes(),
        target: &request.target,
        authority: request.header("host").unwrap_or_default().as_bytes(),
        headers,
        has_body: !request.body.is_empty(),
    }))
}
