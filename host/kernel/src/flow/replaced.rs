//! Authenticators whose file was replaced: who has begun with the old one finishes on it.
//!
//! A challenge remembers the file that made it. The next answer goes to that file, as long as it is kept: until
//! no sign-in that began with it can be under way. After that, or on another node or after a restart, the
//! sign-in begins this step anew with the file that there is: no file gets the state of another one.

use super::{EnabledAuthenticator, ModuleSet};
use crate::clock::Timestamp;

/// Old files that are kept for one name; a further one puts the oldest out.
const MOST: usize = 4;

/// An authenticator of before.
#[derive(Clone)]
pub struct Replaced {
    /// With the settings of its time.
    pub enabled: EnabledAuthenticator,
    /// When the last sign-in that began with it is over.
    pub until: Timestamp,
}

impl ModuleSet {
    /// Keeps of `before` what this set has another file for. `allowed` says whether an old file may serve on:
    /// one that the operator forbids by its digest may not.
    pub fn keep_replaced(
        &mut self,
        before: &Self,
        now: Timestamp,
        until: Timestamp,
        allowed: impl Fn(&EnabledAuthenticator) -> bool,
    ) {
        let of_now = before.authenticators.iter().map(|enabled| Replaced { enabled: enabled.clone(), until });
        let earlier = before.replaced.iter().filter(|old| old.until > now).cloned();
        for old in of_now.chain(earlier) {
            let name = old.enabled.name();
            let Some(current) = self.authenticator(name) else { continue };
            let is_known = current.is_of(old.enabled.module.digest())
                || self.replaced.iter().any(|kept| {
                    // Another name may run the same file.
                    kept.enabled.name() == name && kept.enabled.is_of(old.enabled.module.digest())
                });
            let kept = self.replaced.iter().filter(|kept| kept.enabled.name() == name).count();
            if !is_known && kept < MOST && allowed(&old.enabled) {
                self.replaced.push(old);
            }
        }
    }

    /// The authenticator as the sign-in has begun with it; `None` when that file is gone. Without a digest,
    /// which sign-ins of a release before have not, the one that there is.
    pub(super) fn in_version<'m>(
        &'m self,
        current: &'m EnabledAuthenticator,
        digest: &str,
        now: Timestamp,
    ) -> Option<&'m EnabledAuthenticator> {
        if digest.is_empty() || current.is_of(digest) {
            return Some(current);
        }
        let of_it = |old: &&Replaced| {
            old.enabled.name() == current.name() && old.enabled.is_of(digest) && old.until > now
        };
        self.replaced.iter().find(of_it).map(|old| &old.enabled)
    }
}

impl EnabledAuthenticator {
    fn is_of(&self, digest: &str) -> bool {
        self.module.digest() == digest
    }
}
