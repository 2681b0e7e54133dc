//! DMZ filter: the three guards in one VM.
//!
//! What it judges is what `endpoint-filter`, `saml-decoder` and `token-validator` judge in a chain
//! of that order; it costs less, because the proxy enters one VM instead of three and hands over the
//! headers once. Its configuration is theirs:
//! `{ "endpoint": {…}, "saml": {…}, "tokens": {…} }`, where `saml` and `tokens` may be left out.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod configuration;
mod exchange;

use std::rc::Rc;

use postern_endpoint_filter::EndpointFilter;
use postern_proxy::host::{CallId, CallResponse};
use postern_proxy::{ConfigurationError, Feed, Filter};
use postern_saml_decoder::SamlDecoder;
use postern_token_validator::TokenValidator;

use configuration::{Parts, behind_endpoint_filter};
use exchange::GuardExchange;

/// The three filters; the endpoint filter is always there.
pub struct Guard {
    endpoint: Rc<EndpointFilter>,
    saml: Option<Rc<SamlDecoder>>,
    tokens: Option<Rc<TokenValidator>>,
}

impl Filter for Guard {
    const NAME: &'static str = "guard";
    type Exchange = GuardExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let parts = Parts::read(configuration)?;
        Ok(Self {
            endpoint: configured("endpoint", &parts.endpoint)?,
            saml: parts.saml.map(|json| configured("saml", &json)).transpose()?,
            tokens: parts.tokens.map(|json| configured("tokens", &json)).transpose()?,
        })
    }

    /// By the sections of the three, as they take them over in a chain: a part without a section stays
    /// as it is, so that no document can switch off what is judged.
    fn take_over(&self, document: &Feed) -> Result<Option<Self>, ConfigurationError> {
        let endpoint = self.endpoint.take_over(document)?.map(Rc::new);
        let saml = document.section(SamlDecoder::NAME);
        let saml = saml.map(|json| configured("saml", &json)).transpose()?;
        let tokens = document.section(TokenValidator::NAME).map(|json| behind_endpoint_filter(&json));
        let tokens = tokens.transpose()?.map(|json| configured("tokens", &json)).transpose()?;
        if endpoint.is_none() && saml.is_none() && tokens.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            endpoint: endpoint.unwrap_or_else(|| self.endpoint.clone()),
            saml: saml.or_else(|| self.saml.clone()),
            tokens: tokens.or_else(|| self.tokens.clone()),
        }))
    }

    fn exchange(self: &Rc<Self>) -> GuardExchange {
        GuardExchange::new(
            self.endpoint.exchange(),
            self.saml.as_ref().map(Filter::exchange),
            self.tokens.as_ref().map(Filter::exchange),
        )
    }

    fn on_tick(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.on_tick();
        }
    }

    fn on_call_response(&self, call: CallId, response: Option<CallResponse>) {
        if let Some(tokens) = &self.tokens {
            tokens.on_call_response(call, response);
        }
    }

    fn call_limit(&self) -> usize {
        self.tokens.as_ref().map_or(0, |tokens| tokens.call_limit())
    }
}

fn configured<F: Filter>(part: &str, json: &[u8]) -> Result<Rc<F>, ConfigurationError> {
    F::configure(json).map(Rc::new).map_err(|error| ConfigurationError(format!("{part}: {error}")))
}
