//! Random bytes that all workers share.

use postern_proxy::host::{self, Entropy};
use zeroize::Zeroizing;

/// How often they are looked for again when another worker was faster.
const TRIES: usize = 3;

/// The secret of all workers at that place in shared data: the first one to need it makes it. None: there
/// is no randomness, or shared data can't be written.
pub(crate) fn find_or_make<const LENGTH: usize>(place: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
    for _ in 0..TRIES {
        if let Some((found, _)) = host::shared(place).ok()? {
            let found = Zeroizing::new(found);
            return found.as_slice().try_into().ok().map(Zeroizing::new);
        }
        let entropy = Entropy::default();
        let mut made = Zeroizing::new([0; LENGTH]);
        for part in made.chunks_mut(16) {
            let fresh = Zeroizing::new(entropy.sixteen()?);
            part.copy_from_slice(fresh.get(..part.len())?);
        }
        // Whoever was faster is read in the next round, and so is this one.
        let _ = host::set_shared(place, made.as_slice(), Some(host::ABSENT));
    }
    None
}
