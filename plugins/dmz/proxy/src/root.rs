//! One plugin: its configuration, and what its requests share.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use postern_feed::{MAX_FEED, split_configuration};
use postern_refusal::Refusal;

use crate::abi;
use crate::envoy::Version;
use crate::feed::{Feed, Offer};
use crate::filter::{Exchange, Filter, Judgement};
use crate::held::Held;
use crate::host::{self, CallId, CallResponse, Entropy};
use crate::refusals::Refusals;
use crate::request::Request;
use crate::response::Response;
use crate::waiting::Waiting;

/// Milliseconds between two ticks, and while requests wait.
const TICK: u32 = 1_000;
const TICK_WHILE_WAITING: u32 = 20;
/// And when a request has begun to wait, since the filter may have a call to send for it: calls of
/// the filter are sent from its ticks.
const FIRST_TICK_WHILE_WAITING: u32 = 1;

pub(crate) struct Root<F: Filter> {
    pub(crate) context: u32,
    filter: RefCell<Option<Rc<F>>>,
    feed: RefCell<Option<Feed>>,
    pub(crate) held: Held,
    pub(crate) waiting: Waiting<F::Exchange>,
    /// Whether ticks come fast now.
    is_fast: Cell<bool>,
    /// Whether the next tick is that of a request that began to wait.
    is_first: Cell<bool>,
    /// The second of the last tick that was counted.
    ticked: Cell<Option<u64>>,
    pub(crate) entropy: Rc<Entropy>,
    pub(crate) refusals: Refusals,
}

impl<F: Filter> Root<F> {
    pub(crate) fn new(context: u32) -> Self {
        Self {
            context,
            filter: RefCell::new(None),
            feed: RefCell::new(None),
            held: Held::default(),
            waiting: Waiting::default(),
            is_fast: Cell::new(false),
            is_first: Cell::new(false),
            ticked: Cell::new(None),
            entropy: Rc::default(),
            refusals: Refusals::new(F::NAME),
        }
    }

    /// The filter with the configuration that is in force; none when none was ever accepted.
    pub(crate) fn filter(&self) -> Option<Rc<F>> {
        self.filter.try_borrow().ok()?.clone()
    }

    /// Lets ticks come fast, for a request that waits.
    pub(crate) fn hurry(&self) {
        // Once until that tick: who comes meanwhile must not put it off.
        if !self.is_first.get() && abi::set_tick_period(FIRST_TICK_WHILE_WAITING).is_ok() {
            self.is_first.set(true);
            self.is_fast.set(true);
        }
    }

    pub(crate) fn on_configure(&self, size: usize) -> bool {
        match self.configure(size) {
            Ok(()) => true,
            Err(error) => {
                abi::log(4, &format!("{}: configuration refused: {error}", F::NAME));
                false
            }
        }
    }

    pub(crate) fn on_tick(&self) {
        if self.is_first.get() && abi::set_tick_period(TICK_WHILE_WAITING).is_ok() {
            self.is_first.set(false);
        }
        // Ticks come faster while requests wait.
        let now = host::now();
        if now.is_none() || self.ticked.replace(now) != now {
            self.refuse_late();
            let offer = self.feed.try_borrow_mut().ok().and_then(|mut feed| feed.as_mut()?.tick());
            self.take_over(offer);
        }
        if let Some(filter) = self.filter() {
            filter.on_tick();
        }
        self.wake();
    }

    pub(crate) fn on_http_call_response(&self, call: u32, body_size: usize) {
        if let Ok(mut feed) = self.feed.try_borrow_mut()
            && let Some(awaiting) = feed.as_mut().filter(|feed| feed.awaits(CallId(call)))
        {
            let offer = awaiting.fetched(CallResponse::read(body_size, MAX_FEED));
            drop(feed);
            return self.take_over(offer);
        }
        if let Some(filter) = self.filter() {
            let response = CallResponse::read(body_size, filter.call_limit());
            filter.on_call_response(CallId(call), response);
        }
        self.wake();
    }

    fn configure(&self, size: usize) -> Result<(), String> {
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
        self.is_fast.set(true);
        self.filter.replace(Some(Rc::new(filter)));
        self.feed.replace(feed);
        Ok(())
    }

    /// Takes a configuration of the LAN over. Requests under way end with the one that they began
    /// with.
    fn take_over(&self, offer: Option<Offer>) {
        let (Some(offer), Some(filter)) = (offer, self.filter()) else { return };
        let Ok(mut feed) = self.feed.try_borrow_mut() else { return };
        let Some(feed) = feed.as_mut() else { return };
        match filter.take_over(&offer.feed) {
            Ok(Some(filter)) => {
                self.filter.replace(Some(Rc::new(filter)));
                feed.adopted(offer, true);
            }
            Ok(None) => feed.adopted(offer, false),
            Err(error) => feed.refuse(&error.to_string()),
        }
    }

    /// Asks the requests that wait, and ticks slowly again when none is left.
    fn wake(&self) {
        for mut waiting in self.waiting.take() {
            if abi::set_effective_context(waiting.context).is_err() {
                continue;
            }
            let judgement = match waiting.exchange.on_wake(&waiting.request) {
                Some(judgement) => judgement,
                None if !waiting.is_over() => {
                    self.waiting.wait_on(waiting);
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
            self.refusals.count(response.code());
            response.send(F::NAME, &waiting.request);
        }
        let _ = abi::set_effective_context(self.context);
        if self.is_fast.get() && self.waiting.is_empty() && abi::set_tick_period(TICK).is_ok() {
            self.is_fast.set(false);
        }
    }

    /// Answers the requests whose body never began to come.
    fn refuse_late(&self) {
        for context in self.held.tick() {
            if abi::set_effective_context(context).is_err() {
                continue;
            }
            let refusal = Refusal::misbehaved("proxy.body.absent").with_status(408).expected(
                "a body within 10 seconds, and allow_on_headers_stop_iteration: true in the plugin",
            );
            let request = Request::read(false, self.entropy.clone());
            self.refusals.count(refusal.code);
            Response::from(refusal).send(F::NAME, &request);
        }
        let _ = abi::set_effective_context(self.context);
    }
}

pub(crate) fn waited_in_vain() -> Response {
    Refusal::internal("proxy.wait.too-long")
        .with_status(503)
        .expected("what the filter waits for, before too many requests wait for it or too long")
        .into()
}

pub(crate) fn unexpected(found: &str) -> Response {
    Refusal::internal("proxy.callback.unexpected").found(found).into()
}
