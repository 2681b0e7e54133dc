//! One request.

use core::cell::OnceCell;
use core::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use crate::TokenValidator;
use crate::introspector::{Introspector, Known};
use crate::issuers::KnownIssuer;
use postern_endpoint::{RequestTarget, is_reserved};
use postern_jose::validator::{
    CLIENT_ID_HEADER, Denial, Judge, Route, SCOPE_HEADER, SUBJECT_HEADER, Scheme, TokenDigest, check_route,
    demand_proof, deny, deny_answer, find_route, headers, logged, not_ready, read_authorization, unreachable,
};
use postern_jose::{
    AccessToken, CertificateDigest, UnverifiedAccessToken, Verified, check_binding, is_bound_to_certificate,
    read_certificate_digest,
};
use postern_oidc::{MAX_AUTHORIZATION_BODY, unexpected_body};
use postern_proxy::host;
use postern_proxy::{Exchange, HeadersVerdict, Judgement, Request, Response, ResponseHeaders};
use postern_refusal::Refusal;

/// The code for which keys are fetched again.
const UNKNOWN_KEY: &str = "jose.kid.unknown";

/// What the claims for the access log are called there.
const LOGGED: &str = "token";

/// A request on its way through the filter.
pub(crate) struct Guarded {
    filter: Rc<TokenValidator>,
    wait: Option<Wait>,
    /// For the client's next proof: its nonce will not be good for much longer.
    fresh_nonce: OnceCell<String>,
}

/// What a request waits for, and until when, in seconds since 1970-01-01T00:00:00Z.
enum Wait {
    Keys {
        issuer: String,
        /// Of the keys when it began to wait.
        generation: u64,
        until: u64,
    },
    Answer {
        /// Whose, among the issuers.
        position: usize,
        token: TokenDigest,
        until: u64,
    },
}

/// Why a request does not go on now.
enum Stop {
    /// It gets this answer.
    Denied(Denial),
    /// It gets this answer unless keys come that are being fetched.
    Keys {
        /// The issuer that the token claims.
        issuer: String,
        denial: Denial,
    },
    /// The issuer at that place is being asked about the token.
    Answer { position: usize, token: TokenDigest },
}

/// Whether an issuer is asked about a token of which nothing is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Yes,
    /// It was asked.
    No,
}

impl Exchange for Guarded {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        match self.is_authorization_request(request) {
            Ok(false) => {}
            Ok(true) if request.method() == b"GET" || request.method() == b"HEAD" => {
                if request.has_body() {
                    return HeadersVerdict::Refuse(answer(plain(unexpected_body())));
                }
                return Judgement::from(self.judge_authorization(request, &[]).map_err(answer)).into();
            }
            Ok(true) => return HeadersVerdict::HoldForBody(MAX_AUTHORIZATION_BODY),
            Err(denial) => return HeadersVerdict::Refuse(answer(denial)),
        }
        match self.judge(request, Asking::Yes) {
            Ok(()) => HeadersVerdict::Continue,
            Err(Stop::Denied(denial)) => HeadersVerdict::Refuse(answer(denial)),
            Err(Stop::Keys { issuer, denial }) => self.wait_for_keys(issuer, denial),
            Err(Stop::Answer { position, token }) => self.wait_for_answer(position, token),
        }
    }

    fn wants_response(&self) -> bool {
        self.fresh_nonce.get().is_some()
    }

    fn on_response_headers(&mut self, response: &ResponseHeaders) {
        if let Some(nonce) = self.fresh_nonce.get() {
            response.set("dpop-nonce", nonce.as_bytes());
        }
    }

    fn on_body(&mut self, request: &Request, body: &[u8]) -> Judgement {
        self.judge_authorization(request, body).map_err(answer).into()
    }

    fn on_wake(&mut self, request: &Request) -> Option<Judgement> {
        if self.is_waiting() {
            return None;
        }
        let judged = match self.judge(request, Asking::No) {
            Ok(()) => Ok(()),
            Err(Stop::Denied(denial) | Stop::Keys { denial, .. }) => Err(answer(denial)),
            Err(Stop::Answer { .. }) => Err(answer(deny_answer(unreachable("no answer in time")))),
        };
        Some(judged.into())
    }
}

impl Guarded {
    pub(crate) fn new(filter: Rc<TokenValidator>) -> Self {
        Self { filter, wait: None, fresh_nonce: OnceCell::new() }
    }

    /// A key that is not there may come with a fetch; without any keys one is under way, or the
    /// issuer is away.
    fn wait_for_keys(&mut self, issuer: String, denial: Denial) -> HeadersVerdict {
        let (Ok(known), Some(now)) = (self.filter.issuers.find(&issuer), host::now()) else {
            return HeadersVerdict::Refuse(answer(denial));
        };
        if denial.refusal.code == UNKNOWN_KEY {
            known.miss();
        }
        if !known.is_pending() {
            return HeadersVerdict::Refuse(answer(denial));
        }
        let patience = known.patience();
        let generation = self.filter.issuers.generation();
        self.wait = Some(Wait::Keys { issuer, generation, until: now.saturating_add(patience) });
        HeadersVerdict::Wait(patience)
    }

    fn wait_for_answer(&mut self, position: usize, token: TokenDigest) -> HeadersVerdict {
        let patience = self.filter.issuers.introspector(position).map_or(0, Introspector::patience);
        let until = host::now().unwrap_or(0).saturating_add(patience);
        self.wait = Some(Wait::Answer { position, token, until });
        HeadersVerdict::Wait(patience)
    }

    /// Whether what it waits for may still come.
    fn is_waiting(&self) -> bool {
        let issuers = &self.filter.issuers;
        let is_before = |until: u64| host::now().is_some_and(|now| now < until);
        match &self.wait {
            None => false,
            Some(Wait::Keys { issuer, generation, until }) => {
                issuers.generation() == *generation
                    && is_before(*until)
                    && issuers.find(issuer).is_ok_and(KnownIssuer::is_pending)
            }
            Some(Wait::Answer { position, token, until }) => {
                is_before(*until)
                    && issuers.introspector(*position).is_some_and(|asked| asked.is_pending(token))
            }
        }
    }

    fn is_authorization_request(&self, request: &Request) -> Result<bool, Denial> {
        let Some(guard) = &self.filter.authorization else { return Ok(false) };
        Ok(guard.guards(RequestTarget::parse(request.target()).map_err(plain)?.path()))
    }

    fn judge_authorization(&self, request: &Request, body: &[u8]) -> Result<(), Denial> {
        let judge = || {
            let Some(guard) = &self.filter.authorization else { return Ok(()) };
            let target = request.target();
            let query = target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
            let post = request.method() != b"GET" && request.method() != b"HEAD";
            let target = RequestTarget::parse(target)?;
            guard.judge_request(target.path(), post, query, body)?;
            self.strip(request, None)
        };
        judge().map_err(plain)
    }

    fn judge(&self, request: &Request, asking: Asking) -> Result<(), Stop> {
        // A path that two readers read in two ways could reach a guarded one unguarded.
        let target = RequestTarget::parse(request.target()).map_err(plain)?;
        let configuration = &self.filter.configuration;
        let Some(route) = find_route(&configuration.routes, target.path()) else {
            return self.strip(request, None).map_err(|refusal| plain(refusal).into());
        };
        let authorization: Vec<&[u8]> =
            request.headers().filter(|(name, _)| *name == b"authorization").map(|(_, value)| value).collect();
        let now = host::now().ok_or_else(not_ready)?;
        let proofs = self.filter.proofs.as_ref();
        let (scheme, text) = read_authorization(&authorization, proofs.is_some())?;
        let token = match configuration.judge_of(route, text) {
            Judge::Keys => self.verify(text, now)?,
            Judge::Introspection { position, .. } => {
                self.introspect(position, text, now, asking, || client_address(request))?
            }
        };
        let proven = match (scheme, proofs) {
            (Scheme::Dpop, Some(proofs)) => {
                let skew = configuration.clock_skew_seconds;
                let proof = proofs.judge(request, target.path(), text, now, skew, &self.filter.verifier)?;
                Some((proofs, proof))
            }
            _ => None,
        };
        let certificate = if is_bound_to_certificate(token.get()) { client_certificate() } else { None };
        let proof = proven.as_ref().map(|(_, proof)| proof);
        check_binding(token.get(), proof, certificate.as_ref()).map_err(deny)?;
        if route.require_dpop && proven.is_none() {
            return Err(demand_proof().into());
        }
        check_route(token.get(), route)?;
        if let Some((proofs, proof)) = proven {
            proofs.remember(&proof, now)?;
            if let Some(nonce) = proofs.fresh_nonce(&proof, now)? {
                let _ = self.fresh_nonce.set(nonce);
            }
        }
        self.strip(request, Some(route)).map_err(plain)?;
        self.hand_on(request, token.get(), route).map_err(Stop::Denied)
    }

    /// What its issuer says about the token, or said a moment ago.
    fn introspect(
        &self,
        position: usize,
        text: &str,
        now: u64,
        asking: Asking,
        client: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<Rc<Verified<AccessToken>>, Stop> {
        let asked = self.filter.issuers.introspector(position).ok_or_else(not_ready)?;
        let known = match asking {
            Asking::Yes => asked.ask(text, now, client),
            Asking::No => asked.find(text, now),
        };
        match known {
            Known::Good(token) => Ok(token),
            Known::Refused(refusal) => Err(deny_answer(refusal).into()),
            Known::Pending(token) => Err(Stop::Answer { position, token }),
        }
    }

    /// Verified now or a moment ago.
    fn verify(&self, text: &str, now: u64) -> Result<Rc<Verified<AccessToken>>, Stop> {
        let skew = self.filter.configuration.clock_skew_seconds;
        if let Ok(mut cache) = self.filter.cache.try_borrow_mut()
            && let Some(token) = cache.find(text, now, skew)
        {
            return Ok(token);
        }
        let token = UnverifiedAccessToken::read(text).map_err(deny)?;
        let known = self.filter.issuers.find(token.claimed_issuer()).map_err(deny)?;
        let issuer = token.claimed_issuer().to_owned();
        let Some(keys) = known.keys() else { return Err(Stop::Keys { issuer, denial: not_ready() }) };
        let (audiences, types) = (known.audiences(), known.types());
        let rule = known.rule(&audiences, &types, skew);
        let token = token.judge(&rule, &keys, now, &self.filter.verifier).map_err(|refusal| {
            let unknown_key = refusal.code == UNKNOWN_KEY;
            let denial = deny(refusal);
            if unknown_key { Stop::Keys { issuer, denial } } else { Stop::Denied(denial) }
        })?;
        let token = Rc::new(token);
        if let Ok(mut cache) = self.filter.cache.try_borrow_mut() {
            cache.remember(text, &token);
        }
        Ok(token)
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

    fn hand_on(&self, request: &Request, token: &AccessToken, route: &Route) -> Result<(), Denial> {
        for (name, value) in headers(token, route)? {
            request.set_header(name, value.as_bytes()).map_err(plain)?;
        }
        if let Some(logged) = logged(token, route) {
            request.note(LOGGED, &logged);
        }
        Ok(())
    }
}

/// Whether the header, which has the reserved prefix, is one that this filter sets.
fn is_own(name: &[u8], route: Option<&Route>) -> bool {
    let own = [SUBJECT_HEADER, CLIENT_ID_HEADER, SCOPE_HEADER];
    let mapped = route.into_iter().flat_map(|route| &route.claims_to_headers);
    own.into_iter().chain(mapped.map(|entry| entry.header.as_str())).any(|own| own.as_bytes() == name)
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

fn plain(refusal: Refusal) -> Denial {
    Denial { refusal, challenge: None, dpop_nonce: None }
}

/// The certificate with which the client of this TLS connection proved that it has the key: as the
/// proxy saw it itself, never as a header tells.
fn client_certificate() -> Option<CertificateDigest> {
    let shown = host::property(&["connection", "mtls"]).ok()?;
    if shown != [1] {
        return None;
    }
    read_certificate_digest(&host::property(&["connection", "sha256_peer_certificate_digest"]).ok()?)
}

/// Who the proxy says is connected: what headers say is the client's word.
fn client_address(request: &Request) -> Option<IpAddr> {
    let address = request.source_address()?;
    address.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| address.parse()).ok()
}

fn answer(denial: Denial) -> Response {
    let mut response = Response::from(denial.refusal);
    if let Some(challenge) = denial.challenge {
        response = response.with_header("www-authenticate", &challenge);
    }
    if let Some(nonce) = denial.dpop_nonce {
        response = response.with_header("dpop-nonce", &nonce);
    }
    response
}
