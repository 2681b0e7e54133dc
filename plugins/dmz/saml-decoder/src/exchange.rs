use std::rc::Rc;

use postern_proxy::{Exchange, HeadersVerdict, Judgement, Request};
use postern_refusal::Refusal;
use postern_saml::{Addressed, Incoming, addresses};

use crate::decoder::SamlDecoder;

/// One request.
pub(crate) struct SamlExchange {
    filter: Rc<SamlDecoder>,
}

impl SamlExchange {
    pub(crate) fn new(filter: Rc<SamlDecoder>) -> Self {
        Self { filter }
    }

    /// Whether the request is one to judge.
    fn is_judged(&self, path: &[u8]) -> Result<bool, Refusal> {
        for judged in &self.filter.configuration.paths {
            match addresses(path, judged) {
                Addressed::Exactly => return Ok(true),
                Addressed::Ambiguously => {
                    return Err(Refusal::misbehaved("saml.path.ambiguous")
                        .at("path")
                        .expected(judged)
                        .found_bytes(path));
                }
                Addressed::No => {}
            }
        }
        Ok(false)
    }

    fn judge_headers(&self, request: &Request) -> Result<HeadersVerdict, Refusal> {
        let (path, query) = split_target(request.target());
        if !self.is_judged(path)? {
            return Ok(HeadersVerdict::Continue);
        }
        match request.method() {
            b"GET" if request.has_body() => {
                Err(Refusal::misbehaved("saml.get.body").at("body").expected("none with a GET"))
            }
            b"GET" => self.filter.judge(Incoming::Get(query)).map(|()| HeadersVerdict::Continue),
            b"POST" => {
                if let Some(encoding) = request.single("content-encoding")? {
                    return Err(Refusal::misbehaved("saml.post.content-encoding")
                        .with_status(415)
                        .at("content-encoding")
                        .expected("none")
                        .found_bytes(encoding));
                }
                request.single("content-type")?;
                Ok(HeadersVerdict::HoldForBody(self.filter.configuration.policy.limits.max_body))
            }
            other => Err(Refusal::misbehaved("saml.method.not-allowed")
                .with_status(405)
                .at("method")
                .expected("GET or POST")
                .found_bytes(other)),
        }
    }

    fn judge_body(&self, request: &Request, body: &[u8]) -> Result<(), Refusal> {
        let (_, query) = split_target(request.target());
        let content_type = request.single("content-type")?.map(String::from_utf8_lossy);
        self.filter.judge(Incoming::Post { query, content_type: content_type.as_deref(), body })
    }
}

impl Exchange for SamlExchange {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        self.judge_headers(request).unwrap_or_else(|refusal| HeadersVerdict::Refuse(refusal.into()))
    }

    fn on_body(&mut self, request: &Request, body: &[u8]) -> Judgement {
        self.judge_body(request, body).into()
    }
}

/// Path and query of a raw target, without the question mark.
fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
