//! Refusals among the proxy's statistics.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::host::Counter;

/// Most reason codes that are counted by name. They are literals of the rules, about 300: this bounds
/// what a mistake in one of them could cost the proxy, which never gives a name back.
const MOST: usize = 512;

/// Counts refusals, all together as `postern.<filter>.refused` and each reason code as
/// `postern.<filter>.refused.<code>`.
pub(crate) struct Refusals {
    filter: &'static str,
    all: Counter,
    by_code: RefCell<BTreeMap<&'static str, Counter>>,
}

impl Refusals {
    pub(crate) fn new(filter: &'static str) -> Self {
        let all = Counter::define(&format!("postern.{filter}.refused"));
        Self { filter, all, by_code: RefCell::default() }
    }

    pub(crate) fn count(&self, code: &'static str) {
        self.all.increment();
        let Ok(mut by_code) = self.by_code.try_borrow_mut() else { return };
        if by_code.len() < MOST || by_code.contains_key(code) {
            let define = || Counter::define(&format!("postern.{}.refused.{code}", self.filter));
            by_code.entry(code).or_insert_with(define).increment();
        }
    }
}
