//! DMZ filter: bearer tokens judged before the LAN sees them.
//!
//! Its configuration is a `postern_jose::validator::ValidatorConfiguration` as JSON. The rules
//! are in `postern-jose`; this face fetches the issuer's keys through the proxy, and edits the
//! headers.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod guarded;
mod keys;
mod shared_keys;

use core::cell::RefCell;
use std::rc::Rc;

use postern_jose::validator::{TokenCache, ValidatorConfiguration};
use postern_proxy::host::{CallId, CallResponse};
use postern_proxy::verify::ProxyVerifier;
use postern_proxy::{ConfigurationError, Filter};
use postern_signature::Algorithm;

pub use guarded::Guarded as TokenExchange;
use keys::IssuerKeys;

/// The filter with its routes and keys.
pub struct TokenValidator {
    configuration: ValidatorConfiguration,
    algorithms: Vec<Algorithm>,
    verifier: ProxyVerifier,
    keys: RefCell<IssuerKeys>,
    cache: RefCell<TokenCache>,
}

impl Filter for TokenValidator {
    const NAME: &'static str = "token-validator";
    type Exchange = TokenExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let refused = |refusal: postern_refusal::Refusal| ConfigurationError(refusal.to_string());
        let configuration = ValidatorConfiguration::read(configuration).map_err(refused)?;
        Ok(Self {
            algorithms: configuration.allowed_algorithms().map_err(refused)?,
            verifier: ProxyVerifier::detect(),
            keys: RefCell::new(IssuerKeys::new(&configuration.jwks)),
            cache: RefCell::new(TokenCache::new(configuration.cached_tokens)),
            configuration,
        })
    }

    fn exchange(self: &Rc<Self>) -> TokenExchange {
        TokenExchange::new(Rc::clone(self))
    }

    fn on_tick(&self) {
        self.with_keys(IssuerKeys::tick);
    }

    fn on_call_response(&self, call: CallId, response: Option<CallResponse>) {
        self.with_keys(|keys| keys.fetched(call, response));
    }

    fn call_limit(&self) -> usize {
        postern_jose::MAX_KEY_SET
    }
}

impl TokenValidator {
    /// Lets the keys change; tokens that were verified with those before are forgotten then.
    fn with_keys<T>(&self, change: impl FnOnce(&mut IssuerKeys) -> T) -> Option<T> {
        let mut keys = self.keys.try_borrow_mut().ok()?;
        let before = keys.generation();
        let result = change(&mut keys);
        if keys.generation() != before
            && let Ok(mut cache) = self.cache.try_borrow_mut()
        {
            cache.clear();
        }
        Some(result)
    }
}
