//! The one rule for what arrives at `/passivests`.
//!
//! The order is the same for every caller: size, form, names of parameters, action, and then what the
//! action says.
use postern_form::is_form_type;
use postern_refusal::Refusal;

use crate::parameters::Parameters;
use crate::{Policy, Realms, SignIn, SignInResult, SignOut};

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
    /// `wsignin1.0`, a request (section 13.2.2).
    SignIn(SignIn),
    /// `wsignin1.0`, the answer of a federated identity provider (section 13.2.3).
    Result(SignInResult),
    /// `wsignout1.0` (section 13.2.4.1).
    SignOut(SignOut),
    /// `wsignoutcleanup1.0` (section 13.2.4.2).
    CleanUp(SignOut),
}

impl Judged {
    /// The message's name and the realm that it is for: for a log.
    pub fn names(&self) -> (&'static str, &str) {
        match self {
            Self::SignIn(request) => ("wsignin1.0", &request.realm),
            Self::Result(_) => ("wresult", ""),
            Self::SignOut(request) => ("wsignout1.0", request.realm.as_deref().unwrap_or_default()),
            Self::CleanUp(request) => ("wsignoutcleanup1.0", request.realm.as_deref().unwrap_or_default()),
        }
    }
}

/// Judges what arrived at the time `now` (seconds since 1970).
///
/// # Errors
/// The first rule that is broken: `wsfed.*` but `wsfed.registration.*` and `wsfed.configuration`,
/// `form.*`, and `xml.*` for what is XML.
pub fn judge<R: Realms + ?Sized>(
    incoming: Incoming<'_>,
    realms: &R,
    policy: &Policy,
    now: u64,
) -> Result<Judged, Refusal> {
    let (encoded, is_form) = carried(incoming, policy)?;
    let parameters = Parameters::read(encoded, policy)?;
    let action = parameters.value("wa").ok_or_else(|| {
        Refusal::misbehaved("wsfed.action.missing").at("wa").expected("wsignin1.0 or another action")
    })?;
    match action {
        "wsignin1.0" if parameters.value("wresult").is_some() => {
            SignInResult::read(&parameters, is_form, policy).map(Judged::Result)
        }
        "wsignin1.0" => SignIn::read(&parameters, realms, policy, now).map(Judged::SignIn),
        "wsignout1.0" => SignOut::read(&parameters, realms, policy, now).map(Judged::SignOut),
        "wsignoutcleanup1.0" => SignOut::read(&parameters, realms, policy, now).map(Judged::CleanUp),
        "wattr1.0" | "wpseudo1.0" => Err(Refusal::incompatible("wsfed.action.unsupported")
            .at("wa")
            .expected("sign-in or sign-out")
            .found(action)),
        other => Err(Refusal::misbehaved("wsfed.action.unknown")
            .at("wa")
            .expected("wsignin1.0, wsignout1.0 or wsignoutcleanup1.0")
            .found(other)),
    }
}

/// The parameters as they came, and whether they came in a form.
fn carried<'a>(incoming: Incoming<'a>, policy: &Policy) -> Result<(&'a [u8], bool), Refusal> {
    let bounded = |what: &str, bytes: &'a [u8], most: usize| {
        if bytes.len() <= most {
            return Ok(bytes);
        }
        Err(Refusal::misbehaved("wsfed.message.too-large")
            .at(what)
            .expected(&format!("{most} bytes at most"))
            .found(&bytes.len().to_string()))
    };
    match incoming {
        Incoming::Get(query) => Ok((bounded("query", query, policy.limits.max_query)?, false)),
        Incoming::Post { query, content_type, body } => {
            if !query.is_empty() {
                return Err(Refusal::misbehaved("wsfed.post.query").at("query").expected("none with a POST"));
            }
            let content_type = content_type.unwrap_or_default();
            if !is_form_type(content_type) {
                return Err(Refusal::misbehaved("wsfed.post.content-type")
                    .with_status(415)
                    .at("content-type")
                    .expected("application/x-www-form-urlencoded")
                    .found(content_type));
            }
            Ok((bounded("body", body, policy.limits.max_body)?, true))
        }
    }
}
