//! Rules that only report: what they would refuse goes on, and is logged and counted.

use std::rc::Rc;

use postern_endpoint::is_reserved;
use postern_proxy::host::{self, CallResponse};
use postern_proxy::{Exchange, Filter, HeadersVerdict, Judgement, Request, Response, ResponseHeaders};

use crate::TokenValidator;
use crate::guarded::Guarded;

/// A request on its way through the filter.
pub struct TokenExchange {
    filter: Rc<TokenValidator>,
    guarded: Guarded,
}

impl TokenExchange {
    pub(crate) fn new(filter: Rc<TokenValidator>) -> Self {
        Self { guarded: Guarded::new(Rc::clone(&filter)), filter }
    }

    /// Nothing when the rule only reports.
    fn enforced(&self, request: &Request, response: Response) -> Option<Response> {
        if !self.filter.report_only.holds(response.refusal().code) {
            return Some(response);
        }
        // What a client says in our name does not go on, whatever becomes of its token.
        if !self.filter.configuration.behind_endpoint_filter {
            for (name, _) in request.headers().filter(|(name, _)| is_reserved(name)) {
                if request.remove_header(name).is_err() {
                    return Some(response);
                }
            }
        }
        self.filter.reported.increment();
        let (id, refusal) = (request.correlation_id(), response.refusal());
        host::warn(&format!("{}: report only, let through {id}: {refusal}", TokenValidator::NAME));
        None
    }

    fn judgement(&self, request: &Request, judgement: Judgement) -> Judgement {
        match judgement {
            Judgement::Refuse(response) => {
                self.enforced(request, response).map_or(Judgement::Continue, Judgement::Refuse)
            }
            other => other,
        }
    }
}

impl Exchange for TokenExchange {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        match self.guarded.on_headers(request) {
            HeadersVerdict::Refuse(response) => {
                self.enforced(request, response).map_or(HeadersVerdict::Continue, HeadersVerdict::Refuse)
            }
            other => other,
        }
    }

    fn wants_response(&self) -> bool {
        self.guarded.wants_response()
    }

    fn on_response_headers(&mut self, response: &ResponseHeaders) {
        self.guarded.on_response_headers(response);
    }

    fn on_body(&mut self, request: &Request, body: &[u8]) -> Judgement {
        let judgement = self.guarded.on_body(request, body);
        self.judgement(request, judgement)
    }

    fn on_wake(&mut self, request: &Request) -> Option<Judgement> {
        let judgement = self.guarded.on_wake(request)?;
        Some(self.judgement(request, judgement))
    }

    fn on_call_response(&mut self, request: &Request, response: Option<CallResponse>) -> Judgement {
        let judgement = self.guarded.on_call_response(request, response);
        self.judgement(request, judgement)
    }
}
