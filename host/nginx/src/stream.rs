//! One request as a filter sees it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use nginx_sys::ngx_http_request_t;
use postern_proxy_wasm::{
    Body, Direction, FilterState, HeaderMap, LocalResponse, PropertyPath, Status, Stream,
};

use crate::answer::Answer;
use crate::host::Effects;
use crate::ngx::headers_in::NotEdited;
use crate::ngx::{headers_in, headers_out};
use crate::properties;

/// What the streams of one request share: a request has one in each filter's virtual machine.
pub(crate) struct Shared {
    /// Null when nginx has forgotten the request.
    pub(crate) request: Cell<*mut ngx_http_request_t>,
    pub(crate) state: RefCell<FilterState>,
    /// The whole body, from when it was read until it goes upstream.
    pub(crate) body: RefCell<Option<Vec<u8>>>,
    /// A filter has changed it.
    pub(crate) body_changed: Cell<bool>,
    /// The part of the response's body that a filter is shown.
    pub(crate) response_body: RefCell<Option<Vec<u8>>>,
    /// A filter has changed that.
    pub(crate) response_body_changed: Cell<bool>,
    /// What a filter wants to answer, until it is sent.
    pub(crate) answer: RefCell<Option<Answer>>,
    /// For the access log.
    pub(crate) details: RefCell<Vec<u8>>,
    /// Bits of the filters that said: go on.
    pub(crate) resumed: Cell<u64>,
    /// A filter wants the request to end without an answer, or its instance died.
    pub(crate) failed: Cell<Option<Failed>>,
    /// Every filter let it pass.
    pub(crate) passed: Cell<bool>,
}

/// Why a request ends without a filter's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// A guest trapped or took too long.
    Died,
    /// A guest is down, or was never up.
    Down,
    /// The body is over the module's limit.
    TooLarge,
    /// The body can't be read.
    Unreadable,
    /// nginx would forward something else than what the filters judged.
    NotWhatWasJudged,
    /// It has what no request of its version may have, and nginx takes it.
    Malformed,
    /// A filter asked for it.
    Closed,
    /// A filter holds it for longer than it may.
    Silent,
}

impl Shared {
    pub(crate) fn new(request: *mut ngx_http_request_t) -> Rc<Self> {
        Rc::new(Self {
            request: Cell::new(request),
            state: RefCell::default(),
            body: RefCell::default(),
            body_changed: Cell::new(false),
            response_body: RefCell::default(),
            response_body_changed: Cell::new(false),
            answer: RefCell::default(),
            details: RefCell::default(),
            resumed: Cell::new(0),
            failed: Cell::new(None),
            passed: Cell::new(false),
        })
    }
}

impl Shared {
    fn body_of(&self, body: Body) -> &RefCell<Option<Vec<u8>>> {
        match body {
            Body::Request => &self.body,
            Body::Response => &self.response_body,
        }
    }
}

/// One request in one filter.
pub(crate) struct NginxStream {
    pub(crate) shared: Rc<Shared>,
    /// The filter's place in the chain.
    pub(crate) index: usize,
    pub(crate) effects: Rc<Effects>,
}

impl NginxStream {
    fn request(&self) -> Result<*mut ngx_http_request_t, Status> {
        let request = self.shared.request.get();
        if request.is_null() { Err(Status::BadArgument) } else { Ok(request) }
    }

    /// The request goes on outside of the callback in which it was touched.
    pub(crate) fn touched(&self) {
        self.effects.touched.borrow_mut().push(Rc::clone(&self.shared));
    }

    fn edit(
        &self,
        map: HeaderMap,
        request: Edit,
        response: Edit,
        name: &[u8],
        value: &[u8],
    ) -> Result<(), Status> {
        let edit = match map {
            HeaderMap::RequestHeaders => request,
            HeaderMap::ResponseHeaders => response,
            HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => return Err(Status::Unimplemented),
        };
        // SAFETY: a request that is not null is one that nginx knows.
        unsafe { edit(self.request()?, name, value) }.map_err(|NotEdited| Status::Unimplemented)
    }
}

type Edit = unsafe fn(*mut ngx_http_request_t, &[u8], &[u8]) -> Result<(), NotEdited>;

unsafe fn remove_in(request: *mut ngx_http_request_t, name: &[u8], _: &[u8]) -> Result<(), NotEdited> {
    // SAFETY: the caller's.
    unsafe { headers_in::remove(request, name) }
}

unsafe fn remove_out(request: *mut ngx_http_request_t, name: &[u8], _: &[u8]) -> Result<(), NotEdited> {
    // SAFETY: the caller's.
    unsafe { headers_out::remove(request, name) }
}

impl Stream for NginxStream {
    fn headers(&mut self, map: HeaderMap, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Status> {
        let request = self.request()?;
        // SAFETY: a request that is not null is one that nginx knows.
        unsafe {
            match map {
                HeaderMap::RequestHeaders => headers_in::read(request, each),
                HeaderMap::ResponseHeaders => headers_out::read(request, each),
                HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => return Err(Status::BadArgument),
            }
        }
        Ok(())
    }

    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Status> {
        self.edit(map, headers_in::add, headers_out::add, name, value)
    }

    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Status> {
        self.edit(map, headers_in::replace, headers_out::replace, name, value)
    }

    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), Status> {
        self.edit(map, remove_in, remove_out, name, b"")
    }

    fn body_size(&mut self, body: Body) -> Result<usize, Status> {
        self.shared.body_of(body).borrow().as_ref().map(Vec::len).ok_or(Status::NotFound)
    }

    fn read_body(&mut self, body: Body, start: usize, into: &mut [u8]) -> Result<(), Status> {
        let held = self.shared.body_of(body).borrow();
        let whole = held.as_ref().ok_or(Status::NotFound)?;
        let end = start.checked_add(into.len()).ok_or(Status::BadArgument)?;
        into.copy_from_slice(whole.get(start..end).ok_or(Status::BadArgument)?);
        Ok(())
    }

    fn replace_body(&mut self, body: Body, range: Range<usize>, with: &[u8]) -> Result<(), Status> {
        let request = self.request()?;
        // SAFETY: a request that is not null is one that nginx knows.
        let announced = unsafe { (*request).headers_out.content_length_n };
        if body == Body::Response && announced >= 0 && range.len() != with.len() {
            // The client has been told a length: the filter takes it away with the headers.
            return Err(Status::BadArgument);
        }
        let mut held = self.shared.body_of(body).borrow_mut();
        let whole = held.as_mut().ok_or(Status::NotFound)?;
        if range.start > range.end || range.end > whole.len() {
            return Err(Status::BadArgument);
        }
        whole.splice(range, with.iter().copied());
        match body {
            Body::Request => self.shared.body_changed.set(true),
            Body::Response => self.shared.response_body_changed.set(true),
        }
        Ok(())
    }

    fn property(&mut self, path: PropertyPath<'_>) -> Option<Cow<'_, [u8]>> {
        if let Some(kept) = self.shared.state.borrow().property(path) {
            return Some(Cow::Owned(kept.to_vec()));
        }
        // SAFETY: a request that is not null is one that nginx knows.
        unsafe { properties::of(self.request().ok()?, path) }.map(Cow::Owned)
    }

    fn set_property(&mut self, path: PropertyPath<'_>, value: &[u8]) -> Result<(), Status> {
        self.shared.state.borrow_mut().set(path, value)
    }

    fn send_local_response(&mut self, response: &LocalResponse<'_>) -> Result<(), Status> {
        let request = self.request()?;
        // SAFETY: a request that is not null is one that nginx knows.
        if unsafe { (*request).header_sent() } != 0 {
            return Err(Status::BadArgument);
        }
        self.shared.details.replace(response.details.to_vec());
        self.shared.answer.replace(Some(Answer::of(response)));
        self.touched();
        Ok(())
    }

    fn resume(&mut self, direction: Direction) -> Result<(), Status> {
        self.request()?;
        if direction == Direction::Response {
            return Err(Status::Unimplemented);
        }
        self.shared.resumed.set(self.shared.resumed.get() | 1 << self.index);
        self.touched();
        Ok(())
    }

    fn close(&mut self, _: Direction) -> Result<(), Status> {
        self.request()?;
        self.shared.failed.set(Some(Failed::Closed));
        self.touched();
        Ok(())
    }
}
