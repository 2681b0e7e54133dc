//! What an issuer answered a moment ago.

use std::rc::Rc;

use super::generations::Generations;
use super::introspection_settings::Introspection;
use super::token_digest::TokenDigest;
use crate::access_token::AccessToken;
use crate::verified::Verified;
use postern_refusal::Refusal;

/// How long a failed call is remembered, in seconds: those who wait for it hear of it, and nobody asks
/// again at once.
const FAILED: u64 = 2;

/// Answers of one issuer. Tokens that were refused have a room of their own: whoever invents tokens
/// drives no good one out.
#[derive(Debug)]
pub struct AnswerMemory {
    active: Generations<Active>,
    refused: Generations<Refused>,
    max_cache: u64,
    refused_cache: u64,
}

#[derive(Debug)]
struct Active {
    token: Rc<Verified<AccessToken>>,
    until: u64,
}

#[derive(Debug)]
struct Refused {
    refusal: Refusal,
    until: u64,
}

/// What is known about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It is good.
    Active(Rc<Verified<AccessToken>>),
    /// It is refused, or could not be asked about.
    Refused(Refusal),
    /// It was good when it was asked about last.
    WasActive,
    /// Nothing.
    Nothing,
}

impl AnswerMemory {
    /// With the bounds of the settings.
    pub fn new(settings: &Introspection) -> Self {
        Self {
            active: Generations::new(settings.cached_tokens),
            refused: Generations::new(settings.cached_refusals),
            max_cache: settings.max_cache_seconds,
            refused_cache: settings.refused_cache_seconds,
        }
    }

    /// What is known at that time.
    pub fn find(&mut self, token: &TokenDigest, now: u64) -> Remembered {
        if let Some(found) = self.refused.find(token)
            && now < found.until
        {
            return Remembered::Refused(found.refusal.clone());
        }
        match self.active.find(token) {
            Some(found) if now < found.until => Remembered::Active(Rc::clone(&found.token)),
            Some(_) => Remembered::WasActive,
            None => Remembered::Nothing,
        }
    }

    /// Remembers a judged answer. What is about the token counts for the time that the settings say, a
    /// call that failed for a moment.
    pub fn remember(&mut self, token: TokenDigest, judged: Result<Verified<AccessToken>, Refusal>, now: u64) {
        match judged {
            Ok(good) => {
                let longest = now.saturating_add(self.max_cache);
                // Where clocks differ it may have expired here: the issuer has just said that it is good.
                let until = good.get().expires_at.min(longest).max(now.saturating_add(1));
                self.refused.remove(&token);
                self.active.insert(token, Active { token: Rc::new(good), until });
            }
            Err(refusal) => {
                let seconds = if refusal.status == 401 { self.refused_cache } else { FAILED };
                if refusal.status == 401 {
                    self.active.remove(&token);
                }
                let until = now.saturating_add(seconds);
                self.refused.insert(token, Refused { refusal, until });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::introspection::{IntrospectionAnswer, IntrospectionRule, judge_introspection};

    const NOW: u64 = 1_790_000_000;

    fn settings() -> Introspection {
        let mut settings = Introspection::new("idp", "idp.example.com", "/introspect", "api");
        settings.cached_tokens = 16;
        settings.cached_refusals = 16;
        settings
    }

    fn judged(active: bool, exp: u64) -> Result<Verified<AccessToken>, Refusal> {
        let body = format!(
            r#"{{"active":{active},"iss":"https://i","aud":"a","sub":"s","client_id":"c","token_type":"Bearer",
               "iat":{},"exp":{exp}}}"#,
            NOW - 10
        );
        let answer =
            IntrospectionAnswer { status: 200, content_types: &[b"application/json"], body: body.as_bytes() };
        let rule = IntrospectionRule {
            issuer: "https://i",
            audiences: &["a"],
            may_lack: &[],
            max_lifetime: 3_600,
            max_cache: 30,
            skew: 30,
        };
        judge_introspection(&answer, &rule, NOW)
    }

    fn is_active(found: &Remembered) -> bool {
        matches!(found, Remembered::Active(_))
    }

    #[test]
    fn an_answer_is_good_until_it_expires_or_the_time_is_over() {
        let mut memory = AnswerMemory::new(&settings());
        let (long, short) = (TokenDigest::of("long"), TokenDigest::of("short"));
        memory.remember(long, judged(true, NOW + 300), NOW);
        memory.remember(short, judged(true, NOW + 5), NOW);
        assert!(is_active(&memory.find(&long, NOW + 29)) && is_active(&memory.find(&short, NOW + 4)));
        assert_eq!(memory.find(&long, NOW + 30), Remembered::WasActive);
        assert_eq!(memory.find(&short, NOW + 5), Remembered::WasActive);
        assert_eq!(memory.find(&TokenDigest::of("other"), NOW), Remembered::Nothing);
    }

    #[test]
    fn what_is_revoked_is_refused_and_no_longer_known_as_good() {
        let mut memory = AnswerMemory::new(&settings());
        let token = TokenDigest::of("t");
        memory.remember(token, judged(true, NOW + 300), NOW);
        memory.remember(token, judged(false, NOW), NOW + 30);
        let Remembered::Refused(refusal) = memory.find(&token, NOW + 39) else { panic!("it is revoked") };
        assert_eq!((refusal.code, refusal.status), ("token.introspection.inactive", 401));
        assert_eq!(memory.find(&token, NOW + 40), Remembered::Nothing);
        memory.remember(token, judged(true, NOW + 300), NOW + 35);
        assert!(is_active(&memory.find(&token, NOW + 36)), "and good again when the issuer says so");
    }

    #[test]
    fn a_failed_call_is_forgotten_in_a_moment_and_changes_nothing() {
        let mut memory = AnswerMemory::new(&settings());
        let token = TokenDigest::of("t");
        memory.remember(token, judged(true, NOW + 300), NOW);
        let failed = Refusal::misbehaved("token.introspection.status").with_status(503);
        memory.remember(token, Err(failed.clone()), NOW + 30);
        assert_eq!(memory.find(&token, NOW + 31), Remembered::Refused(failed));
        assert_eq!(memory.find(&token, NOW + 32), Remembered::WasActive);
    }

    #[test]
    fn invented_tokens_drive_no_good_one_out() {
        let mut memory = AnswerMemory::new(&settings());
        let token = TokenDigest::of("good");
        memory.remember(token, judged(true, NOW + 300), NOW);
        for number in 0..1_000 {
            memory.remember(TokenDigest::of(&format!("{number}")), judged(false, 0), NOW);
        }
        assert!(is_active(&memory.find(&token, NOW + 1)));
        assert!(memory.refused.len() <= 16);
        for number in 0..1_000 {
            memory.remember(TokenDigest::of(&format!("{number}")), judged(true, NOW + 9), NOW);
        }
        assert!(memory.active.len() <= 16);
        assert_eq!(format!("{token:?}"), "TokenDigest");
    }
}
