//! Requests that wait for something that the filter does for all of them.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::host;
use crate::request::Request;

/// Most requests of one VM that wait at a time: a bound on its memory.
const MOST: usize = 256;

/// What became of a request, for its own context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Still,
    Passed,
    Refused,
}

/// A request while it waits.
pub(crate) struct WaitingRequest<E> {
    pub(crate) context: u32,
    pub(crate) exchange: E,
    pub(crate) request: Request,
    pub(crate) outcome: Rc<Outcome<E>>,
    until: u64,
}

/// What became of a request, in the hands of its own context.
pub(crate) struct Outcome<E> {
    is: Cell<Waited>,
    /// Given back for what is still to come, the response.
    exchange: RefCell<Option<E>>,
}

impl<E> Outcome<E> {
    pub(crate) fn get(&self) -> Waited {
        self.is.get()
    }

    pub(crate) fn refused(&self) {
        self.is.set(Waited::Refused);
    }

    pub(crate) fn passed(&self, exchange: E) {
        self.is.set(Waited::Passed);
        self.exchange.replace(Some(exchange));
    }

    pub(crate) fn take(&self) -> Option<E> {
        self.exchange.try_borrow_mut().ok()?.take()
    }
}

impl<E> WaitingRequest<E> {
    /// Whether the time is over: so it is in a proxy without a clock.
    pub(crate) fn is_over(&self) -> bool {
        host::now().is_none_or(|now| now >= self.until)
    }
}

/// All requests of one VM that wait, in the order in which they came.
pub(crate) struct Waiting<E>(RefCell<Vec<WaitingRequest<E>>>);

impl<E> Default for Waiting<E> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<E> Waiting<E> {
    /// One more, for at most so many seconds; or the request back when there are too many.
    pub(crate) fn begin(
        &self,
        context: u32,
        exchange: E,
        request: Request,
        seconds: u64,
    ) -> Result<Rc<Outcome<E>>, Request> {
        let (Ok(mut all), Some(now)) = (self.0.try_borrow_mut(), host::now()) else { return Err(request) };
        if all.len() >= MOST {
            return Err(request);
        }
        let outcome = Rc::new(Outcome { is: Cell::new(Waited::Still), exchange: RefCell::new(None) });
        // The clock's seconds are whole: one more, so that none is cut short.
        let until = now.saturating_add(seconds).saturating_add(1);
        all.push(WaitingRequest { context, exchange, request, outcome: Rc::clone(&outcome), until });
        Ok(outcome)
    }

    /// All of them, to be judged or to wait on.
    pub(crate) fn take(&self) -> Vec<WaitingRequest<E>> {
        self.0.try_borrow_mut().map(|mut all| core::mem::take(&mut *all)).unwrap_or_default()
    }

    /// Not yet.
    pub(crate) fn wait_on(&self, request: WaitingRequest<E>) {
        if let Ok(mut all) = self.0.try_borrow_mut() {
            all.push(request);
        }
    }

    /// The request ended.
    pub(crate) fn done(&self, context: u32) {
        if let Ok(mut all) = self.0.try_borrow_mut() {
            all.retain(|request| request.context != context);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.try_borrow().is_ok_and(|all| all.is_empty())
    }
}
