use postern_endpoint_filter::EndpointExchange;
use postern_proxy::host::CallResponse;
use postern_proxy::{Exchange, HeadersVerdict, Judgement, Request, ResponseHeaders};
use postern_saml_decoder::SamlExchange;
use postern_token_validator::TokenExchange;

/// One request, judged in the order of the chain: the first refusal is the answer.
pub struct GuardExchange {
    endpoint: EndpointExchange,
    saml: Option<SamlExchange>,
    tokens: Option<TokenExchange>,
    saml_wants_body: bool,
}

impl GuardExchange {
    pub(crate) fn new(
        endpoint: EndpointExchange,
        saml: Option<SamlExchange>,
        tokens: Option<TokenExchange>,
    ) -> Self {
        Self { endpoint, saml, tokens, saml_wants_body: false }
    }

    fn judge_token(&mut self, request: &Request) -> HeadersVerdict {
        self.tokens.as_mut().map_or(HeadersVerdict::Continue, |tokens| tokens.on_headers(request))
    }
}

impl Exchange for GuardExchange {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        let counted = match self.endpoint.on_headers(request) {
            HeadersVerdict::Continue => None,
            HeadersVerdict::HoldForBody(limit) => Some(limit),
            other => return other,
        };
        let decoded = match self.saml.as_mut().map(|saml| saml.on_headers(request)) {
            None | Some(HeadersVerdict::Continue) => None,
            Some(HeadersVerdict::HoldForBody(limit)) => Some(limit),
            Some(other) => return other,
        };
        self.saml_wants_body = decoded.is_some();
        match (counted, decoded) {
            (None, None) => self.judge_token(request),
            (Some(limit), None) | (None, Some(limit)) => HeadersVerdict::HoldForBody(limit),
            (Some(one), Some(other)) => HeadersVerdict::HoldForBody(one.min(other)),
        }
    }

    fn wants_response(&self) -> bool {
        self.endpoint.wants_response() || self.tokens.as_ref().is_some_and(TokenExchange::wants_response)
    }

    fn on_response_headers(&mut self, response: &ResponseHeaders) {
        self.endpoint.on_response_headers(response);
        if let Some(tokens) = &mut self.tokens {
            tokens.on_response_headers(response);
        }
    }

    /// The token is judged after the body, as it is in the chain.
    fn on_body(&mut self, request: &Request, body: &[u8]) -> Judgement {
        if self.saml_wants_body
            && let Some(saml) = &mut self.saml
            && let refused @ Judgement::Refuse(_) = saml.on_body(request, body)
        {
            return refused;
        }
        match self.judge_token(request) {
            HeadersVerdict::Continue => Judgement::Continue,
            HeadersVerdict::Refuse(response) => Judgement::Refuse(response),
            HeadersVerdict::HoldForCall(call) => Judgement::HoldForCall(call),
            HeadersVerdict::Wait(seconds) => Judgement::Wait(seconds),
            // An authorization request by POST. The body is within the endpoint's limit.
            HeadersVerdict::HoldForBody(_) => {
                self.tokens.as_mut().map_or(Judgement::Continue, |tokens| tokens.on_body(request, body))
            }
        }
    }

    fn on_wake(&mut self, request: &Request) -> Option<Judgement> {
        self.tokens.as_mut().map_or(Some(Judgement::Continue), |tokens| tokens.on_wake(request))
    }

    fn on_call_response(&mut self, request: &Request, response: Option<CallResponse>) -> Judgement {
        self.tokens.as_mut().map_or(Judgement::Continue, |tokens| tokens.on_call_response(request, response))
    }
}
