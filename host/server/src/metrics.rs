//! Counters for `/metrics`, in Prometheus' text format.

use std::time::Duration;

use postern_kernel::audit::Event;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    endpoint: String,
    module: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndpointLabel {
    endpoint: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FailureLabels {
    module: String,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabel {
    event: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConnectionLabels {
    listener: &'static str,
    why: &'static str,
}

/// All metrics of the process. Labels come from declarations and from our own names: what a
/// client sends never becomes one.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<EndpointLabel, Histogram>,
    failures: Family<FailureLabels, Counter>,
    events: Family<EventLabel, Counter>,
    refusals: Family<CodeLabel, Counter>,
    connections: Family<ConnectionLabels, Counter>,
    resident: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("postern");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let failures = Family::default();
        let events = Family::default();
        let refusals = Family::default();
        let connections = Family::default();
        let resident = Gauge::default();
        registry.register(
            "requests",
            "Requests on the public listener by endpoint, module and status",
            Family::clone(&requests),
        );
        registry.register(
            "request_seconds",
            "Time from a request's head to its answer",
            Family::clone(&seconds),
        );
        registry.register(
            "module_failures",
            "Calls of modules that ended without an answer, by reason",
            Family::clone(&failures),
        );
        registry.register(
            "events",
            "Events of the audit log, such as sign-in.failed",
            Family::clone(&events),
        );
        registry.register("refusals", "Requests refused, by reason code", Family::clone(&refusals));
        registry.register(
            "connections_ended",
            "Connections that were refused or ended by a limit, by listener and reason",
            Family::clone(&connections),
        );
        registry.register("resident_memory_bytes", "Resident memory of the process", resident.clone());
        Self { registry, requests, seconds, failures, events, refusals, connections, resident }
    }

    /// A request on the public listener.
    pub(crate) fn request(&self, endpoint: &str, module: &str, status: u16, took: Duration) {
        let labels = RequestLabels { endpoint: endpoint.into(), module: module.into(), status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&EndpointLabel { endpoint: endpoint.into() }).observe(took.as_secs_f64());
    }

    /// A connection that was not let in, or that a limit has ended.
    pub(crate) fn connection(&self, listener: &'static str, why: &'static str) {
        self.connections.get_or_create(&ConnectionLabels { listener, why }).inc();
    }

    /// An event of the audit log.
    pub(crate) fn event(&self, event: &Event<'_>) {
        self.events.get_or_create(&EventLabel { event: event.name.into() }).inc();
        let code = event.fields.iter().find(|(name, _)| *name == "code").map(|(_, code)| (*code).to_owned());
        match (event.name, code) {
            ("module.failed", reason) => {
                let labels = FailureLabels {
                    module: event.module.unwrap_or_default().into(),
                    reason: reason.unwrap_or_default(),
                };
                self.failures.get_or_create(&labels).inc();
            }
            ("request.refused", Some(code)) => {
                self.refusals.get_or_create(&CodeLabel { code }).inc();
            }
            _ => {}
        }
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        self.resident.set(i64::try_from(resident_bytes().unwrap_or(0)).unwrap_or(i64::MAX));
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "metrics not written");
                String::new()
            }
        }
    }
}

fn histogram() -> Histogram {
    Histogram::new([0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

/// Linux only; elsewhere the gauge stays at 0.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.request("/samlsso", "saml2", 303, Duration::from_millis(3));
        let event = |name, fields| Event {
            name,
            module: Some("oidc"),
            relying_party: None,
            subject: None,
            correlation: None,
            fields,
        };
        metrics.event(&event("module.failed", &[("code", "trap")]));
        metrics.event(&event("request.refused", &[("code", "oidc.redirect-uri.unregistered")]));
        metrics.connection("management", "head-too-slow");
        let text = metrics.text();
        for line in [
            "postern_requests_total{endpoint=\"/samlsso\",module=\"saml2\",status=\"303\"} 1",
            "postern_module_failures_total{module=\"oidc\",reason=\"trap\"} 1",
            "postern_refusals_total{code=\"oidc.redirect-uri.unregistered\"} 1",
            "postern_connections_ended_total{listener=\"management\",why=\"head-too-slow\"} 1",
            "postern_events_total{event=\"module.failed\"} 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("postern_resident_memory_bytes 0\n"));
    }
}
