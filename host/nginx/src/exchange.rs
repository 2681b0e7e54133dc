//! A request on its way through the filters of its location.
//!
//! Filters get the headers in order until one of them pauses; then nginx reads the whole body, and
//! those that have seen the headers get it. Nothing goes upstream before every filter has let headers
//! and body pass.

use std::io::ErrorKind;
use std::rc::Rc;

use nginx_sys::ngx_http_request_t;
use postern_proxy_wasm::{Action, CallError, StreamId};

use crate::answer::Answer;
use crate::ngx::timer::Timer;
use crate::ngx::{client_body, headers_in, log};
use crate::response_body::ResponseBody;
use crate::stream::{Failed, Shared};
use crate::worker::Plugin;

/// What the module knows of a request, in nginx's place for it.
pub(crate) struct Exchange {
    pub(crate) shared: Rc<Shared>,
    filters: Vec<Filter>,
    /// So many filters have been given the headers.
    headers: usize,
    /// So many have been given the body.
    bodies: usize,
    /// This one said: wait.
    held_by: Option<usize>,
    body: Body,
    body_limit: usize,
    pub(crate) ended: Option<End>,
    /// While a filter holds it.
    pub(crate) hold: Option<Timer>,
    /// The response's body on its way through the filters.
    pub(crate) response: ResponseBody,
}

struct Filter {
    plugin: Rc<Plugin>,
    stream: Option<StreamId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    Unread,
    Reading,
    Whole,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Every filter let it pass.
    Passed,
    /// Answered here.
    Answered,
}

/// A part of a response's body after the filters.
pub(crate) enum Part {
    AsItCame,
    Instead(Vec<u8>),
    Held,
}

/// What nginx has to do next.
pub(crate) enum Step {
    Pass,
    ReadBody,
    Wait,
    Answer(Answer),
    /// The connection, or the stream of HTTP/2, ends without an answer.
    Close,
}

impl Exchange {
    /// A request that has got as far as its content.
    pub(crate) fn new(
        shared: Rc<Shared>,
        plugins: Vec<Rc<Plugin>>,
        has_body: bool,
        body_limit: usize,
    ) -> Self {
        Self {
            shared,
            filters: plugins.into_iter().map(|plugin| Filter { plugin, stream: None }).collect(),
            headers: 0,
            bodies: 0,
            held_by: None,
            body: if has_body { Body::Unread } else { Body::None },
            body_limit,
            ended: None,
            hold: None,
            response: ResponseBody::default(),
        }
    }

    /// nginx reads the body now.
    pub(crate) fn reading_body(&mut self) {
        self.body = Body::Reading;
    }

    /// Every filter let it pass.
    pub(crate) fn pass_on(&mut self) {
        self.hold = None;
        self.shared.passed.set(true);
        self.ended = Some(End::Passed);
    }

    pub(crate) fn is_reading_body(&self) -> bool {
        self.body == Body::Reading
    }

    /// The filters that have asked for something to be done now.
    pub(crate) fn unsettled(&self) -> Vec<Rc<Plugin>> {
        let plugins = self.filters.iter().map(|filter| &filter.plugin);
        plugins.filter(|plugin| !plugin.is_settled()).cloned().collect()
    }

    /// As far as it goes now.
    pub(crate) fn advance(&mut self) -> Step {
        loop {
            if let Some(failed) = self.shared.failed.get() {
                return self.refuse(failed);
            }
            if let Some(answer) = self.shared.answer.take() {
                return Step::Answer(answer);
            }
            if let Some(holder) = self.held_by {
                let bit = 1 << holder;
                if self.shared.resumed.get() & bit != 0 {
                    self.shared.resumed.set(self.shared.resumed.get() & !bit);
                    self.held_by = None;
                    continue;
                }
            }
            let all = self.filters.len();
            if self.held_by.is_none() && self.headers < all {
                self.give_headers();
                continue;
            }
            match self.body {
                Body::None if self.held_by.is_some() => return Step::Wait,
                Body::None => return self.pass(),
                Body::Unread => return Step::ReadBody,
                Body::Reading => return Step::Wait,
                // One that holds the request has seen its body, or sees it now.
                Body::Whole if self.bodies < self.headers => self.give_body(),
                Body::Whole if self.held_by.is_some() => return Step::Wait,
                Body::Whole => return self.pass(),
            }
        }
    }

    /// What was judged has to be what goes on.
    fn pass(&self) -> Step {
        let request = self.shared.request.get();
        if let Some(body) = self.shared.body.take()
            && self.shared.body_changed.get()
            // SAFETY: the request that is being judged, whose body nginx has read.
            && let Err(error) = unsafe { client_body::replace(request, &body) }
        {
            self.log(nginx_sys::NGX_LOG_ERR, &format!("postern: the body of a request: {error}"));
            return self.refuse(Failed::Unreadable);
        }
        // SAFETY: the request that is being judged.
        if unsafe { headers_in::forwards_target(request) } {
            return Step::Pass;
        }
        self.refuse(Failed::NotWhatWasJudged)
    }

    fn refuse(&self, failed: Failed) -> Step {
        let (details, text): (&[u8], _) = match failed {
            Failed::Died => (b"nginx.filter.died", "a filter died of it"),
            Failed::Down => (b"nginx.filter.down", "a filter is down"),
            Failed::TooLarge => (b"nginx.body.too-large", "its body is over postern_body_limit"),
            Failed::Unreadable => (b"nginx.body.unreadable", "its body can't be read"),
            Failed::NotWhatWasJudged => (
                b"nginx.target.rewritten",
                "the filters judged the request line as it came, and nginx would forward something else \
                 (a rewrite, a subrequest, an internal redirect, or a request line that is not canonical)",
            ),
            Failed::Malformed => (b"nginx.request.malformed", "Transfer-Encoding in HTTP/2"),
            Failed::Closed => (b"nginx.filter.closed", "a filter closed it"),
            Failed::Silent => {
                (b"nginx.filter.silent", "a filter holds it for longer than postern_wait_limit")
            }
        };
        self.shared.details.replace(details.to_vec());
        self.log(nginx_sys::NGX_LOG_WARN, &format!("postern: refused: {text}"));
        if failed == Failed::Closed { Step::Close } else { Step::Answer(Answer::neutral(failed)) }
    }

    fn give_headers(&mut self) {
        let index = self.headers;
        self.headers += 1;
        let whole = self.body == Body::None;
        let shared = Rc::clone(&self.shared);
        let Some(filter) = self.filters.get_mut(index) else { return };
        let judged = filter.plugin.begin(&shared, index).and_then(|stream| {
            filter.stream = Some(stream);
            // SAFETY: the request that is being judged.
            let fields = unsafe { headers_in::count(shared.request.get()) };
            filter.plugin.call(|vm| vm.on_request_headers(stream, fields, whole))
        });
        self.take(index, judged);
    }

    fn give_body(&mut self) {
        let index = self.bodies;
        self.bodies += 1;
        let size = self.shared.body.borrow().as_ref().map_or(0, Vec::len);
        let Some(filter) = self.filters.get(index) else { return };
        let Some(stream) = filter.stream else { return };
        let judged = filter.plugin.call(|vm| vm.on_request_body(stream, size, true));
        if self.held_by == Some(index) && matches!(judged, Ok(Action::Continue)) {
            self.held_by = None;
        }
        self.take(index, judged);
    }

    fn take(&mut self, index: usize, judged: Result<Action, CallError>) {
        match judged {
            Ok(Action::Continue) => {}
            Ok(Action::Pause) => self.held_by = Some(index),
            Err(error) => {
                self.log(nginx_sys::NGX_LOG_ERR, &format!("postern: {error}"));
                self.shared.failed.set(Some(failed(&error)));
            }
        }
    }

    /// The body is there.
    ///
    /// # Safety
    /// The request is valid and nginx has read its body.
    pub(crate) unsafe fn take_body(&mut self, request: *mut ngx_http_request_t) {
        // SAFETY: the caller's.
        match unsafe { client_body::whole(request, self.body_limit) } {
            Ok(body) => {
                self.shared.body.replace(Some(body));
                self.body = Body::Whole;
            }
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                self.shared.failed.set(Some(Failed::TooLarge));
            }
            Err(error) => {
                self.log(nginx_sys::NGX_LOG_ERR, &format!("postern: the body of a request: {error}"));
                self.shared.failed.set(Some(Failed::Unreadable));
            }
        }
    }

    /// The response's headers go out: through the filters backwards. What a filter answers in place of the
    /// upstream's response is taken from there; false when one of them failed.
    pub(crate) fn on_response_headers(&mut self, fields: usize, whole: bool) -> bool {
        let mut good = true;
        for filter in self.filters.iter().rev() {
            let Some(stream) = filter.stream else { continue };
            match filter.plugin.call(|vm| vm.on_response_headers(stream, fields, whole)) {
                Ok(Action::Continue) => {}
                Ok(Action::Pause) if self.shared.answer.borrow().is_some() => break,
                Ok(Action::Pause) => {
                    self.log(nginx_sys::NGX_LOG_ERR, "postern: a filter holds a response: it can't in nginx");
                    good = false;
                }
                Err(error) => {
                    self.log(nginx_sys::NGX_LOG_ERR, &format!("postern: {error}"));
                    good = false;
                }
            }
        }
        good && self
            .shared
            .failed
            .get()
            .is_none_or(|failed| self.ended != Some(End::Passed) || failed != Failed::Closed)
    }

    /// Whether a filter wants to see the response's body.
    pub(crate) fn sees_response_bodies(&self) -> bool {
        self.filters.iter().any(|filter| filter.stream.is_some() && filter.plugin.sees_response_bodies)
    }

    /// A part of the response's body goes out: through the filters backwards. What is left of it for the
    /// client, as far as no filter holds it.
    ///
    /// # Errors
    /// What is wrong, when the response can't go on.
    pub(crate) fn on_response_body(&mut self, part: Vec<u8>, last: bool) -> Result<Part, String> {
        let mut part = part;
        let mut changed = false;
        for (index, filter) in self.filters.iter().enumerate().rev() {
            let Some(stream) = filter.stream.filter(|_| filter.plugin.sees_response_bodies) else { continue };
            if self.response.held_by == Some(index) {
                let mut held = std::mem::take(&mut self.response.held);
                held.append(&mut part);
                part = held;
                self.response.held_by = None;
                changed = true;
            }
            let size = part.len();
            self.shared.response_body.replace(Some(part));
            let judged = filter.plugin.call(|vm| vm.on_response_body(stream, size, last));
            part = self.shared.response_body.take().unwrap_or_default();
            changed |= self.shared.response_body_changed.take();
            if self.shared.failed.get() == Some(Failed::Closed) || self.shared.answer.take().is_some() {
                return Err("a filter ends a response that is on its way".into());
            }
            match judged {
                Ok(Action::Continue) => {}
                Ok(Action::Pause) if last => return Err("a filter holds a response beyond its end".into()),
                Ok(Action::Pause) if part.len() > self.body_limit => {
                    return Err("a filter holds more of a response than postern_body_limit".into());
                }
                Ok(Action::Pause) => {
                    self.response.held_by = Some(index);
                    self.response.held = part;
                    return Ok(Part::Held);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        if !changed {
            return Ok(Part::AsItCame);
        }
        self.response.changed += part.len();
        if self.response.changed > self.body_limit {
            // What was written anew stays in memory until the request is over.
            return Err("filters change more of a response than postern_body_limit".into());
        }
        Ok(Part::Instead(part))
    }

    /// The request is over.
    pub(crate) fn end(&mut self) {
        for filter in &mut self.filters {
            if let Some(stream) = filter.stream.take() {
                filter.plugin.end(stream);
            }
        }
    }

    pub(crate) fn log(&self, level: u32, text: &str) {
        let request = self.shared.request.get();
        if request.is_null() {
            return log::cycle(level, text);
        }
        // SAFETY: a request that is not null is one that nginx knows.
        unsafe { log::write((*(*request).connection).log, level, text.as_bytes()) };
    }
}

fn failed(error: &CallError) -> Failed {
    match error {
        CallError::Died(_) | CallError::Lost { .. } => Failed::Died,
        _ => Failed::Down,
    }
}
