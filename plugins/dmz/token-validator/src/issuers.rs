//! The issuers, each with its own keys and its own rule.

use core::cell::RefCell;
use std::rc::Rc;

use crate::keys::IssuerKeys;
use postern_jose::validator::Issuer;
use postern_jose::{AccessTokenRule, KeySet, unknown_issuer};
use postern_proxy::host::{CallId, CallResponse};
use postern_refusal::Refusal;
use postern_signature::Algorithm;

/// All of them.
pub(crate) struct Issuers(Vec<KnownIssuer>);

/// One of them.
pub(crate) struct KnownIssuer {
    settings: Issuer,
    algorithms: Vec<Algorithm>,
    keys: RefCell<IssuerKeys>,
}

impl Issuers {
    pub(crate) fn new(issuers: &[Issuer]) -> Result<Self, Refusal> {
        let known = |issuer: &Issuer| {
            Ok(KnownIssuer {
                algorithms: issuer.allowed_algorithms()?,
                keys: RefCell::new(IssuerKeys::new(&issuer.jwks)),
                settings: issuer.clone(),
            })
        };
        issuers.iter().map(known).collect::<Result<_, _>>().map(Self)
    }

    /// The issuer that a token claims, which alone may have signed it.
    pub(crate) fn find(&self, claimed: &str) -> Result<&KnownIssuer, Refusal> {
        self.0.iter().find(|known| known.settings.issuer == claimed).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|known| known.settings.issuer.as_str()).collect();
            unknown_issuer(claimed, &names.join(", "))
        })
    }

    pub(crate) fn tick(&self) {
        self.each(IssuerKeys::tick);
    }

    pub(crate) fn fetched(&self, call: CallId, response: Option<&CallResponse>) {
        self.each(|keys| keys.fetched(call, response));
    }

    /// Changes whenever the keys of one of them change.
    pub(crate) fn generation(&self) -> u64 {
        let generation = |known: &KnownIssuer| known.keys.try_borrow().map_or(0, |keys| keys.generation());
        self.0.iter().map(generation).fold(0, u64::wrapping_add)
    }

    fn each(&self, change: impl Fn(&mut IssuerKeys)) {
        for known in &self.0 {
            if let Ok(mut keys) = known.keys.try_borrow_mut() {
                change(&mut keys);
            }
        }
    }
}

impl KnownIssuer {
    pub(crate) fn keys(&self) -> Option<Rc<KeySet>> {
        self.keys.try_borrow().ok()?.set()
    }

    /// A token names a key that is not there.
    pub(crate) fn miss(&self) {
        if let Ok(mut keys) = self.keys.try_borrow_mut() {
            keys.miss();
        }
    }

    /// Whether its keys are being fetched, or are about to be.
    pub(crate) fn is_pending(&self) -> bool {
        self.keys.try_borrow().is_ok_and(|keys| keys.is_pending())
    }

    /// The longest time that a request waits for its keys, in seconds.
    pub(crate) fn patience(&self) -> u64 {
        self.settings.jwks.timeout_seconds().saturating_add(1)
    }

    /// The rule for its tokens; `audiences` is what [`Self::audiences`] gave.
    pub(crate) fn rule<'a>(
        &'a self,
        audiences: &'a [&'a str],
        types: &'a [&'a str],
        skew: u64,
    ) -> AccessTokenRule<'a> {
        AccessTokenRule {
            issuer: &self.settings.issuer,
            audiences,
            algorithms: &self.algorithms,
            types,
            max_lifetime: self.settings.max_token_lifetime_seconds,
            skew,
        }
    }

    pub(crate) fn audiences(&self) -> Vec<&str> {
        self.settings.audiences.iter().map(String::as_str).collect()
    }

    pub(crate) fn types(&self) -> Vec<&str> {
        self.settings.token_types.iter().map(String::as_str).collect()
    }
}
