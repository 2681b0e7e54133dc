//! What a filter implements.

use std::rc::Rc;

use postern_feed::Feed;

use crate::host::{Call, CallId, CallResponse};
use crate::request::Request;
use crate::{Response, ResponseHeaders};

/// A filter with its configuration: one for each VM and configuration.
pub trait Filter: Sized + 'static {
    /// Its name in log lines and statistics, such as `endpoint-filter`.
    const NAME: &'static str;

    /// What it keeps for one request.
    type Exchange: Exchange;

    /// Reads the configuration.
    ///
    /// # Errors
    /// The proxy refuses the configuration and keeps the old one; at its start it exits.
    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError>;

    /// Reads the filter's part of a document of the LAN, which is to take over from this one.
    /// None: there is nothing for it in the document, and it keeps what it has.
    ///
    /// # Errors
    /// The document is refused, and this one stays.
    fn take_over(&self, document: &Feed) -> Result<Option<Self>, ConfigurationError> {
        document.section(Self::NAME).map(|section| Self::configure(&section)).transpose()
    }

    /// A request begins.
    fn exchange(self: &Rc<Self>) -> Self::Exchange;

    /// Runs once a second on every worker, and on the proxy's main thread; right after
    /// [`Self::configure`] and while requests wait, sooner.
    fn on_tick(&self) {}

    /// The response to a call that this filter sent in [`Self::on_tick`], or none when the call failed.
    fn on_call_response(&self, _call: CallId, _response: Option<CallResponse>) {}

    /// Largest response to such a call, in bytes.
    fn call_limit(&self) -> usize {
        64 * 1024
    }
}

/// One request on its way through a filter.
pub trait Exchange: 'static {
    /// The headers came.
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict;

    /// Whether the headers of the response matter to it after all: it is kept until they come. One that
    /// has nothing to do with them says so, and a request that goes on by its headers is kept nowhere.
    fn wants_response(&self) -> bool {
        true
    }

    /// The headers of the response came, or of the proxy's own answer. Only for a filter that is
    /// exported with `filter!(… and responses)`: the proxy calls into the VM once more for each then.
    fn on_response_headers(&mut self, _response: &ResponseHeaders) {}

    /// The whole body came, after [`HeadersVerdict::HoldForBody`]. Nothing has gone upstream;
    /// headers can still be edited.
    fn on_body(&mut self, _request: &Request, _body: &[u8]) -> Judgement {
        Judgement::Continue
    }

    /// Something may have changed, after [`HeadersVerdict::Wait`]: the filter's timer ran, or a
    /// call of its own came back. None: wait on. The last time is after the seconds that were
    /// asked for, and waiting on is a refusal then.
    fn on_wake(&mut self, _request: &Request) -> Option<Judgement> {
        None
    }

    /// The response came, after [`HeadersVerdict::HoldForCall`]; none when the call failed.
    fn on_call_response(&mut self, _request: &Request, _response: Option<CallResponse>) -> Judgement {
        Judgement::Continue
    }
}

/// What to do with a request after its headers.
#[derive(Debug)]
pub enum HeadersVerdict {
    /// Send it on.
    Continue,
    /// Send nothing on, and come back with the whole body, which is refused when it is larger
    /// than this many bytes. A request without a body comes back at once with an empty one.
    HoldForBody(usize),
    /// Send nothing on, make this call, and come back with its response.
    HoldForCall(Call),
    /// Send nothing on, and ask [`Exchange::on_wake`] again and again until it knows: for at most
    /// so many seconds, and refused at once when too many requests wait already. What it waits
    /// for is something that the filter does for all requests together, so that a client that
    /// goes away takes nothing from the others.
    Wait(u64),
    /// Answer it here.
    Refuse(Response),
}

/// What to do with a request in the end.
#[derive(Debug)]
pub enum Judgement {
    /// Send it on.
    Continue,
    /// Still send nothing on, make this call, and come back with its response.
    HoldForCall(Call),
    /// As [`HeadersVerdict::Wait`].
    Wait(u64),
    /// Answer it here.
    Refuse(Response),
}

impl From<Judgement> for HeadersVerdict {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Continue => Self::Continue,
            Judgement::HoldForCall(call) => Self::HoldForCall(call),
            Judgement::Wait(seconds) => Self::Wait(seconds),
            Judgement::Refuse(response) => Self::Refuse(response),
        }
    }
}

impl<R: Into<Response>> From<Result<(), R>> for Judgement {
    fn from(result: Result<(), R>) -> Self {
        match result {
            Ok(()) => Self::Continue,
            Err(refused) => Self::Refuse(refused.into()),
        }
    }
}

/// Why a configuration can't be used: names the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError(pub String);

impl core::fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ConfigurationError {}
