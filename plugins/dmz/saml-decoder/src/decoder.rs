use std::collections::BTreeMap;
use std::rc::Rc;

use postern_proxy::verify::ProxyVerifier;
use postern_proxy::{ConfigurationError, Filter, host};
use postern_refusal::Refusal;
use postern_saml::{DecoderConfiguration, EdgeRelyingParty, Incoming, Judged, ReplayTable, judge};

use crate::exchange::SamlExchange;
use crate::replay::check_replay;

/// The filter with its configuration.
pub(crate) struct SamlDecoder {
    pub(crate) configuration: DecoderConfiguration,
    registry: BTreeMap<String, Rc<EdgeRelyingParty>>,
    replays: ReplayTable,
    verifier: ProxyVerifier,
}

impl Filter for SamlDecoder {
    const NAME: &'static str = "saml-decoder";

    type Exchange = SamlExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let configuration = DecoderConfiguration::from_json(configuration)
            .map_err(|refusal| ConfigurationError(refusal.to_string()))?;
        Ok(Self {
            registry: configuration.registry(),
            replays: ReplayTable::new(configuration.replay_slots),
            verifier: ProxyVerifier::detect(),
            configuration,
        })
    }

    fn exchange(self: &Rc<Self>) -> SamlExchange {
        SamlExchange::new(Rc::clone(self))
    }
}

impl SamlDecoder {
    /// Judges a message as the LAN would, and remembers its ID.
    pub(crate) fn judge(&self, incoming: Incoming<'_>) -> Result<(), Refusal> {
        let now = host::now().ok_or_else(|| {
            Refusal::internal("saml.clock.absent").with_status(503).expected("a proxy with a clock")
        })?;
        let lookup = |entity_id: &str| Ok(self.registry.get(entity_id).map(Rc::clone));
        match judge(incoming, &lookup, &self.configuration.policy, now, &self.verifier)? {
            Judged::AuthnRequest(request) => check_replay(&self.replays, &request, now),
            Judged::IdpInitiated(_) => Ok(()),
        }
    }
}
