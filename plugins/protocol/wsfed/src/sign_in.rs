//! `wsignin1.0` (sections 13.2.2 and 13.2.3).
use postern_refusal::Refusal;
use postern_xml::parse_instant;

use crate::parameters::Parameters;
use crate::token_message::{check_request, check_result};
use crate::{Policy, Realms};

const REQUEST: [&str; 10] =
    ["wa", "wtrealm", "wreply", "wctx", "wct", "wfresh", "wauth", "whr", "wreq", "wreqptr"];
const RESULT: [&str; 3] = ["wa", "wresult", "wctx"];
/// Most minutes of `wfresh`: a year.
const MAX_FRESH: u32 = 525_600;
/// Longest URI of `wauth`, in bytes.
const MAX_URI: usize = 256;

/// A request to sign somebody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The relying party.
    pub realm: String,
    /// Where the answer goes: registered for that realm.
    pub reply: String,
    /// `wctx`, to be returned unchanged.
    pub context: Option<String>,
    /// `wfresh`: how long ago the person may have signed in, in minutes; 0 asks for a new sign-in.
    pub fresh_minutes: Option<u32>,
    /// `wauth`: how the person is to sign in, as a URI.
    pub authentication: Option<String>,
    /// `whr`: the identity provider that the person belongs to, one of the policy's.
    pub home_realm: Option<String>,
    /// What kind of token is asked for.
    pub request: Option<TokenRequest>,
}

/// A token request beside the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// `wreq`: a RequestSecurityToken, well-formed.
    Inline(String),
    /// `wreqptr`: where it is to be fetched from, one of the policy's.
    Pointer(String),
}

/// The answer of a federated identity provider: well-formed, and not believed until its token is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInResult {
    /// `wresult`: a RequestSecurityTokenResponse, or a collection of them.
    pub result: String,
    /// `wctx`: what the identity provider was given.
    pub context: Option<String>,
}

impl SignIn {
    pub(crate) fn read<R: Realms + ?Sized>(
        parameters: &Parameters<'_>,
        realms: &R,
        policy: &Policy,
        now: u64,
    ) -> Result<Self, Refusal> {
        parameters.only("wsignin1.0", &REQUEST)?;
        let name = parameters.value("wtrealm").ok_or_else(|| {
            Refusal::misbehaved("wsfed.realm.missing").at("wtrealm").expected("a registered realm")
        })?;
        let realm = realms.realm(name)?.filter(|realm| realm.realm == name);
        let realm = realm.ok_or_else(|| unknown_realm(name))?;
        let reply = match parameters.value("wreply") {
            Some(reply) => realm.replies.iter().find(|registered| *registered == reply),
            None => realm.replies.first(),
        };
        let reply =
            reply.ok_or_else(|| not_registered(parameters.value("wreply").unwrap_or_default()))?.clone();
        check_time(parameters, policy, now)?;
        Ok(Self {
            realm: name.to_owned(),
            reply,
            context: parameters.context(policy)?,
            fresh_minutes: fresh(parameters)?,
            authentication: authentication(parameters)?,
            home_realm: home_realm(parameters, policy)?,
            request: request(parameters, policy)?,
        })
    }
}

impl SignInResult {
    pub(crate) fn read(parameters: &Parameters<'_>, is_form: bool, policy: &Policy) -> Result<Self, Refusal> {
        let result = parameters.value("wresult").unwrap_or_default();
        if !policy.accepts_results {
            return Err(Refusal::misbehaved("wsfed.result.not-accepted")
                .at("wresult")
                .expected("requests: no identity provider is federated"));
        }
        // A token in a URL is in histories, logs and Referer headers.
        if !is_form {
            return Err(Refusal::misbehaved("wsfed.result.by-get").at("wresult").expected("a POST"));
        }
        parameters.only("an answer", &RESULT)?;
        check_result(result, policy)?;
        Ok(Self { result: result.to_owned(), context: parameters.context(policy)? })
    }
}

pub(crate) fn unknown_realm(found: &str) -> Refusal {
    Refusal::misbehaved("wsfed.realm.unknown").at("wtrealm").expected("a registered realm").found(found)
}

pub(crate) fn not_registered(found: &str) -> Refusal {
    Refusal::misbehaved("wsfed.reply.not-registered")
        .at("wreply")
        .expected("an address that the realm has registered")
        .found(found)
}

/// `wct`, when it is there: the sender's time, in UTC (section 13.1).
pub(crate) fn check_time(parameters: &Parameters<'_>, policy: &Policy, now: u64) -> Result<(), Refusal> {
    let Some(text) = parameters.value("wct") else { return Ok(()) };
    let refuse =
        |code, expected: &str| Err(Refusal::misbehaved(code).at("wct").expected(expected).found(text));
    let Some(sent) = parse_instant(text) else {
        return refuse("wsfed.time.malformed", "an instant in UTC, such as 2026-01-31T12:00:00Z");
    };
    if sent > now.saturating_add(policy.clock_skew) {
        return refuse("wsfed.time.future", "an instant that has passed");
    }
    if sent.saturating_add(policy.max_age).saturating_add(policy.clock_skew) < now {
        return refuse("wsfed.time.stale", &format!("at most {} seconds ago", policy.max_age));
    }
    Ok(())
}

/// Minutes in digits, without a sign and without zeros before them.
fn fresh(parameters: &Parameters<'_>) -> Result<Option<u32>, Refusal> {
    let Some(text) = parameters.value("wfresh") else { return Ok(None) };
    let plain = text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let minutes = text.parse().ok().filter(|minutes| plain && *minutes <= MAX_FRESH);
    minutes.map(Some).ok_or_else(|| {
        Refusal::misbehaved("wsfed.fresh.malformed")
            .at("wfresh")
            .expected("minutes, from 0 to 525600")
            .found(text)
    })
}

/// An absolute URI.
fn authentication(parameters: &Parameters<'_>) -> Result<Option<String>, Refusal> {
    let Some(uri) = parameters.value("wauth") else { return Ok(None) };
    let scheme = uri.split_once(':').filter(|(_, rest)| !rest.is_empty()).map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let printable = uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte));
    if uri.len() <= MAX_URI && is_scheme && printable {
        return Ok(Some(uri.to_owned()));
    }
    Err(Refusal::misbehaved("wsfed.authentication.malformed")
        .at("wauth")
        .expected("an absolute URI of 256 bytes at most")
        .found(uri))
}

fn home_realm(parameters: &Parameters<'_>, policy: &Policy) -> Result<Option<String>, Refusal> {
    let Some(asked) = parameters.value("whr") else { return Ok(None) };
    let known = policy.home_realms.iter().find(|known| *known == asked);
    known.map(|known| Some(known.clone())).ok_or_else(|| {
        Refusal::misbehaved("wsfed.home-realm.unknown").at("whr").expected("a federated realm").found(asked)
    })
}

fn request(parameters: &Parameters<'_>, policy: &Policy) -> Result<Option<TokenRequest>, Refusal> {
    match (parameters.value("wreq"), parameters.value("wreqptr")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Refusal::misbehaved("wsfed.request.ambiguous").at("wreqptr").expected("wreq or wreqptr"))
        }
        (Some(request), None) if policy.accepts_requests => {
            check_request(request, policy)?;
            Ok(Some(TokenRequest::Inline(request.to_owned())))
        }
        (Some(_), None) => Err(Refusal::incompatible("wsfed.request.not-accepted")
            .at("wreq")
            .expected("a sign-in without a token request")),
        // What it points to would be fetched from inside the LAN.
        (None, Some(pointer)) => match policy.request_pointers.iter().find(|known| *known == pointer) {
            Some(known) => Ok(Some(TokenRequest::Pointer(known.clone()))),
            None => Err(Refusal::misbehaved("wsfed.request-pointer.unknown")
                .at("wreqptr")
                .expected("an address on the operator's list")
                .found(pointer)),
        },
    }
}
