//! What is known of one request between two callbacks.

use std::rc::Rc;

use postern_refusal::Refusal;

use crate::abi;
use crate::filter::{Exchange, Filter, HeadersVerdict, Judgement};
use crate::host::{self, Call, CallResponse};
use crate::request::Request;
use crate::response::{Response, ResponseHeaders};
use crate::root::{Root, unexpected, waited_in_vain};
use crate::waiting::{Outcome, Waited};

/// How far a request is.
enum State<E> {
    Beginning,
    /// Held, until its body is whole.
    AwaitingBody(usize),
    /// Held, until the response to the call comes; its body may have this many bytes.
    AwaitingCall(usize),
    /// Held, until the filter knows.
    Waiting(Rc<Outcome<E>>),
    /// Sent on.
    Passed,
    /// Answered here.
    Refused,
}

/// What the proxy does with a request, as proxy-wasm numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends it on.
    Continue = 0,
    /// Keeps it.
    Pause = 1,
}

/// A request on its way through the filter.
pub(crate) struct Stream<F: Filter> {
    context: u32,
    root: Rc<Root<F>>,
    /// None when no configuration was ever accepted.
    exchange: Option<F::Exchange>,
    state: State<F::Exchange>,
    request: Option<Request>,
}

impl<F: Filter> Stream<F> {
    /// Judges the headers of a request. None: it goes on, and nothing of it will come again that matters.
    /// So end most requests, without a place among those that are kept.
    pub(crate) fn begin(context: u32, root: Rc<Root<F>>, end_of_stream: bool) -> Option<(Self, Action)> {
        let request = Request::read(end_of_stream, root.entropy.clone());
        let mut exchange = root.filter().as_ref().map(Filter::exchange);
        let verdict = match &mut exchange {
            _ if !request.is_readable() => HeadersVerdict::Refuse(
                Refusal::internal("proxy.headers.unreadable").expected("header pairs with a method").into(),
            ),
            None => HeadersVerdict::Refuse(
                Refusal::configuration("proxy.configuration.absent").with_status(503).into(),
            ),
            Some(exchange) => exchange.on_headers(&request),
        };
        let wants_response = exchange.as_ref().is_some_and(Exchange::wants_response);
        if end_of_stream && !wants_response && matches!(verdict, HeadersVerdict::Continue) {
            return None;
        }
        let mut stream = Self { context, root, exchange, state: State::Beginning, request: Some(request) };
        let action = match verdict {
            HeadersVerdict::Continue => stream.conclude(Judgement::Continue),
            HeadersVerdict::Refuse(response) => stream.refuse(&response),
            HeadersVerdict::HoldForBody(limit) => stream.hold_for_body(limit),
            HeadersVerdict::HoldForCall(call) => stream.hold_for_call(&call),
            HeadersVerdict::Wait(seconds) => stream.wait(seconds),
        };
        Some((stream, action))
    }

    pub(crate) fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let limit = match &self.state {
            State::AwaitingBody(limit) => *limit,
            State::Passed => return Action::Continue,
            State::Waiting(outcome) if outcome.get() == Waited::Passed => return Action::Continue,
            State::Waiting(_) => return Action::Pause,
            State::Beginning => return self.refuse(&unexpected("a body before its headers")),
            State::AwaitingCall(_) | State::Refused => return Action::Pause,
        };
        self.root.held.done(self.context);
        if size > limit {
            let refusal = Refusal::misbehaved("proxy.body.too-large")
                .with_status(413)
                .expected(&format!("at most {limit} bytes"));
            return self.refuse(&refusal.into());
        }
        if !end_of_stream {
            return Action::Pause;
        }
        if size == 0 {
            return self.judge_body(&[]);
        }
        match abi::buffer(abi::Buffer::RequestBody, size) {
            Ok(body) if body.len() == size => self.judge_body(&body),
            _ => self.refuse(&unexpected("a body that can't be read")),
        }
    }

    pub(crate) fn on_request_trailers(&mut self) -> Action {
        // No rule judges trailers, and no client of ours sends them.
        match &self.state {
            State::Refused => Action::Pause,
            State::Waiting(outcome) if outcome.get() == Waited::Refused => Action::Pause,
            _ => {
                self.refuse(&Refusal::misbehaved("proxy.trailers.unexpected").expected("no trailers").into())
            }
        }
    }

    pub(crate) fn on_response_headers(&mut self) {
        if let State::Waiting(outcome) = &self.state {
            self.exchange = outcome.take();
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.on_response_headers(&ResponseHeaders::current());
        }
    }

    pub(crate) fn on_http_call_response(&mut self, body_size: usize) {
        let State::AwaitingCall(limit) = self.state else { return };
        let response = CallResponse::read(body_size, limit);
        if matches!(self.judge_call(response), Action::Continue)
            && let Err(failed) = abi::continue_request()
        {
            host::warn(&format!("{}: a held request can't go on: {failed}", F::NAME));
        }
    }

    fn refuse(&mut self, response: &Response) -> Action {
        self.state = State::Refused;
        self.root.held.done(self.context);
        self.root.waiting.done(self.context);
        self.root.refusals.count(response.code());
        match &self.request {
            Some(request) => response.send(F::NAME, request),
            None => response.send(F::NAME, &Request::read(false, self.root.entropy.clone())),
        }
        Action::Pause
    }

    fn conclude(&mut self, judgement: Judgement) -> Action {
        match judgement {
            Judgement::Continue => {
                self.state = State::Passed;
                Action::Continue
            }
            Judgement::HoldForCall(call) => self.hold_for_call(&call),
            Judgement::Wait(seconds) => self.wait(seconds),
            Judgement::Refuse(response) => self.refuse(&response),
        }
    }

    fn hold_for_call(&mut self, call: &Call) -> Action {
        match call.send() {
            Ok(_) => {
                self.state = State::AwaitingCall(call.limit);
                Action::Pause
            }
            // Nothing will come back: judged at once.
            Err(_) => self.judge_call(None),
        }
    }

    fn hold_for_body(&mut self, limit: usize) -> Action {
        match &self.request {
            Some(request) if !request.has_body() => self.judge_body(&[]),
            _ => {
                self.state = State::AwaitingBody(limit);
                self.root.held.wait(self.context);
                Action::Pause
            }
        }
    }

    /// From here on the request is the root context's: what it waits for comes there.
    fn wait(&mut self, seconds: u64) -> Action {
        let (Some(exchange), Some(request)) = (self.exchange.take(), self.request.take()) else {
            return self.refuse(&unexpected("to wait before the headers"));
        };
        match self.root.waiting.begin(self.context, exchange, request, seconds) {
            Ok(outcome) => {
                self.state = State::Waiting(outcome);
                self.root.hurry();
                Action::Pause
            }
            Err(request) => {
                self.request = Some(request);
                self.refuse(&waited_in_vain())
            }
        }
    }

    fn judge_body(&mut self, body: &[u8]) -> Action {
        let judgement = match (&mut self.exchange, &self.request) {
            (Some(exchange), Some(request)) => exchange.on_body(request, body),
            _ => Judgement::Refuse(unexpected("a body before its headers")),
        };
        self.conclude(judgement)
    }

    fn judge_call(&mut self, response: Option<CallResponse>) -> Action {
        let judgement = match (&mut self.exchange, &self.request) {
            (Some(exchange), Some(request)) => exchange.on_call_response(request, response),
            _ => Judgement::Refuse(unexpected("a response to a call before the headers")),
        };
        self.conclude(judgement)
    }
}

impl<F: Filter> Drop for Stream<F> {
    fn drop(&mut self) {
        self.root.held.done(self.context);
        self.root.waiting.done(self.context);
    }
}
