//! The one rule for what arrives at `/samlsso`.
//!
//! The order is the same for every caller, so that one message has one reason code: form and
//! parameters, base64 and deflate, XML, kind of message, no signature inside where one stands beside, issuer, signature, shape, destination,
//! time, consumer service. Replays are the caller's to see: [`Judged::once`].
use std::borrow::Cow;
use std::rc::Rc;

use postern_form::{Form, is_form_type};
use postern_refusal::Refusal;
use postern_signature::{Verifier, VerifyError};
use postern_xml::{Document, Element, Place, Trust, method_for};

use crate::authn_request::unsupported_message;
use crate::binding::{Detached, read_post, read_redirect};
use crate::idp_initiated::judge_idp_initiated;
use crate::judge_logout::{judge_logout_request, judge_logout_response};
use crate::key::Fitting;
use crate::names::{ASSERTION, PROTOCOL};
use crate::report_only::Reports;
use crate::{
    AssertionConsumerService, AuthnRequest, EdgeRelyingParty, JudgedIdpInitiated, JudgedLogoutRequest,
    JudgedLogoutResponse, NameIdPolicy, Once, Policy, RequestedAuthnContext,
};

/// The relying party of an entity ID, none when it isn't registered, or why that can't be told.
pub type Lookup<'l> = &'l dyn Fn(&str) -> Result<Option<Rc<EdgeRelyingParty>>, Refusal>;

/// What arrived.
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    /// GET with this query string, raw and without the question mark.
    Get(&'a [u8]),
    /// POST.
    Post {
        /// Query string: has to be empty.
        query: &'a [u8],
        /// Content-Type: `application/x-www-form-urlencoded`, with no charset but UTF-8.
        content_type: Option<&'a str>,
        /// Body.
        body: &'a [u8],
    },
}

/// What was asked for, when it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// An AuthnRequest by either binding.
    AuthnRequest(JudgedAuthnRequest),
    /// Sign-on that begins here.
    IdpInitiated(JudgedIdpInitiated),
    /// A LogoutRequest by either binding.
    LogoutRequest(JudgedLogoutRequest),
    /// A LogoutResponse by either binding.
    LogoutResponse(JudgedLogoutResponse),
}

/// An AuthnRequest that may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedAuthnRequest {
    /// ID, for InResponseTo.
    pub id: String,
    /// The relying party's entity ID.
    pub entity_id: String,
    /// Where the Response goes.
    pub acs: AssertionConsumerService,
    /// RelayState, to be returned unchanged.
    pub relay_state: Option<String>,
    /// ForceAuthn.
    pub force: bool,
    /// IsPassive.
    pub passive: bool,
    /// NameIDPolicy.
    pub name_id_policy: Option<NameIdPolicy>,
    /// RequestedAuthnContext.
    pub context: Option<RequestedAuthnContext>,
    /// Whether a signature was verified.
    pub signed: bool,
    /// Until when the request would be accepted again, seconds since 1970: remember the
    /// [`Judged::once`] that long.
    pub until: u64,
}

impl Judged {
    /// The message's name, who sent it, and its ID: for a log.
    pub fn names(&self) -> (&'static str, &str, Option<&str>) {
        match self {
            Self::AuthnRequest(request) => ("AuthnRequest", &request.entity_id, Some(&request.id)),
            Self::IdpInitiated(request) => ("IdP-initiated", &request.entity_id, None),
            Self::LogoutRequest(JudgedLogoutRequest { head, .. }) => {
                ("LogoutRequest", &head.entity_id, Some(&head.id))
            }
            Self::LogoutResponse(JudgedLogoutResponse { head, .. }) => {
                ("LogoutResponse", &head.entity_id, Some(&head.id))
            }
        }
    }

    /// The message that may not come again. None: nothing that has an ID.
    pub fn once(&self) -> Option<Once> {
        match self {
            Self::AuthnRequest(request) => Some(request.once()),
            Self::IdpInitiated(_) => None,
            Self::LogoutRequest(request) => Some(request.head.once()),
            Self::LogoutResponse(response) => Some(response.head.once()),
        }
    }
}

impl JudgedAuthnRequest {
    /// What has to be remembered of it. An ID has no space.
    pub fn once(&self) -> Once {
        let key = format!("{} {}", self.id, self.entity_id);
        Once { key, until: self.until, signed: self.signed }
    }
}

/// Judges what arrived at `/samlsso` at the time `now` (seconds since 1970).
///
/// # Errors
/// The first rule that is broken. All reason codes of this crate that begin with `saml.` but not
/// with `saml.registration.`, `saml.metadata.`, `saml.settings.` or `saml.response.build` come
/// from here, and so do `form.*`, `xml.*`.
pub fn judge(
    incoming: Incoming<'_>,
    lookup: Lookup<'_>,
    policy: &Policy,
    now: u64,
    verifier: &dyn Verifier,
) -> Result<Judged, Refusal> {
    judge_reporting(incoming, lookup, policy, now, verifier, &Reports::default())
}

/// The same with rules that only report.
pub(crate) fn judge_reporting(
    incoming: Incoming<'_>,
    lookup: Lookup<'_>,
    policy: &Policy,
    now: u64,
    verifier: &dyn Verifier,
    reports: &Reports<'_>,
) -> Result<Judged, Refusal> {
    let carried = match incoming {
        Incoming::Get(query) => {
            if query.len() > policy.limits.max_query {
                return Err(Refusal::misbehaved("saml.message.too-large")
                    .at("query")
                    .expected(&format!("{} bytes at most", policy.limits.max_query))
                    .found(&query.len().to_string()));
            }
            let form = Form::parse(query)?;
            if form.single("spEntityID")?.is_some() {
                return judge_idp_initiated(&form, lookup, policy).map(Judged::IdpInitiated);
            }
            read_redirect(&form, policy)?
        }
        Incoming::Post { query, content_type, body } => {
            if !query.is_empty() && policy.companions.is_empty() && policy.issuer_qualifier.is_none() {
                return Err(Refusal::misbehaved("saml.post.query").at("query").expected("none with a POST"));
            }
            check_content_type(content_type.unwrap_or_default())?;
            read_post(query, body, policy)?
        }
    };
    let document = Document::read(&carried.xml, &policy.limits.xml())?;
    let destinations = &policy.destinations;
    let qualifier = carried.qualifier.as_deref();
    let verifier = &Fitting(verifier);
    let scene = Scene { lookup, qualifier, policy, destinations, now, verifier, reports };
    let (detached, relay_state) = (carried.detached, carried.relay_state);
    let kind = kind(&document, carried.parameter, policy)?;
    // SAML bindings section 3.4.4.1: it has to be removed before. Two signatures could say two things.
    if carried.by_redirect && document.is_signed() {
        return Err(Refusal::misbehaved("saml.redirect.signature-inside")
            .at("Signature")
            .expected("the signature beside the message, in SigAlg and Signature"));
    }
    match kind {
        Kind::AuthnRequest => {
            judge_authn_request(document, detached, relay_state, &scene).map(Judged::AuthnRequest)
        }
        Kind::LogoutRequest => {
            judge_logout_request(document, detached, relay_state, &scene).map(Judged::LogoutRequest)
        }
        Kind::LogoutResponse => {
            judge_logout_response(document, detached, relay_state, &scene).map(Judged::LogoutResponse)
        }
    }
}

/// What a message is judged by.
pub(crate) struct Scene<'s> {
    pub(crate) lookup: Lookup<'s>,
    /// Which of its issuer's registrations the message is for.
    pub(crate) qualifier: Option<&'s str>,
    pub(crate) policy: &'s Policy,
    /// URLs that a message may name as its Destination.
    pub(crate) destinations: &'s [String],
    pub(crate) now: u64,
    pub(crate) verifier: &'s dyn Verifier,
    pub(crate) reports: &'s Reports<'s>,
}

enum Kind {
    AuthnRequest,
    LogoutRequest,
    LogoutResponse,
}

/// The kind of message, which fits the parameter that it came in.
fn kind(document: &Document<'_>, parameter: &str, policy: &Policy) -> Result<Kind, Refusal> {
    let logout = policy.single_logout;
    match parameter {
        "SAMLResponse" if logout && document.is(PROTOCOL, "LogoutResponse") => Ok(Kind::LogoutResponse),
        "SAMLResponse" => Err(Refusal::misbehaved("saml.response.unsolicited")
            .at("SAMLResponse")
            .expected("LogoutResponse")
            .found(&document.root_name())),
        _ if document.is(PROTOCOL, "AuthnRequest") => Ok(Kind::AuthnRequest),
        _ if logout && document.is(PROTOCOL, "LogoutRequest") => Ok(Kind::LogoutRequest),
        _ => Err(unsupported_message(&document.root_name())),
    }
}

pub(crate) fn check_content_type(content_type: &str) -> Result<(), Refusal> {
    if is_form_type(content_type) {
        return Ok(());
    }
    Err(Refusal::misbehaved("saml.post.content-type")
        .with_status(415)
        .at("content-type")
        .expected("application/x-www-form-urlencoded")
        .found(content_type))
}

fn judge_authn_request(
    document: Document<'_>,
    detached: Option<Detached>,
    relay_state: Option<String>,
    scene: &Scene<'_>,
) -> Result<JudgedAuthnRequest, Refusal> {
    let party = scene.claimed_issuer(&document)?;
    let (element, signed) = scene.authentic(document, detached, &party, party.requires_signed_requests)?;
    let request = AuthnRequest::read(&element)?;
    scene.check_issuer(&request.issuer, &party)?;
    scene.check_destination(request.destination.as_deref(), signed)?;
    let until = scene.check_time(request.issue_instant)?;
    let acs = consumer_service(&request, &party)?.clone();
    Ok(JudgedAuthnRequest {
        id: request.id,
        entity_id: request.issuer,
        acs,
        relay_state,
        force: request.force,
        passive: request.passive,
        name_id_policy: request.name_id_policy,
        context: request.context,
        signed,
        until,
    })
}

impl Scene<'_> {
    /// The relying party that claims to have sent the message, to verify it with its keys.
    pub(crate) fn claimed_issuer(&self, document: &Document<'_>) -> Result<Rc<EdgeRelyingParty>, Refusal> {
        let claimed = document.claimed_child_text(ASSERTION, "Issuer").unwrap_or_default();
        let name = registered(&claimed, self.qualifier, self.policy);
        let party = (self.lookup)(&name)?.ok_or_else(|| unknown_issuer("Issuer", &name))?;
        self.check_issuer(&claimed, &party)?;
        Ok(party)
    }

    /// The keys were chosen by what was claimed: it has to be what was signed, and what is registered.
    pub(crate) fn check_issuer(&self, issuer: &str, party: &EdgeRelyingParty) -> Result<(), Refusal> {
        let name = registered(issuer, self.qualifier, self.policy);
        if name == party.entity_id { Ok(()) } else { Err(unknown_issuer("Issuer", &name)) }
    }

    /// The message as far as it may be believed, and whether a signature says so. A signature that
    /// is there is verified, whether or not one is required.
    pub(crate) fn authentic(
        &self,
        document: Document<'_>,
        detached: Option<Detached>,
        party: &EdgeRelyingParty,
        required: bool,
    ) -> Result<(Element, bool), Refusal> {
        let keys = party.keys();
        let trust = Trust { keys: &keys, algorithms: &self.policy.algorithms };
        if let Some(detached) = detached {
            let verified = check_detached(&detached, &trust, self.verifier).map(|()| true);
            let verified = self.reports.or_report(verified, false)?;
            return Ok((document.into_unsigned()?, verified));
        }
        if document.is_signed() {
            let place = Place::After { namespace: ASSERTION, local: "Issuer" };
            return Ok((document.verify(place, &trust, self.verifier)?.into_element(), true));
        }
        if required {
            self.reports.let_through(
                Refusal::misbehaved("saml.signature.required")
                    .at("Signature")
                    .expected("a signed message")
                    .found("none"),
            )?;
        }
        Ok((document.into_unsigned()?, false))
    }

    pub(crate) fn check_destination(&self, destination: Option<&str>, signed: bool) -> Result<(), Refusal> {
        self.reports.or_report(check_destination(self.destinations, destination, signed), ())
    }

    /// Checks IssueInstant and tells until when the message is fresh.
    pub(crate) fn check_time(&self, issue_instant: u64) -> Result<u64, Refusal> {
        let Policy { clock_skew, max_age, .. } = *self.policy;
        // One that only reports is remembered as if it had been sent now.
        let otherwise = self.now.saturating_add(max_age).saturating_add(clock_skew);
        self.reports.or_report(check_time(self.policy, self.now, issue_instant), otherwise)
    }
}

pub(crate) fn check_destination(
    known: &[String],
    destination: Option<&str>,
    signed: bool,
) -> Result<(), Refusal> {
    let expected = known.first().map(String::as_str).unwrap_or_default();
    match destination {
        Some(destination) if known.iter().any(|known| known == destination) => Ok(()),
        Some(destination) => Err(Refusal::misbehaved("saml.destination.mismatch")
            .at("Destination")
            .expected(expected)
            .found(destination)),
        // SAML bindings sections 3.4.5.2 and 3.5.5.2: a signed message names where it goes.
        None if signed => {
            Err(Refusal::misbehaved("saml.destination.missing").at("Destination").expected(expected))
        }
        None => Ok(()),
    }
}

/// Checks IssueInstant and tells until when the message is fresh.
pub(crate) fn check_time(policy: &Policy, now: u64, issue_instant: u64) -> Result<u64, Refusal> {
    let Policy { clock_skew, max_age, .. } = *policy;
    let refuse = |code, expected: &str| {
        Err(Refusal::misbehaved(code)
            .at("IssueInstant")
            .expected(expected)
            .found(&crate::format_instant(issue_instant).unwrap_or_default()))
    };
    if issue_instant > now.saturating_add(clock_skew) {
        return refuse("saml.issue-instant.future", "an instant that has passed");
    }
    let until = issue_instant.saturating_add(max_age).saturating_add(clock_skew);
    if until < now {
        return refuse("saml.issue-instant.stale", &format!("at most {max_age} seconds ago"));
    }
    Ok(until)
}

/// The entity ID of the registration that a message of this issuer is judged by.
pub(crate) fn registered<'i>(issuer: &'i str, qualifier: Option<&str>, policy: &Policy) -> Cow<'i, str> {
    match (&policy.issuer_qualifier, qualifier) {
        (Some(own), Some(qualifier)) => Cow::Owned(own.registered(issuer, qualifier)),
        _ => Cow::Borrowed(issuer),
    }
}

fn check_detached(detached: &Detached, trust: &Trust<'_>, verifier: &dyn Verifier) -> Result<(), Refusal> {
    let algorithm = method_for(&detached.method, trust.algorithms)?;
    let mut fitting = false;
    for key in trust.keys {
        match verifier.verify(algorithm, key, &detached.covered, &detached.signature) {
            Ok(()) => return Ok(()),
            Err(VerifyError::Mismatch) => fitting = true,
            Err(VerifyError::UnfitKey) => {}
        }
    }
    if fitting {
        Err(Refusal::misbehaved("saml.signature.mismatch")
            .at("Signature")
            .expected("a signature by a registered key"))
    } else {
        Err(Refusal::configuration("saml.signature.no-key")
            .with_status(400)
            .at("Signature")
            .expected("a registered key that fits the algorithm")
            .found(algorithm.jwa_name()))
    }
}

fn consumer_service<'p>(
    request: &AuthnRequest,
    party: &'p EdgeRelyingParty,
) -> Result<&'p AssertionConsumerService, Refusal> {
    let services = &party.assertion_consumer_services;
    let (service, element, asked) = match (&request.acs_url, request.acs_index) {
        (Some(url), _) => {
            (services.iter().find(|service| service.url == *url), "AssertionConsumerServiceURL", url.clone())
        }
        (None, Some(index)) => (
            services.iter().find(|service| service.index == index),
            "AssertionConsumerServiceIndex",
            index.to_string(),
        ),
        (None, None) => (party.default_service(), "AssertionConsumerServiceURL", String::new()),
    };
    service.ok_or_else(|| {
        Refusal::misbehaved("saml.acs.not-registered").at(element).expected("a registered one").found(&asked)
    })
}

pub(crate) fn unknown_issuer(at: &str, found: &str) -> Refusal {
    Refusal::misbehaved("saml.issuer.unknown").at(at).expected("a registered relying party").found(found)
}
