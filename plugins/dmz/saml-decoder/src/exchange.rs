use std::rc::Rc;

use postern_proxy::{Exchange, HeadersVerdict, Judgement, Request, host};
use postern_refusal::Refusal;
use postern_saml::{Arrival, Incoming, Message, RequestHead, Service};

use crate::decoder::SamlDecoder;

/// Where Envoy has the digest of a client certificate that it has verified.
const CERTIFICATE: [&str; 2] = ["connection", "sha256_peer_certificate_digest"];

/// One request.
pub struct SamlExchange {
    filter: Rc<SamlDecoder>,
}

impl SamlExchange {
    pub(crate) fn new(filter: Rc<SamlDecoder>) -> Self {
        Self { filter }
    }

    fn arrival<'r>(&self, request: &'r Request) -> Result<Arrival<'r>, Refusal> {
        let head = RequestHead {
            method: request.method(),
            target: request.target(),
            has_body: request.has_body(),
            content_encoding: request.single("content-encoding")?,
        };
        self.filter.decoder.configuration().arrival(&head)
    }

    fn judge_headers(&self, request: &Request) -> Result<HeadersVerdict, Refusal> {
        let arrival = match self.arrival(request) {
            Err(refusal) if self.filter.decoder.only_reports(refusal.code) => {
                self.filter.report(request, &refusal);
                return Ok(HeadersVerdict::Continue);
            }
            arrival => arrival?,
        };
        match arrival {
            Arrival::Elsewhere => Ok(HeadersVerdict::Continue),
            Arrival::Get(service, query) => {
                self.judge(request, service, Incoming::Get(query)).map(|()| HeadersVerdict::Continue)
            }
            Arrival::Post(service, _) => {
                request.single("content-type")?;
                let limit = self.filter.decoder.configuration().max_body(service);
                Ok(HeadersVerdict::HoldForBody(limit))
            }
        }
    }

    fn judge_body(&self, request: &Request, body: &[u8]) -> Result<(), Refusal> {
        let Arrival::Post(service, query) = self.arrival(request)? else {
            return Err(Refusal::internal("proxy.callback.unexpected").found("a body that was not held"));
        };
        let content_type = request.single("content-type")?.map(String::from_utf8_lossy);
        let incoming = Incoming::Post { query, content_type: content_type.as_deref(), body };
        self.judge(request, service, incoming)
    }

    fn judge(&self, request: &Request, service: Service, incoming: Incoming<'_>) -> Result<(), Refusal> {
        let soap_action = request.single("soapaction")?.map(String::from_utf8_lossy);
        let certificate = match service {
            Service::ArtifactResolution => host::property(&CERTIFICATE).ok(),
            _ => None,
        };
        let certificate = certificate.as_deref().map(String::from_utf8_lossy);
        let message = Message {
            service,
            incoming,
            soap_action: soap_action.as_deref(),
            client_certificate: certificate.as_deref(),
        };
        self.filter.judge(request, &message)
    }
}

impl Exchange for SamlExchange {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        self.judge_headers(request).unwrap_or_else(|refusal| HeadersVerdict::Refuse(refusal.into()))
    }

    fn wants_response(&self) -> bool {
        false
    }

    fn on_body(&mut self, request: &Request, body: &[u8]) -> Judgement {
        self.judge_body(request, body).into()
    }
}
