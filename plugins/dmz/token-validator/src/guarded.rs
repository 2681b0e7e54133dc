//! One request.

use std::rc::Rc;

use crate::TokenValidator;
use crate::keys::{IssuerKeys, Refetch};
use postern_endpoint::{RequestTarget, is_reserved};
use postern_jose::validator::{
    CLIENT_ID_HEADER, Denial, Route, SCOPE_HEADER, SUBJECT_HEADER, check_scopes, deny, find_route, headers,
    not_ready, read_bearer,
};
use postern_jose::{AccessToken, AccessTokenRule, KeySet, Verified, judge_access_token};
use postern_proxy::host::{self, CallResponse};
use postern_proxy::{Exchange, HeadersVerdict, Judgement, Request, Response};
use postern_refusal::Refusal;

/// The code for which keys are fetched again.
const UNKNOWN_KEY: &str = "jose.kid.unknown";

/// A request on its way through the filter.
pub struct Guarded {
    filter: Rc<TokenValidator>,
}

impl Exchange for Guarded {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        match self.judge(request) {
            Ok(()) => HeadersVerdict::Continue,
            Err(denial) if denial.refusal.code == UNKNOWN_KEY => self.look_again(request, denial),
            Err(denial) => HeadersVerdict::Refuse(answer(denial)),
        }
    }

    fn on_call_response(&mut self, request: &Request, response: Option<CallResponse>) -> Judgement {
        self.filter.with_keys(|keys| keys.take(response));
        self.judge(request).map_err(answer).into()
    }
}

impl Guarded {
    pub(crate) fn new(filter: Rc<TokenValidator>) -> Self {
        Self { filter }
    }

    /// Another worker may have the key by now, or the issuer is asked, or the key is unknown.
    fn look_again(&self, request: &Request, denial: Denial) -> HeadersVerdict {
        match self.filter.with_keys(IssuerKeys::refetch) {
            Some(Refetch::Changed) => {
                let judgement: Judgement = self.judge(request).map_err(answer).into();
                judgement.into()
            }
            Some(Refetch::Call(call)) => HeadersVerdict::HoldForCall(call),
            Some(Refetch::Pause) | None => HeadersVerdict::Refuse(answer(denial)),
        }
    }

    fn judge(&self, request: &Request) -> Result<(), Denial> {
        // A path that two readers read in two ways could reach a guarded one unguarded.
        let target = RequestTarget::parse(request.target()).map_err(plain)?;
        let configuration = &self.filter.configuration;
        let Some(route) = find_route(&configuration.routes, target.path()) else {
            return self.strip(request, None).map_err(plain);
        };
        let authorization: Vec<&[u8]> =
            request.headers().filter(|(name, _)| *name == b"authorization").map(|(_, value)| value).collect();
        let token = self.verify(read_bearer(&authorization)?)?;
        check_scopes(token.get(), &route.scopes)?;
        self.strip(request, Some(route)).map_err(plain)?;
        hand_on(request, token.get(), route).map_err(plain)
    }

    /// Verified now or a moment ago.
    fn verify(&self, text: &str) -> Result<Rc<Verified<AccessToken>>, Denial> {
        let configuration = &self.filter.configuration;
        let now = host::now().ok_or_else(not_ready)?;
        let skew = configuration.clock_skew_seconds;
        let keys = self.keys().ok_or_else(not_ready)?;
        if let Ok(mut cache) = self.filter.cache.try_borrow_mut()
            && let Some(token) = cache.find(text, now, skew)
        {
            return Ok(token);
        }
        let rule = AccessTokenRule {
            issuer: &configuration.issuer,
            audiences: &[&configuration.audience],
            algorithms: &self.filter.algorithms,
            max_lifetime: configuration.max_token_lifetime_seconds,
            skew,
        };
        let token = judge_access_token(text, &rule, &keys, now, &self.filter.verifier).map_err(deny)?;
        let token = Rc::new(token);
        if let Ok(mut cache) = self.filter.cache.try_borrow_mut() {
            cache.remember(text, &token);
        }
        Ok(token)
    }

    fn keys(&self) -> Option<Rc<KeySet>> {
        self.filter.keys.try_borrow().ok()?.set()
    }

    /// Removes what a client says in our name. Behind the endpoint filter that is done, and what
    /// is there is that filter's; the headers of this one go all the same.
    fn strip(&self, request: &Request, route: Option<&Route>) -> Result<(), Refusal> {
        let earlier = self.filter.configuration.behind_endpoint_filter;
        for (name, _) in request.headers().filter(|(name, _)| is_reserved(name)) {
            if !earlier || is_own(name, route) {
                request.remove_header(name)?;
            }
        }
        Ok(())
    }
}

/// Whether the header, which has the reserved prefix, is one that this filter sets.
fn is_own(name: &[u8], route: Option<&Route>) -> bool {
    let own = [SUBJECT_HEADER, CLIENT_ID_HEADER, SCOPE_HEADER];
    let mapped = route.into_iter().flat_map(|route| route.claims_to_headers.values().map(String::as_str));
    own.into_iter().chain(mapped).any(|own| own.as_bytes() == name)
}

fn hand_on(request: &Request, token: &AccessToken, route: &Route) -> Result<(), Refusal> {
    headers(token, route).iter().try_for_each(|(name, value)| request.set_header(name, value.as_bytes()))
}

fn plain(refusal: Refusal) -> Denial {
    Denial { refusal, challenge: None }
}

fn answer(denial: Denial) -> Response {
    let response = Response::from(denial.refusal);
    match denial.challenge {
        Some(challenge) => response.with_header("www-authenticate", &challenge),
        None => response,
    }
}
