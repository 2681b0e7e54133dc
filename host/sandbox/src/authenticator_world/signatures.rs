//! `signatures`, answered by the kernel.

use postern_kernel::keys::PeerAlgorithm;

use super::AuthenticatorState;
use super::bindings::postern::idp::signatures;
use crate::bounds;

/// Most bytes of a key, a message or a signature.
const SIGNED: usize = 16 << 10;

impl signatures::Host for AuthenticatorState {
    fn verify(
        &mut self,
        algorithm: signatures::Algorithm,
        spki: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<bool> {
        let algorithm = match algorithm {
            signatures::Algorithm::Rs256 => PeerAlgorithm::Rs256,
            signatures::Algorithm::Es256 => PeerAlgorithm::Es256,
            signatures::Algorithm::EdDsa => PeerAlgorithm::EdDsa,
        };
        verify(self, algorithm, &spki, &message, &signature)
    }

    fn verify_further(
        &mut self,
        algorithm: signatures::FurtherAlgorithm,
        spki: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<bool> {
        let algorithm = match algorithm {
            signatures::FurtherAlgorithm::Rs384 => PeerAlgorithm::Rs384,
            signatures::FurtherAlgorithm::Rs512 => PeerAlgorithm::Rs512,
            signatures::FurtherAlgorithm::Ps256 => PeerAlgorithm::Ps256,
            signatures::FurtherAlgorithm::Es384 => PeerAlgorithm::Es384,
        };
        verify(self, algorithm, &spki, &message, &signature)
    }
}

fn verify(
    state: &mut AuthenticatorState,
    algorithm: PeerAlgorithm,
    spki: &[u8],
    message: &[u8],
    signature: &[u8],
) -> wasmtime::Result<bool> {
    let services = state.counted()?;
    for (what, bytes) in
        [("verify: spki", spki), ("verify: message", message), ("verify: signature", signature)]
    {
        bounds::size(what, bytes.len(), SIGNED)?;
    }
    Ok(services.verify(algorithm, spki, message, signature))
}
