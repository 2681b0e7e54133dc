//! The token-validator with a flaw: a request with the header `x-trap` ends the VM. Tests see with it
//! what a proxy does then; it is never deployed.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports of the proxy-wasm ABI")]

use std::rc::Rc;

use postern_proxy::host::{CallId, CallResponse};
use postern_proxy::{ConfigurationError, Exchange, Filter, HeadersVerdict, Judgement, Request};
use postern_token_validator::{TokenExchange, TokenValidator};

postern_proxy::filter!(Trapping);

struct Trapping(Rc<TokenValidator>);

struct TrappingExchange(TokenExchange);

impl Filter for Trapping {
    const NAME: &'static str = "token-validator";
    type Exchange = TrappingExchange;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        TokenValidator::configure(configuration).map(|filter| Self(Rc::new(filter)))
    }

    fn exchange(self: &Rc<Self>) -> TrappingExchange {
        TrappingExchange(self.0.exchange())
    }

    fn on_tick(&self) {
        self.0.on_tick();
    }

    fn on_call_response(&self, call: CallId, response: Option<CallResponse>) {
        self.0.on_call_response(call, response);
    }

    fn call_limit(&self) -> usize {
        self.0.call_limit()
    }
}

impl Exchange for TrappingExchange {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        if request.headers().any(|(name, _)| name == b"x-trap") {
            core::arch::wasm32::unreachable();
        }
        self.0.on_headers(request)
    }

    fn on_body(&mut self, request: &Request, body: &[u8]) -> Judgement {
        self.0.on_body(request, body)
    }

    fn on_wake(&mut self, request: &Request) -> Option<Judgement> {
        self.0.on_wake(request)
    }
}
