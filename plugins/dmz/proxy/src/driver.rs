//! Runs a [`Filter`] on the SDK's contexts.

use core::cell::Cell;
use std::rc::Rc;

use postern_feed::{MAX_FEED, split_configuration};
use postern_refusal::Refusal;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use crate::abi;
use crate::envoy::Version;
use crate::feed::{Feed, Offer};
use crate::filter::{Exchange, Filter, HeadersVerdict, Judgement};
use crate::held::Held;
use crate::host::{self, Call, CallId, CallResponse, Entropy};
use crate::refusals::Refusals;
use crate::request::Request;
use crate::response::{Response, ResponseHeaders};
use crate::waiting::{Outcome, Waited, Waiting};

/// Registers the filter with the SDK. Called by [`crate::filter!`].
pub fn start<F: Filter>() {
    // Installs the hook that writes a panic to the proxy's log before the VM dies.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|context| Box::new(Root::<F>::new(context)));
}

/// Milliseconds between two ticks, and while requests wait.
const TICK: u32 = 1_000;
const TICK_WHILE_WAITING: u32 = 20;
/// And when a request has begun to wait, since the filter may have a call to send for it: calls of
/// the filter are sent from its ticks.
const FIRST_TICK_WHILE_WAITING: u32 = 1;

/// What all requests of one VM share.
struct Shared<F: Filter> {
    held: Held,
    waiting: Waiting<F::Exchange>,
    /// Whether ticks come fast now.
    is_fast: Cell<bool>,
    /// Whether the next tick is that of a request that began to wait.
    is_first: Cell<bool>,
    /// The second of the last tick that was counted.
    ticked: Cell<Option<u64>>,
    entropy: Rc<Entropy>,
    refusals: Refusals,
}

struct Root<F: Filter> {
    context: u32,
    filter: Option<Rc<F>>,
    feed: Option<Feed>,
    shared: Rc<Shared<F>>,
}

impl<F: Filter> Root<F> {
    fn new(context: u32) -> Self {
        let shared = Shared {
            held: Held::default(),
            waiting: Waiting::default(),
            is_fast: Cell::new(false),
            is_first: Cell::new(false),
            ticked: Cell::new(None),
            entropy: Rc::default(),
            refusals: Refusals::new(F::NAME),
        };
        Self { context, filter: None, feed: None, shared: Rc::new(shared) }
    }

    fn configure(&mut self, size: usize) -> Result<(), String> {
        match Version::running() {
            Some(version) if !version.has_fixes() => {
                return Err(format!(
                    "Envoy {version} lets matrix parameters past its filters (CVE-2026-73511, 73551, 73553): \
                     use 1.36.10, 1.37.6, 1.38.4, 1.39.1 or later"
                ));
            }
            Some(_) => {}
            None => host::info(&format!("{}: not in an Envoy that tells its version", F::NAME)),
        }
        let configuration = match size {
            0 => Vec::new(),
            size => {
                abi::buffer(abi::Buffer::PluginConfiguration, size).map_err(|failed| failed.to_string())?
            }
        };
        let (source, configuration) =
            split_configuration(configuration).map_err(|refusal| refusal.to_string())?;
        let filter = F::configure(&configuration).map_err(|error| error.to_string())?;
        let feed = source.map(|source| Feed::new(F::NAME, source)).transpose();
        let feed = feed.map_err(|refusal| refusal.to_string())?;
        // The first tick comes at once, for what a filter fetches at its start: calls that are sent
        // from here get no response while Envoy starts.
        abi::set_tick_period(TICK_WHILE_WAITING)
            .map_err(|failed| format!("the timer can't be set: {failed}"))?;
        self.shared.is_fast.set(true);
        self.filter = Some(Rc::new(filter));
        self.feed = feed;
        Ok(())
    }

    /// Takes a configuration of the LAN over. Requests under way end with the one that they began
    /// with.
    fn take_over(&mut self, offer: Option<Offer>) {
        let (Some(offer), Some(feed), Some(filter)) = (offer, &mut self.feed, &self.filter) else { return };
        match filter.take_over(&offer.feed) {
            Ok(Some(filter)) => {
                self.filter = Some(Rc::new(filter));
                feed.adopted(offer, true);
            }
            Ok(None) => feed.adopted(offer, false),
            Err(error) => feed.refuse(&error.to_string()),
        }
    }

    /// Asks the requests that wait, and ticks slowly again when none is left.
    fn wake(&self) {
        for mut waiting in self.shared.waiting.take() {
            if abi::set_effective_context(waiting.context).is_err() {
                continue;
            }
            let judgement = match waiting.exchange.on_wake(&waiting.request) {
                Some(judgement) => judgement,
                None if !waiting.is_over() => {
                    self.shared.waiting.wait_on(waiting);
                    continue;
                }
                None => Judgement::Refuse(waited_in_vain()),
            };
            let response = match judgement {
                Judgement::Continue => {
                    waiting.outcome.passed(waiting.exchange);
                    if let Err(failed) = abi::continue_request() {
                        host::warn(&format!("{}: a waiting request can't go on: {failed}", F::NAME));
                    }
                    continue;
                }
                Judgement::Refuse(response) => response,
                // No filter of ours does.
                Judgement::HoldForCall(_) | Judgement::Wait(_) => unexpected("to wait for something else"),
            };
            waiting.outcome.refused();
            self.shared.refusals.count(response.code());
            response.send(F::NAME, &waiting.request);
        }
        let _ = abi::set_effective_context(self.context);
        if self.shared.is_fast.get() && self.shared.waiting.is_empty() && abi::set_tick_period(TICK).is_ok() {
            self.shared.is_fast.set(false);
        }
    }

    /// Answers the requests whose body never began to come.
    fn refuse_late(&self) {
        for context in self.shared.held.tick() {
            if abi::set_effective_context(context).is_err() {
                continue;
            }
            let refusal = Refusal::misbehaved("proxy.body.absent").with_status(408).expected(
                "a body within 10 seconds, and allow_on_headers_stop_iteration: true in the plugin",
            );
            let request = Request::read(false, self.shared.entropy.clone());
            self.shared.refusals.count(refusal.code);
            Response::from(refusal).send(F::NAME, &request);
        }
        let _ = abi::set_effective_context(self.context);
    }
}

impl<F: Filter> Context for Root<F> {
    fn on_http_call_response(&mut self, token: u32, _headers: usize, body_size: usize, _trailers: usize) {
        if let Some(feed) = &mut self.feed
            && feed.awaits(CallId(token))
        {
            let offer = feed.fetched(CallResponse::read(body_size, MAX_FEED));
            return self.take_over(offer);
        }
        if let Some(filter) = &self.filter {
            let response = CallResponse::read(body_size, filter.call_limit());
            filter.on_call_response(CallId(token), response);
        }
        self.wake();
    }
}

impl<F: Filter> RootContext for Root<F> {
    fn on_configure(&mut self, size: usize) -> bool {
        match self.configure(size) {
            Ok(()) => true,
            Err(error) => {
                abi::log(4, &format!("{}: configuration refused: {error}", F::NAME));
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if self.shared.is_first.get() && abi::set_tick_period(TICK_WHILE_WAITING).is_ok() {
            self.shared.is_first.set(false);
        }
        // Ticks come faster while requests wait.
        let now = host::now();
        if now.is_none() || self.shared.ticked.replace(now) != now {
            self.refuse_late();
            let offer = self.feed.as_mut().and_then(Feed::tick);
            self.take_over(offer);
        }
        if let Some(filter) = &self.filter {
            filter.on_tick();
        }
        self.wake();
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::<F> {
            context,
            exchange: self.filter.as_ref().map(Filter::exchange),
            shared: self.shared.clone(),
            state: State::Beginning,
            request: None,
        }))
    }
}

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

struct Stream<F: Filter> {
    context: u32,
    /// None when no configuration was ever accepted.
    exchange: Option<F::Exchange>,
    shared: Rc<Shared<F>>,
    state: State<F::Exchange>,
    request: Option<Request>,
}

impl<F: Filter> Stream<F> {
    fn refuse(&mut self, response: &Response) -> Action {
        self.state = State::Refused;
        self.shared.held.done(self.context);
        self.shared.waiting.done(self.context);
        self.shared.refusals.count(response.code());
        match &self.request {
            Some(request) => response.send(F::NAME, request),
            None => response.send(F::NAME, &Request::read(false, self.shared.entropy.clone())),
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
                self.shared.held.wait(self.context);
                Action::Pause
            }
        }
    }

    /// From here on the request is the root context's: what it waits for comes there.
    fn wait(&mut self, seconds: u64) -> Action {
        let (Some(exchange), Some(request)) = (self.exchange.take(), self.request.take()) else {
            return self.refuse(&unexpected("to wait before the headers"));
        };
        match self.shared.waiting.begin(self.context, exchange, request, seconds) {
            Ok(outcome) => {
                self.state = State::Waiting(outcome);
                // Once until that tick: who comes meanwhile must not put it off.
                if !self.shared.is_first.get() && abi::set_tick_period(FIRST_TICK_WHILE_WAITING).is_ok() {
                    self.shared.is_first.set(true);
                    self.shared.is_fast.set(true);
                }
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

fn waited_in_vain() -> Response {
    Refusal::internal("proxy.wait.too-long")
        .with_status(503)
        .expected("what the filter waits for, before too many requests wait for it or too long")
        .into()
}

fn unexpected(found: &str) -> Response {
    Refusal::internal("proxy.callback.unexpected").found(found).into()
}

impl<F: Filter> Context for Stream<F> {
    fn on_http_call_response(&mut self, _token: u32, _headers: usize, body_size: usize, _trailers: usize) {
        let State::AwaitingCall(limit) = self.state else { return };
        let response = CallResponse::read(body_size, limit);
        if matches!(self.judge_call(response), Action::Continue)
            && let Err(failed) = abi::continue_request()
        {
            host::warn(&format!("{}: a held request can't go on: {failed}", F::NAME));
        }
    }
}

/// The request ended, or the VM does. `on_done` would say it earlier, for one call more from the
/// proxy into the VM: `cargo xtask build` takes the exports that are not used here out of the module.
impl<F: Filter> Drop for Stream<F> {
    fn drop(&mut self) {
        self.shared.held.done(self.context);
        self.shared.waiting.done(self.context);
    }
}

impl<F: Filter> HttpContext for Stream<F> {
    fn on_http_request_headers(&mut self, _headers: usize, end_of_stream: bool) -> Action {
        let request = Request::read(end_of_stream, self.shared.entropy.clone());
        let verdict = match &mut self.exchange {
            _ if !request.is_readable() => HeadersVerdict::Refuse(
                Refusal::internal("proxy.headers.unreadable").expected("header pairs with a method").into(),
            ),
            None => HeadersVerdict::Refuse(
                Refusal::configuration("proxy.configuration.absent").with_status(503).into(),
            ),
            Some(exchange) => exchange.on_headers(&request),
        };
        self.request = Some(request);
        match verdict {
            HeadersVerdict::Continue => self.conclude(Judgement::Continue),
            HeadersVerdict::Refuse(response) => self.refuse(&response),
            HeadersVerdict::HoldForBody(limit) => self.hold_for_body(limit),
            HeadersVerdict::HoldForCall(call) => self.hold_for_call(&call),
            HeadersVerdict::Wait(seconds) => self.wait(seconds),
        }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let limit = match &self.state {
            State::AwaitingBody(limit) => *limit,
            State::Passed => return Action::Continue,
            State::Waiting(outcome) if outcome.get() == Waited::Passed => return Action::Continue,
            State::Waiting(_) => return Action::Pause,
            State::Beginning => return self.refuse(&unexpected("a body before its headers")),
            State::AwaitingCall(_) | State::Refused => return Action::Pause,
        };
        self.shared.held.done(self.context);
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

    fn on_http_response_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        if let State::Waiting(outcome) = &self.state {
            self.exchange = outcome.take();
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.on_response_headers(&ResponseHeaders::current());
        }
        Action::Continue
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        // No rule judges trailers, and no client of ours sends them.
        match &self.state {
            State::Refused => Action::Pause,
            State::Waiting(outcome) if outcome.get() == Waited::Refused => Action::Pause,
            _ => {
                self.refuse(&Refusal::misbehaved("proxy.trailers.unexpected").expected("no trailers").into())
            }
        }
    }
}
