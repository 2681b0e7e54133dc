//! What a proxy tells Prometheus.

use crate::client::Origin;

/// A number of a filter, by the name that the filter gave it; 0 when there is none. The administration is what
/// `log.administration` of the policy opens, in Envoy and in nginx.
///
/// # Panics
/// When nobody answers.
pub fn value(administration: &Origin, name: &str) -> u64 {
    let host = administration.authority();
    let request = format!("GET /stats/prometheus HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let answer = administration.exchange(request.as_bytes()).expect("metrics");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let text = answer.text();
    let is_it = |line: &&str| {
        let own = line.split([' ', '{']).next().unwrap_or_default();
        own.strip_suffix("_total").unwrap_or(own).ends_with(&name)
    };
    let value = text.lines().filter(|line| !line.starts_with('#')).find(is_it);
    value.and_then(|line| line.split(' ').next_back()?.parse().ok()).unwrap_or_default()
}
