use std::rc::Rc;

use postern_proxy::verify::ProxyVerifier;
use postern_proxy::{ConfigurationError, Filter, Request, host};
use postern_refusal::Refusal;
use postern_saml::{Decoder, DecoderConfiguration, Incoming};

use crate::exchange::SamlExchange;
use crate::memory::ProxyMemory;

/// The filter with its configuration.
pub struct SamlDecoder {
    pub(crate) decoder: Decoder,
    verifier: ProxyVerifier,
}

impl Filter for SamlDecoder {
    const NAME: &'static str = "saml-decoder";

    type Exchange = SamlExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let configuration = DecoderConfiguration::from_json(configuration)
            .map_err(|refusal| ConfigurationError(refusal.to_string()))?;
        Ok(Self { decoder: Decoder::new(configuration), verifier: ProxyVerifier::detect() })
    }

    fn exchange(self: &Rc<Self>) -> SamlExchange {
        SamlExchange::new(Rc::clone(self))
    }
}

impl SamlDecoder {
    /// Judges a message, and tells the access log what passes.
    pub(crate) fn judge(&self, request: &Request, incoming: Incoming<'_>) -> Result<(), Refusal> {
        let judged = self.decoder.judge(incoming, host::now(), &self.verifier, &ProxyMemory)?;
        let (message, issuer, id) = judged.names();
        request.note("saml.message", message);
        request.note("saml.issuer", issuer);
        request.note("saml.id", id.unwrap_or_default());
        Ok(())
    }
}
