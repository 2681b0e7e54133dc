//! What a request is, before its body: one to judge, or another application's.
use memchr::memchr3;
use postern_endpoint::RequestTarget;
use postern_refusal::Refusal;

use crate::path::{decode, is_literal};
use crate::{Addressed, DecoderConfiguration, OtherPaths, addresses};

/// Parameters that carry a message (SAML bindings sections 3.4, 3.5 and 3.6), in lower case.
const CARRIERS: [&str; 3] = ["samlrequest", "samlresponse", "samlart"];
/// How often a parameter's name is decoded.
const DECODINGS: usize = 3;

/// The head of a request, as a proxy shows it.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The raw request target.
    pub target: &'a [u8],
    /// Whether a body follows.
    pub has_body: bool,
    /// Content-Encoding.
    pub content_encoding: Option<&'a [u8]>,
}

/// What a judged path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Requests of service providers, and single logout: `/samlsso`.
    SingleSignOn,
    /// WS-Federation: `/passivests`.
    WsFederation,
    /// ArtifactResolve of service providers, in SOAP: `/samlartresolve`.
    ArtifactResolution,
    /// Responses of federated identity providers: `/commonauth`. The index of the service.
    AssertionConsumer(usize),
    /// A form of the identity provider's own sign-on, at a path where messages arrive too: the index of
    /// its continuation.
    Continuation(usize),
    /// [`Self::SingleSignOn`], or such a form, without a query: the body tells.
    SingleSignOnOrForm(usize),
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// Judge this query now.
    Get(Service, &'a [u8]),
    /// Hold the request, and judge its body with this query.
    Post(Service, &'a [u8]),
    /// Another application's: let it pass.
    Elsewhere,
}

/// How a message may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In the query of a GET.
    Query,
    /// In the body of a POST.
    Body,
}

/// Tells how the message comes, before anything of it is read.
///
/// # Errors
/// `saml.get.body`, `saml.post.content-encoding`, `saml.method.not-allowed`.
pub fn carrier(method: &[u8], has_body: bool, content_encoding: Option<&[u8]>) -> Result<Carrier, Refusal> {
    match method {
        // Servers differ in whether they read it, and so in what they see.
        b"GET" if has_body => {
            Err(Refusal::misbehaved("saml.get.body").at("body").expected("none with a GET"))
        }
        b"GET" => Ok(Carrier::Query),
        b"POST" => match content_encoding {
            None => Ok(Carrier::Body),
            Some(encoding) => Err(Refusal::misbehaved("saml.post.content-encoding")
                .with_status(415)
                .at("content-encoding")
                .expected("none")
                .found_bytes(encoding)),
        },
        other => Err(not_allowed(other, "GET or POST")),
    }
}

fn not_allowed(method: &[u8], expected: &str) -> Refusal {
    Refusal::misbehaved("saml.method.not-allowed")
        .with_status(405)
        .at("method")
        .expected(expected)
        .found_bytes(method)
}

impl DecoderConfiguration {
    /// Tells what a request is, so that no message passes unjudged: with no other filter in front,
    /// and whatever the server in the LAN makes of the path.
    ///
    /// 1. A path that is not canonical is refused, unless `other_paths` says otherwise.
    /// 2. A path in `paths`, or in those of the other services, is judged, and has to have a canonical
    ///    query too; a GET that is one of `continuations` passes, it holds no message, and a POST that may
    ///    be one has its form judged.
    /// 3. A path in `unjudged_paths` passes.
    /// 4. A path that a server could take for a judged one is refused.
    /// 5. A query that carries a message to any other path is refused. Bodies that go there
    ///    are not looked at: they are other applications', of any size and kind.
    ///
    /// # Errors
    /// `endpoint.target.*`, `endpoint.path.*`, `endpoint.query.*`, `saml.path.ambiguous`,
    /// `saml.message.elsewhere`, `wsfed.message.elsewhere`, and those of [`carrier`].
    pub fn arrival<'a>(&self, head: &RequestHead<'a>) -> Result<Arrival<'a>, Refusal> {
        let (path, query) = split_target(head.target);
        if self.other_paths == OtherPaths::Canonical {
            RequestTarget::parse(path)?;
        }
        let judged = self.judged_paths().find(|(judged, _)| judged.as_bytes() == path);
        if let Some((_, service)) = judged {
            RequestTarget::parse(head.target)?;
            if head.method == b"GET" && !head.has_body && self.continues(path, query) {
                return Ok(Arrival::Elsewhere);
            }
            let carrier = carrier(head.method, head.has_body, head.content_encoding)?;
            if let (Carrier::Body, Some(index)) = (&carrier, self.continued_by_form(path, query)) {
                return Ok(Arrival::Post(Service::Continuation(index), query));
            }
            if let (Carrier::Body, Some(index), true) =
                (&carrier, self.form_by_itself(path, query), service == Service::SingleSignOn)
            {
                return Ok(Arrival::Post(Service::SingleSignOnOrForm(index), query));
            }
            return match (service, carrier) {
                (Service::ArtifactResolution, Carrier::Query) => Err(not_allowed(head.method, "POST")),
                (Service::AssertionConsumer(index), _) => self.consumer_arrival(index, query, &carrier),
                (_, Carrier::Query) => Ok(Arrival::Get(service, query)),
                (_, Carrier::Body) => Ok(Arrival::Post(service, query)),
            };
        }
        if self.unjudged_paths.iter().any(|listed| listed.as_bytes() == path) {
            return Ok(Arrival::Elsewhere);
        }
        let near = self.judged_paths().find(|(judged, _)| addresses(path, judged) != Addressed::No);
        if let Some((judged, _)) = near {
            return Err(Refusal::misbehaved("saml.path.ambiguous")
                .at("path")
                .expected(judged)
                .found_bytes(path));
        }
        if let Some(name) = carried_in(query) {
            return Err(Refusal::misbehaved("saml.message.elsewhere")
                .at(&name)
                .expected("no SAML message for a path that is not judged")
                .found_bytes(path));
        }
        if self.wsfed.is_some() && carries_wsfed(query) {
            return Err(Refusal::misbehaved("wsfed.message.elsewhere")
                .at("wa")
                .expected("no WS-Federation message for a path that is not judged")
                .found_bytes(path));
        }
        Ok(Arrival::Elsewhere)
    }

    /// A Response comes by POST only (SAML profiles section 4.1.2): in a query it would be in logs and
    /// histories, and an artifact makes the LAN ask somebody. Other requests may be served there.
    fn consumer_arrival<'a>(
        &self,
        index: usize,
        query: &'a [u8],
        carrier: &Carrier,
    ) -> Result<Arrival<'a>, Refusal> {
        let serves_others = self.assertion_consumers.get(index).is_some_and(|own| own.serves_other_forms);
        if let Some(name) = carried_in(query) {
            return Err(Refusal::misbehaved("saml.response.by-redirect")
                .at(&name)
                .expected("a Response in a form"));
        }
        match carrier {
            Carrier::Body => Ok(Arrival::Post(Service::AssertionConsumer(index), query)),
            Carrier::Query if serves_others => Ok(Arrival::Elsewhere),
            Carrier::Query => Err(not_allowed(b"GET", "POST")),
        }
    }

    /// Every path that is judged, and what it is for.
    pub(crate) fn judged_paths(&self) -> impl Iterator<Item = (&str, Service)> {
        let own = self.paths.iter().map(|path| (path, Service::SingleSignOn));
        let wsfed = self.wsfed.iter().flat_map(|wsfed| &wsfed.paths);
        let artifacts = self.artifact_resolution.iter().flat_map(|service| &service.paths);
        let consumers = self.assertion_consumers.iter().enumerate().flat_map(|(index, consumer)| {
            consumer.paths.iter().map(move |path| (path, Service::AssertionConsumer(index)))
        });
        own.chain(wsfed.map(|path| (path, Service::WsFederation)))
            .chain(artifacts.map(|path| (path, Service::ArtifactResolution)))
            .chain(consumers)
            .map(|(path, service)| (path.as_str(), service))
    }

    fn continues(&self, path: &[u8], query: &[u8]) -> bool {
        self.continuations.iter().any(|own| own.path.as_bytes() == path && own.is_get(query))
    }

    /// The continuation of which the body of a POST with this query is the form.
    fn continued_by_form(&self, path: &[u8], query: &[u8]) -> Option<usize> {
        let mut all = self.continuations.iter();
        all.position(|own| own.path.as_bytes() == path && !query.is_empty() && own.may_be_form(query))
    }

    /// The continuation whose form may come without a query.
    fn form_by_itself(&self, path: &[u8], query: &[u8]) -> Option<usize> {
        let mut all = self.continuations.iter();
        all.position(|own| own.path.as_bytes() == path && query.is_empty() && own.may_be_form(query))
    }
}

/// Path and query of a raw target, without the question mark.
fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Whether some server would take it for a form, or a query, that carries a message.
pub(crate) fn carries_message(form: &[u8]) -> bool {
    carried_in(form).is_some()
}

/// Refuses a form with a parameter that some server would find in its query too: it merges the two, and which
/// one counts differs.
///
/// # Errors
/// `form.duplicate`.
pub(crate) fn apart(query: &[u8], body: &[u8]) -> Result<(), Refusal> {
    let names = |encoded| parameters(encoded).flat_map(|(name, _)| readings(name));
    let beside: Vec<String> = names(query).filter(|name| !name.is_empty()).collect();
    if beside.is_empty() {
        return Ok(());
    }
    match names(body).find(|name| beside.iter().any(|other| other.eq_ignore_ascii_case(name))) {
        None => Ok(()),
        // The name is the query's too, and so nothing secret out of the body.
        Some(name) => Err(Refusal::misbehaved("form.duplicate")
            .at(&name)
            .expected("the parameter once, in the query or in the form")),
    }
}

/// The parameter that some server would take for one that carries a message.
fn carried_in(query: &[u8]) -> Option<String> {
    parameters(query).find_map(|(name, _)| match is_literal(name) {
        true => carrier_by_letter(name),
        false => carrier_by_decoding(name),
    })
}

fn carrier_by_decoding(name: &[u8]) -> Option<String> {
    readings(name).into_iter().find(|name| CARRIERS.contains(&name.to_uppercase().to_lowercase().as_str()))
}

/// The same as [`carrier_by_decoding`] of a name that decoding does not change, without a copy.
fn carrier_by_letter(name: &[u8]) -> Option<String> {
    // Nearly all names are done with here: every carrier starts with the same letter.
    let start = name.iter().find(|byte| **byte == 0 || !is_trimmed(char::from(**byte)))?;
    if !start.eq_ignore_ascii_case(&b's') {
        return None;
    }
    let bare = name.split(|byte| matches!(byte, b'[' | 0)).next().unwrap_or_default();
    let bare = core::str::from_utf8(bare).ok()?.trim_matches(is_trimmed);
    CARRIERS.iter().any(|carrier| bare.eq_ignore_ascii_case(carrier)).then(|| bare.to_owned())
}

fn is_trimmed(character: char) -> bool {
    character.is_whitespace() || character.is_control() || character == '+'
}

/// Whether some server would take it for a message of WS-Federation.
fn carries_wsfed(query: &[u8]) -> bool {
    parameters(query).any(|(name, value)| {
        let values = readings(value);
        readings(name)
            .iter()
            .any(|name| values.iter().any(|value| postern_wsfed::carries_message(name, value)))
    })
}

/// Names and values, parted at whatever some server takes for a separator.
fn parameters(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(query);
    core::iter::from_fn(move || {
        let query = rest?;
        // `split` looks at one byte at a time.
        let (parameter, after) = match memchr3(b'&', b';', b'?', query) {
            Some(end) => (query.get(..end)?, query.get(end.checked_add(1)?..)),
            None => (query, None),
        };
        rest = after;
        let mut parts = parameter.splitn(2, |byte| *byte == b'=');
        Some((parts.next().unwrap_or_default(), parts.next().unwrap_or_default()))
    })
}

/// What servers could read: decoded several times, cut at NUL and at the bracket of an array, without
/// the white space around it.
fn readings(raw: &[u8]) -> Vec<String> {
    let mut readings = Vec::new();
    let mut bytes = raw.to_vec();
    for _ in 0..=DECODINGS {
        let text = String::from_utf8_lossy(&bytes);
        let bare = text.split(['[', '\0']).next().unwrap_or_default();
        readings.push(bare.trim_matches(is_trimmed).to_owned());
        if !bytes.contains(&b'%') {
            break;
        }
        bytes = decode(&bytes);
    }
    readings
}

#[cfg(test)]
#[path = "arrival_tests.rs"]
mod tests;
