//! What the rules take as arguments, answered by the kernel.
use postern_refusal::{Fault, Refusal};
use postern_saml::{ModuleSettings, RelyingParty, ResponseAlgorithm, Signing, identifier};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use crate::bindings::postern::idp::kernel::{self, PeerAlgorithm};
use crate::bindings::postern::idp::types::{
    Algorithm as KeyAlgorithm, Fault as WitFault, Refusal as WitRefusal, RelyingParty as WitRelyingParty,
    Response,
};

/// Verifies with the kernel, outside of the sandbox.
pub(crate) struct KernelVerifier;

impl Verifier for KernelVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm = match algorithm {
            Algorithm::Rs256 => PeerAlgorithm::Rs256,
            Algorithm::Rs384 => PeerAlgorithm::Rs384,
            Algorithm::Rs512 => PeerAlgorithm::Rs512,
            Algorithm::Ps256 => PeerAlgorithm::Ps256,
            Algorithm::Es256 => PeerAlgorithm::Es256,
            Algorithm::Es384 => PeerAlgorithm::Es384,
            Algorithm::EdDsa => PeerAlgorithm::EdDsa,
        };
        if kernel::verify(algorithm, key.spki(), message, signature) {
            Ok(())
        } else {
            Err(VerifyError::Mismatch)
        }
    }
}

/// The module's settings and where it stands.
pub(crate) struct Place {
    pub(crate) settings: ModuleSettings,
    pub(crate) base_url: String,
    pub(crate) entity_id: String,
}

impl Place {
    pub(crate) fn read() -> Result<Self, Refusal> {
        let settings = ModuleSettings::from_json(&kernel::settings())?;
        let base_url = kernel::base_url();
        let entity_id = settings.entity_id(&base_url);
        Ok(Self { settings, base_url, entity_id })
    }
}

/// Signs with the active key for the algorithm, through the kernel.
pub(crate) fn with_signing<T>(
    algorithm: ResponseAlgorithm,
    act: impl FnOnce(&Signing<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let key_algorithm = match algorithm {
        ResponseAlgorithm::Rs256 => KeyAlgorithm::Rs256,
        ResponseAlgorithm::Es256 => KeyAlgorithm::Es256,
    };
    let key =
        kernel::published_keys()
            .into_iter()
            .find(|key| key.active && key.algorithm == key_algorithm)
            .ok_or_else(|| Refusal::internal("saml.signing-key.absent").expected("an active signing key"))?;
    act(&Signing {
        algorithm: algorithm.algorithm(),
        certificate: &key.certificate,
        sign: &|message| kernel::sign(key_algorithm, message).bytes,
    })
}

/// A new identifier for a message of ours.
pub(crate) fn new_id() -> Result<String, Refusal> {
    identifier(&kernel::random(20))
}

/// The relying party of an entity ID, as it is registered.
pub(crate) fn find_relying_party(
    entity_id: &str,
) -> Result<Option<(WitRelyingParty, RelyingParty)>, Refusal> {
    let Some(registered) = kernel::find_relying_party(entity_id) else { return Ok(None) };
    let party = RelyingParty::from_json(registered.settings.as_bytes())
        .map_err(|refusal| refusal.with_status(500))?;
    Ok(Some((registered, party)))
}

/// The host's page or JSON for a refusal.
pub(crate) fn refused(refusal: &Refusal) -> Response {
    Response::Refused(wit_refusal(refusal))
}

pub(crate) fn wit_refusal(refusal: &Refusal) -> WitRefusal {
    WitRefusal {
        code: refusal.code.into(),
        fault: match refusal.fault {
            Fault::PeerMisbehaved => WitFault::PeerMisbehaved,
            Fault::PeerIncompatible => WitFault::PeerIncompatible,
            Fault::Configuration => WitFault::Configuration,
            Fault::Internal => WitFault::Internal,
        },
        element: refusal.element.clone(),
        expected: refusal.expected.clone(),
        found: refusal.found.clone(),
        status: refusal.status,
    }
}
