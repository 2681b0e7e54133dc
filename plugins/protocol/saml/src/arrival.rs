//! What a request is, before its body: one to judge, or another application's.
use postern_endpoint::RequestTarget;
use postern_refusal::Refusal;

use crate::path::decode;
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

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// Judge this query now.
    Get(&'a [u8]),
    /// Hold the request, and judge its body with this query.
    Post(&'a [u8]),
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
        other => Err(Refusal::misbehaved("saml.method.not-allowed")
            .with_status(405)
            .at("method")
            .expected("GET or POST")
            .found_bytes(other)),
    }
}

impl DecoderConfiguration {
    /// Tells what a request is, so that no message passes unjudged: with no other filter in front,
    /// and whatever the server in the LAN makes of the path.
    ///
    /// 1. A path that is not canonical is refused, unless `other_paths` says otherwise.
    /// 2. A path in `paths` is judged, and has to have a canonical query too; a GET that is one of
    ///    `continuations` passes, it holds no message.
    /// 3. A path in `unjudged_paths` passes.
    /// 4. A path that a server could take for one in `paths` is refused.
    /// 5. A query that carries a SAML message to any other path is refused. Bodies that go there
    ///    are not looked at: they are other applications', of any size and kind.
    ///
    /// # Errors
    /// `endpoint.target.*`, `endpoint.path.*`, `endpoint.query.*`, `saml.path.ambiguous`,
    /// `saml.message.elsewhere`, and those of [`carrier`].
    pub fn arrival<'a>(&self, head: &RequestHead<'a>) -> Result<Arrival<'a>, Refusal> {
        let (path, query) = split_target(head.target);
        if self.other_paths == OtherPaths::Canonical {
            RequestTarget::parse(path)?;
        }
        let is_in = |list: &[String]| list.iter().any(|listed| listed.as_bytes() == path);
        if is_in(&self.paths) {
            RequestTarget::parse(head.target)?;
            if head.method == b"GET" && !head.has_body && self.continues(path, query) {
                return Ok(Arrival::Elsewhere);
            }
            return Ok(match carrier(head.method, head.has_body, head.content_encoding)? {
                Carrier::Query => Arrival::Get(query),
                Carrier::Body => Arrival::Post(query),
            });
        }
        if is_in(&self.unjudged_paths) {
            return Ok(Arrival::Elsewhere);
        }
        if let Some(judged) = self.paths.iter().find(|judged| addresses(path, judged) != Addressed::No) {
            return Err(Refusal::misbehaved("saml.path.ambiguous")
                .at("path")
                .expected(judged)
                .found_bytes(path));
        }
        match carried_in(query) {
            Some(name) => Err(Refusal::misbehaved("saml.message.elsewhere")
                .at(&name)
                .expected("no SAML message for a path that is not judged")
                .found_bytes(path)),
            None => Ok(Arrival::Elsewhere),
        }
    }

    fn continues(&self, path: &[u8], query: &[u8]) -> bool {
        self.continuations.iter().any(|own| own.path.as_bytes() == path && own.is(query))
    }
}

/// Path and query of a raw target, without the question mark.
fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The parameter that some server would take for one that carries a message.
fn carried_in(query: &[u8]) -> Option<String> {
    query.split(|byte| matches!(byte, b'&' | b';' | b'?')).find_map(|parameter| {
        let mut name = parameter.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
        for _ in 0..=DECODINGS {
            let text = String::from_utf8_lossy(&name);
            let bare = text.split(['[', '\0']).next().unwrap_or_default();
            let bare = bare.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '+');
            if CARRIERS.contains(&bare.to_uppercase().to_lowercase().as_str()) {
                return Some(bare.to_owned());
            }
            name = decode(&name);
        }
        None
    })
}

#[cfg(test)]
#[path = "arrival_tests.rs"]
mod tests;
