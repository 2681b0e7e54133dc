//! The issuers, each with its own keys and its own rule.

use core::cell::RefCell;
use std::rc::Rc;

use crate::introspector::Introspector;
use crate::keys::IssuerKeys;
use postern_jose::validator::{Issuer, JwksSource};
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
    /// None: it is asked about all of its tokens.
    keys: Option<RefCell<IssuerKeys>>,
    introspector: Option<Introspector>,
}

impl Issuers {
    pub(crate) fn new(issuers: &[Issuer], skew: u64) -> Result<Self, Refusal> {
        let known = |issuer: &Issuer| {
            let asked = issuer.introspection.as_ref();
            let algorithms = issuer.jwks.as_ref().map(|_| issuer.allowed_algorithms()).transpose()?;
            Ok(KnownIssuer {
                algorithms: algorithms.unwrap_or_default(),
                keys: issuer.jwks.as_ref().map(|jwks| RefCell::new(IssuerKeys::new(jwks))),
                introspector: asked.map(|settings| Introspector::new(issuer, settings, skew)),
                settings: Issuer { introspection: None, ..issuer.clone() },
            })
        };
        issuers.iter().map(known).collect::<Result<_, _>>().map(Self)
    }

    /// The issuer that a token claims, which alone may have signed it.
    pub(crate) fn find(&self, claimed: &str) -> Result<&KnownIssuer, Refusal> {
        let signs = |known: &&KnownIssuer| known.keys.is_some() && known.settings.issuer == claimed;
        self.0.iter().find(signs).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|known| known.settings.issuer.as_str()).collect();
            unknown_issuer(claimed, &names.join(", "))
        })
    }

    /// The one at that place, which is asked about tokens.
    pub(crate) fn introspector(&self, position: usize) -> Option<&Introspector> {
        self.0.get(position)?.introspector.as_ref()
    }

    pub(crate) fn tick(&self) {
        self.each(IssuerKeys::tick);
        self.introspectors().for_each(Introspector::tick);
    }

    pub(crate) fn called(&self, call: CallId, response: Option<&CallResponse>) {
        self.each(|keys| keys.fetched(call, response));
        self.introspectors().for_each(|asked| asked.answered(call, response));
    }

    fn introspectors(&self) -> impl Iterator<Item = &Introspector> {
        self.0.iter().filter_map(|known| known.introspector.as_ref())
    }

    /// Changes whenever the keys of one of them change.
    pub(crate) fn generation(&self) -> u64 {
        let keys = self.0.iter().filter_map(|known| known.keys.as_ref());
        keys.map(|keys| keys.try_borrow().map_or(0, |keys| keys.generation())).fold(0, u64::wrapping_add)
    }

    fn each(&self, change: impl Fn(&mut IssuerKeys)) {
        for keys in self.0.iter().filter_map(|known| known.keys.as_ref()) {
            if let Ok(mut keys) = keys.try_borrow_mut() {
                change(&mut keys);
            }
        }
    }
}

impl KnownIssuer {
    pub(crate) fn keys(&self) -> Option<Rc<KeySet>> {
        self.keys.as_ref()?.try_borrow().ok()?.set()
    }

    /// A token names a key that is not there.
    pub(crate) fn miss(&self) {
        if let Some(keys) = &self.keys
            && let Ok(mut keys) = keys.try_borrow_mut()
        {
            keys.miss();
        }
    }

    /// Whether its keys are being fetched, or are about to be.
    pub(crate) fn is_pending(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.try_borrow().is_ok_and(|keys| keys.is_pending()))
    }

    /// The longest time that a request waits for its keys, in seconds.
    pub(crate) fn patience(&self) -> u64 {
        self.settings.jwks.as_ref().map_or(0, JwksSource::timeout_seconds).saturating_add(1)
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
