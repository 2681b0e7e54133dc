//! One issuer that is asked about tokens: what is known, and what is being asked.
//!
//! Calls are the root context's alone, and one for each token: a client that goes away takes no call
//! with it, and however many bring a token, the issuer is asked once.

use core::cell::RefCell;
use core::net::IpAddr;
use core::time::Duration;
use std::rc::Rc;

use crate::call_rates::CallRates;
use postern_jose::validator::{
    AnswerMemory, Introspection, Issuer, Remembered, TokenDigest, rate_exceeded, unreachable,
};
use postern_jose::{AccessToken, IntrospectionAnswer, IntrospectionRule, Verified, judge_introspection};
use postern_proxy::host::{self, Call, CallId, CallResponse, Counter};
use postern_refusal::Refusal;
use zeroize::Zeroizing;

/// What an issuer says about tokens, in one VM.
pub(crate) struct Introspector {
    settings: Introspection,
    issuer: Issuer,
    skew: u64,
    rates: CallRates,
    memory: RefCell<AnswerMemory>,
    pending: RefCell<Vec<Pending>>,
    calls: Counter,
    failures: Counter,
}

/// A token that is being asked about.
struct Pending {
    token: TokenDigest,
    call: PendingCall,
    /// It was good before: invented tokens, which anybody can send, take no place from it.
    was_active: bool,
    /// No answer comes later, in seconds since 1970-01-01T00:00:00Z.
    until: u64,
}

enum PendingCall {
    /// To be sent when the root context runs.
    Queued(Zeroizing<String>),
    Sent(CallId),
}

/// What is known about a token now.
pub(crate) enum Known {
    Good(Rc<Verified<AccessToken>>),
    Refused(Refusal),
    /// An answer may come.
    Pending(TokenDigest),
}

impl Introspector {
    pub(crate) fn new(issuer: &Issuer, settings: &Introspection, skew: u64) -> Self {
        Self {
            rates: CallRates::new(settings),
            memory: RefCell::new(AnswerMemory::new(settings)),
            pending: RefCell::default(),
            calls: Counter::define("postern.token-validator.introspection_calls"),
            failures: Counter::define("postern.token-validator.introspection_calls_failed"),
            settings: settings.clone(),
            // The secret is with the settings alone.
            issuer: Issuer { introspection: None, ..issuer.clone() },
            skew,
        }
    }

    /// What is known about the token; asks when nothing is.
    pub(crate) fn ask(&self, text: &str, now: u64, client: impl FnOnce() -> Option<IpAddr>) -> Known {
        let token = TokenDigest::of(text);
        let was_active = match self.remembered(&token, now) {
            Remembered::Active(good) => return Known::Good(good),
            Remembered::Refused(refusal) => return Known::Refused(refusal),
            Remembered::WasActive => true,
            Remembered::Nothing => false,
        };
        if self.is_pending(&token) {
            return Known::Pending(token);
        }
        match self.enqueue(token, text, now, was_active, client()) {
            Ok(()) => Known::Pending(token),
            Err(refusal) => Known::Refused(refusal),
        }
    }

    /// What is known about a token that was asked about.
    pub(crate) fn find(&self, text: &str, now: u64) -> Known {
        let token = TokenDigest::of(text);
        match self.remembered(&token, now) {
            Remembered::Active(good) => Known::Good(good),
            Remembered::Refused(refusal) => Known::Refused(refusal),
            _ if self.is_pending(&token) => Known::Pending(token),
            _ => Known::Refused(unreachable("no answer in time")),
        }
    }

    /// Whether an answer about the token may still come.
    pub(crate) fn is_pending(&self, token: &TokenDigest) -> bool {
        self.pending.try_borrow().is_ok_and(|all| all.iter().any(|one| one.token == *token))
    }

    /// The longest time that a request waits, in seconds.
    pub(crate) fn patience(&self) -> u64 {
        self.settings.timeout_seconds().saturating_add(2)
    }

    /// Sends what is to be sent, and gives up what never came back.
    pub(crate) fn tick(&self) {
        let Some(now) = host::now() else { return };
        let Ok(mut pending) = self.pending.try_borrow_mut() else { return };
        let mut failed = Vec::new();
        pending.retain_mut(|one| {
            if now >= one.until {
                failed.push((one.token, "no answer in time".to_owned()));
                return false;
            }
            let PendingCall::Queued(text) = &one.call else { return true };
            match self.send(text) {
                Ok(call) => {
                    one.call = PendingCall::Sent(call);
                    true
                }
                Err(reason) => {
                    failed.push((one.token, reason));
                    false
                }
            }
        });
        drop(pending);
        for (token, reason) in failed {
            self.judged(token, Err(unreachable(&reason)), now);
        }
    }

    /// The response to a call of [`Self::tick`].
    pub(crate) fn answered(&self, call: CallId, response: Option<&CallResponse>) {
        let Ok(mut pending) = self.pending.try_borrow_mut() else { return };
        let is_it = |one: &Pending| matches!(one.call, PendingCall::Sent(sent) if sent == call);
        let Some(position) = pending.iter().position(is_it) else { return };
        let token = pending.swap_remove(position).token;
        drop(pending);
        let Some(now) = host::now() else { return };
        let judged = match response {
            None => Err(unreachable("no response, or one that is too large")),
            Some(response) => self.judge(response, now),
        };
        self.judged(token, judged, now);
    }

    fn remembered(&self, token: &TokenDigest, now: u64) -> Remembered {
        self.memory.try_borrow_mut().map_or(Remembered::Nothing, |mut memory| memory.find(token, now))
    }

    fn enqueue(
        &self,
        token: TokenDigest,
        text: &str,
        now: u64,
        was_active: bool,
        client: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        let most = self.settings.concurrent_calls;
        let full = || rate_exceeded(&format!("{most} calls under way at most"));
        let Ok(mut pending) = self.pending.try_borrow_mut() else { return Err(full()) };
        if pending.iter().filter(|one| one.was_active == was_active).count() >= most {
            return Err(full());
        }
        if was_active {
            self.rates.take_known()?;
        } else {
            self.rates.take_unknown(client)?;
        }
        pending.push(Pending {
            token,
            call: PendingCall::Queued(Zeroizing::new(text.to_owned())),
            was_active,
            until: now.saturating_add(self.patience()),
        });
        Ok(())
    }

    fn send(&self, token: &str) -> Result<CallId, String> {
        let request = self.settings.request(token).ok_or("the client secret is missing")?;
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if let Some(authorization) = &request.authorization {
            headers.push(("authorization", authorization.as_str()));
        }
        let call = Call {
            cluster: self.settings.cluster.clone(),
            method: "POST",
            authority: self.settings.authority.clone(),
            path: self.settings.path.clone(),
            timeout: Duration::from_millis(self.settings.timeout_milliseconds),
            limit: postern_jose::MAX_INTROSPECTION_ANSWER,
        };
        self.calls.increment();
        call.send_body(&headers, request.body.as_bytes())
            .map_err(|failed| format!("the call can't be sent: {failed}"))
    }

    fn judge(&self, response: &CallResponse, now: u64) -> Result<Verified<AccessToken>, Refusal> {
        let types: Vec<&[u8]> = response
            .headers
            .iter()
            .filter(|(name, _)| *name == b"content-type")
            .map(|(_, value)| value)
            .collect();
        let answer =
            IntrospectionAnswer { status: response.status, content_types: &types, body: &response.body };
        let audiences: Vec<&str> = self.issuer.audiences.iter().map(String::as_str).collect();
        let rule = IntrospectionRule {
            issuer: &self.issuer.issuer,
            audiences: &audiences,
            may_lack: &self.settings.may_lack,
            max_lifetime: self.issuer.max_token_lifetime_seconds,
            max_cache: self.settings.max_cache_seconds,
            skew: self.skew,
        };
        judge_introspection(&answer, &rule, now)
    }

    fn judged(&self, token: TokenDigest, judged: Result<Verified<AccessToken>, Refusal>, now: u64) {
        if let Err(refusal) = &judged
            && refusal.status != 401
        {
            self.failures.increment();
            host::warn(&format!(
                "token-validator: {} says nothing about a token: {refusal}",
                self.issuer.issuer
            ));
        }
        if let Ok(mut memory) = self.memory.try_borrow_mut() {
            memory.remember(token, judged, now);
        }
    }
}
