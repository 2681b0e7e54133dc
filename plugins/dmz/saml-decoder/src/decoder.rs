use std::rc::Rc;

use postern_proxy::host::Counter;
use postern_proxy::verify::ProxyVerifier;
use postern_proxy::{ConfigurationError, Filter, Request, host};
use postern_refusal::Refusal;
use postern_saml::{Decoder, DecoderConfiguration, Message};

use crate::exchange::SamlExchange;
use crate::memory::ProxyMemory;

/// The filter with its configuration.
pub struct SamlDecoder {
    pub(crate) decoder: Decoder,
    verifier: ProxyVerifier,
    reported: Counter,
}

impl Filter for SamlDecoder {
    const NAME: &'static str = "saml-decoder";

    type Exchange = SamlExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let configuration = DecoderConfiguration::from_json(configuration)
            .map_err(|refusal| ConfigurationError(refusal.to_string()))?;
        Ok(Self {
            decoder: Decoder::new(configuration),
            verifier: ProxyVerifier::detect(),
            reported: Counter::define("postern.saml-decoder.reported"),
        })
    }

    fn exchange(self: &Rc<Self>) -> SamlExchange {
        SamlExchange::new(Rc::clone(self))
    }
}

impl SamlDecoder {
    /// Judges a message, and tells the access log what passes.
    pub(crate) fn judge(&self, request: &Request, message: &Message<'_>) -> Result<(), Refusal> {
        let mut report = |refusal: &Refusal| self.report(request, refusal);
        let decoded = self.decoder.judge(message, host::now(), &self.verifier, &ProxyMemory, &mut report)?;
        if let Some((name, issuer, id)) = decoded.names() {
            request.note("saml.message", name);
            request.note("saml.issuer", issuer);
            request.note("saml.id", id.unwrap_or_default());
        }
        Ok(())
    }

    /// Logs and counts the refusal of a rule that only reports.
    pub(crate) fn report(&self, request: &Request, refusal: &Refusal) {
        self.reported.increment();
        let id = request.correlation_id();
        host::warn(&format!("{}: report only, let through {id}: {refusal}", Self::NAME));
    }
}
