//! DMZ filter: only declared endpoints, only canonical requests.
//!
//! Its configuration is a `postern_endpoint::EndpointPolicy` as JSON. The rules are in
//! `postern-endpoint`; this face strips the headers that are ours, tells the LAN who the client
//! is, counts requests among all workers, and holds bodies of unknown length until they are counted.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod exchange;
mod rate;

use std::rc::Rc;

use postern_endpoint::{EdgeRules, EndpointPolicy, EndpointTable, ReportOnly};
use postern_proxy::host::{self, Counter};
use postern_proxy::{ConfigurationError, Feed, Filter, Request};
use postern_refusal::Refusal;

pub use exchange::EndpointExchange;
use rate::SharedRates;

/// The filter with its table.
pub struct EndpointFilter {
    table: EndpointTable,
    /// What the proxy's own file says, without its endpoints and static files.
    own: EndpointPolicy,
    rules: EdgeRules,
    /// None: there are no limits.
    rates: Option<SharedRates>,
    report_only: ReportOnly,
    reported: Counter,
}

impl Filter for EndpointFilter {
    const NAME: &'static str = "endpoint-filter";
    type Exchange = EndpointExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let policy = EndpointPolicy::from_json(configuration).map_err(refused)?;
        let own = EndpointPolicy { endpoints: Vec::new(), assets: Vec::new(), ..policy.clone() };
        Self::new(own, policy)
    }

    fn take_over(&self, document: &Feed) -> Result<Option<Self>, ConfigurationError> {
        let Some(section) = document.section(Self::NAME) else { return Ok(None) };
        let section = EndpointPolicy::from_json(&section).map_err(refused)?;
        Self::new(self.own.clone(), self.own.updated(section)).map(Some)
    }

    fn exchange(self: &Rc<Self>) -> EndpointExchange {
        EndpointExchange::new(Rc::clone(self))
    }
}

impl EndpointFilter {
    fn new(own: EndpointPolicy, policy: EndpointPolicy) -> Result<Self, ConfigurationError> {
        let rules = policy.edge.clone();
        let table = EndpointTable::new(policy).map_err(refused)?;
        let rates = match rules.rate_limits.is_empty() {
            true => None,
            false => Some(SharedRates::begin()?),
        };
        let report_only = ReportOnly::new(&rules.report_only).map_err(refused)?;
        let reported = Counter::define("postern.endpoint-filter.reported");
        Ok(Self { table, own, rules, rates, report_only, reported })
    }

    /// Logs and counts the refusal of a rule that only reports; gives back any other.
    fn report(&self, request: &Request, refusal: Refusal) -> Result<(), Refusal> {
        if !self.report_only.holds(refusal.code) {
            return Err(refusal);
        }
        self.reported.increment();
        host::warn(&format!(
            "{}: report only, let through {}: {refusal}",
            Self::NAME,
            request.correlation_id()
        ));
        Ok(())
    }
}

fn refused(error: postern_endpoint::ConfigurationError) -> ConfigurationError {
    ConfigurationError(error.to_string())
}
