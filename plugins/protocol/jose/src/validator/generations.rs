//! A bounded map that forgets what was not asked for.

use std::collections::HashMap;

use super::token_digest::TokenDigest;

/// Values by the digest of a token, in two generations: when the younger one is full, it becomes the
/// older one, and what was not asked for since is forgotten.
#[derive(Debug)]
pub(super) struct Generations<V> {
    younger: HashMap<TokenDigest, V>,
    older: HashMap<TokenDigest, V>,
    generation: usize,
}

impl<V> Generations<V> {
    /// Room for so many.
    pub(super) fn new(most: usize) -> Self {
        Self { younger: HashMap::new(), older: HashMap::new(), generation: most.div_ceil(2).max(1) }
    }

    pub(super) fn find(&mut self, key: &TokenDigest) -> Option<&V> {
        if !self.younger.contains_key(key)
            && let Some(value) = self.older.remove(key)
        {
            self.insert(*key, value);
        }
        self.younger.get(key)
    }

    pub(super) fn insert(&mut self, key: TokenDigest, value: V) {
        self.older.remove(&key);
        if self.younger.len() >= self.generation && !self.younger.contains_key(&key) {
            self.older = core::mem::take(&mut self.younger);
        }
        self.younger.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &TokenDigest) {
        self.younger.remove(key);
        self.older.remove(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.younger.len().saturating_add(self.older.len())
    }
}
