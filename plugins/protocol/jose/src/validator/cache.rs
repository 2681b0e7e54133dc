//! Tokens whose signatures were good a moment ago.

use core::hash::BuildHasher as _;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::rc::Rc;

use crate::access_token::AccessToken;
use crate::verified::Verified;

/// Longest token that is remembered, in bytes: with the number of tokens a bound on the memory.
pub const MAX_CACHED_TOKEN: usize = 4_096;

/// Verified tokens by their whole text, in two generations: when the younger one is full, it
/// becomes the older one, and what was not asked for since is forgotten. Both together hold as
/// many tokens as were allowed.
#[derive(Debug)]
pub struct TokenCache {
    /// Keyed by [`Self::hash`].
    younger: HashMap<u64, Remembered>,
    older: HashMap<u64, Remembered>,
    generation: usize,
    /// Has a key that no client knows.
    hasher: RandomState,
}

#[derive(Debug)]
struct Remembered {
    text: String,
    token: Rc<Verified<AccessToken>>,
}

impl TokenCache {
    /// A cache for so many tokens; none when it is 0.
    pub fn new(tokens: usize) -> Self {
        Self {
            younger: HashMap::new(),
            older: HashMap::new(),
            generation: tokens.div_ceil(2),
            hasher: RandomState::new(),
        }
    }

    /// The token with this text, unless it has expired by now. Its other claims were judged when
    /// it was remembered, and do not change.
    pub fn find(&mut self, text: &str, now: u64, skew: u64) -> Option<Rc<Verified<AccessToken>>> {
        let hash = self.hash(text);
        let found = match self.younger.get(&hash) {
            Some(remembered) => Rc::clone(remembered.token_of(text)?),
            None => {
                let found = Rc::clone(self.older.get(&hash)?.token_of(text)?);
                let remembered = self.older.remove(&hash)?;
                self.insert(hash, remembered);
                found
            }
        };
        (now < found.get().expires_at.saturating_add(skew)).then_some(found)
    }

    /// Remembers a token that was accepted.
    pub fn remember(&mut self, text: &str, token: &Rc<Verified<AccessToken>>) {
        if text.len() <= MAX_CACHED_TOKEN {
            let remembered = Remembered { text: text.to_owned(), token: Rc::clone(token) };
            self.insert(self.hash(text), remembered);
        }
    }

    /// Forgets all: a key may have been withdrawn.
    pub fn clear(&mut self) {
        self.younger.clear();
        self.older.clear();
    }

    /// Of its end, the signature, in which tokens differ: only those are remembered that were verified,
    /// so that nobody can choose what is there, and what is found is compared as a whole.
    fn hash(&self, text: &str) -> u64 {
        let end = text.as_bytes().last_chunk::<32>().map_or(text.as_bytes(), <[u8; 32]>::as_slice);
        self.hasher.hash_one(end)
    }

    fn insert(&mut self, hash: u64, remembered: Remembered) {
        if self.generation == 0 {
            return;
        }
        if self.younger.len() >= self.generation {
            self.older = core::mem::take(&mut self.younger);
        }
        self.younger.insert(hash, remembered);
    }
}

impl Remembered {
    /// The token, when it has this text: another one could have the same hash.
    fn token_of(&self, text: &str) -> Option<&Rc<Verified<AccessToken>>> {
        is_same(self.text.as_bytes(), text.as_bytes()).then_some(&self.token)
    }
}

/// Every byte is looked at, 16 at a time where there is SIMD; `==` takes them one by one in wasm.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Claims;
    use crate::json::Object;

    fn token(expires_at: u64) -> Rc<Verified<AccessToken>> {
        Rc::new(Verified::new(AccessToken {
            issuer: "https://sso.example.com".into(),
            subject: "alice".into(),
            client_id: "shop".into(),
            scopes: Default::default(),
            audience: Vec::new(),
            token_id: None,
            issued_at: 0,
            expires_at,
            grant: None,
            claims: Claims::new(Object::new()),
        }))
    }

    #[test]
    fn a_token_is_found_until_it_expires() {
        let mut cache = TokenCache::new(4);
        cache.remember("a", &token(100));
        assert!(cache.find("a", 129, 30).is_some());
        assert!(cache.find("a", 130, 30).is_none());
        assert!(cache.find("A", 1, 30).is_none());
        // Another beginning before the same end is another token.
        let end = "e".repeat(40);
        cache.remember(&format!("a{end}"), &token(100));
        assert!(cache.find(&format!("a{end}"), 1, 30).is_some());
        assert!(cache.find(&format!("b{end}"), 1, 30).is_none());
        assert!(is_same(b"a", b"a") && !is_same(b"a", b"b") && !is_same(b"a", b"ab"));
        cache.clear();
        assert!(cache.find("a", 1, 30).is_none());
    }

    #[test]
    fn it_never_holds_more_than_allowed() {
        let mut cache = TokenCache::new(10);
        for number in 0..1_000 {
            cache.remember(&number.to_string(), &token(100));
            cache.find("0", 1, 0);
            assert!(cache.younger.len() + cache.older.len() <= 10);
        }
        assert!(cache.find("999", 1, 0).is_some());
        assert!(cache.find("0", 1, 0).is_some(), "what is asked for stays");
        let mut none = TokenCache::new(0);
        none.remember("a", &token(100));
        assert!(none.find("a", 1, 0).is_none());
        cache.remember(&"a".repeat(5_000), &token(100));
        assert!(cache.find(&"a".repeat(5_000), 1, 0).is_none());
    }
}
