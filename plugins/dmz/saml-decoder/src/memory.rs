use postern_proxy::host::{self, Entropy, Failed};
use postern_saml::SharedMemory;

/// No version of an existing value: the host then writes only if there is none.
const ABSENT: u32 = u32::MAX;

/// What the proxy's workers share.
pub(crate) struct ProxyMemory;

impl SharedMemory for ProxyMemory {
    fn read(&self, name: &str) -> Result<Option<(Vec<u8>, u32)>, String> {
        host::shared(name).map_err(|failed| failed.to_string())
    }

    fn write(&self, name: &str, value: &[u8], version: Option<u32>) -> Result<bool, String> {
        match host::set_shared(name, value, Some(version.unwrap_or(ABSENT))) {
            Ok(()) => Ok(true),
            Err(Failed::STALE) => Ok(false),
            Err(failed) => Err(failed.to_string()),
        }
    }

    fn random(&self) -> Option<[u8; 32]> {
        let entropy = Entropy::default();
        let mut bytes = [0; 32];
        for half in bytes.chunks_exact_mut(16) {
            half.copy_from_slice(&entropy.sixteen()?);
        }
        Some(bytes)
    }
}
