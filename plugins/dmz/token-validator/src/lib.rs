//! DMZ filter: bearer tokens and authorization requests, judged before the LAN sees them.
//!
//! Its configuration is a `postern_jose::validator::ValidatorConfiguration` as JSON, with the
//! member `authorization` of a `postern_oidc::AuthorizationGuard`. The rules are in those crates;
//! this face fetches the issuers' keys through the proxy, asks issuers about tokens that are no JWT, and
//! edits the headers.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod call_rates;
mod guarded;
mod introspector;
mod issuers;
mod keys;
mod nonces;
mod proofs;
mod reporting;
mod shared_keys;
mod shared_secret;

use core::cell::RefCell;
use std::rc::Rc;

use postern_jose::json::read_object;
use postern_jose::validator::{ReportOnly, TokenCache, ValidatorConfiguration};
use postern_oidc::AuthorizationGuard;
use postern_proxy::host::{CallId, CallResponse, Counter};
use postern_proxy::verify::ProxyVerifier;
use postern_proxy::{ConfigurationError, Filter};

use zeroize::Zeroizing;

use issuers::Issuers;
use proofs::Proofs;
pub use reporting::TokenExchange;

/// The filter with its routes and keys.
pub struct TokenValidator {
    configuration: ValidatorConfiguration,
    authorization: Option<AuthorizationGuard>,
    issuers: Issuers,
    proofs: Option<Proofs>,
    verifier: ProxyVerifier,
    cache: RefCell<TokenCache>,
    report_only: ReportOnly,
    reported: Counter,
}

impl Filter for TokenValidator {
    const NAME: &'static str = "token-validator";
    type Exchange = TokenExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let refused = |refusal: postern_refusal::Refusal| ConfigurationError(refusal.to_string());
        let mut members = read_object("configuration", configuration).map_err(refused)?;
        let authorization = AuthorizationGuard::take_from(&mut members).map_err(refused)?;
        let report_only = ReportOnly::take_from(&mut members).map_err(refused)?;
        let mut configuration = ValidatorConfiguration::from_object(members).map_err(refused)?;
        for asked in configuration.issuers.iter_mut().filter_map(|issuer| issuer.introspection.as_mut()) {
            asked.take_secret(variable).map_err(refused)?;
        }
        let skew = configuration.clock_skew_seconds;
        Ok(Self {
            authorization,
            issuers: Issuers::new(&configuration.issuers, skew).map_err(refused)?,
            proofs: configuration.dpop.as_ref().map(Proofs::new).transpose().map_err(refused)?,
            verifier: ProxyVerifier::detect(),
            cache: RefCell::new(TokenCache::new(configuration.cached_tokens)),
            configuration,
            report_only,
            reported: Counter::define("postern.token-validator.reported"),
        })
    }

    fn exchange(self: &Rc<Self>) -> TokenExchange {
        TokenExchange::new(Rc::clone(self))
    }

    fn on_tick(&self) {
        self.forget_after(Issuers::tick);
    }

    fn on_call_response(&self, call: CallId, response: Option<CallResponse>) {
        self.forget_after(|issuers| issuers.called(call, response.as_ref()));
    }

    fn call_limit(&self) -> usize {
        postern_jose::MAX_KEY_SET
    }
}

/// What the proxy's environment has under that name: only what its configuration lets through is there.
#[allow(clippy::disallowed_methods, reason = "a secret that stands in no configuration")]
fn variable(name: &str) -> Option<Zeroizing<String>> {
    std::env::var(name).ok().map(Zeroizing::new)
}

impl TokenValidator {
    /// Lets keys change; tokens that were verified with those before are forgotten then.
    fn forget_after(&self, change: impl FnOnce(&Issuers)) {
        let before = self.issuers.generation();
        change(&self.issuers);
        if self.issuers.generation() != before
            && let Ok(mut cache) = self.cache.try_borrow_mut()
        {
            cache.clear();
        }
    }
}
