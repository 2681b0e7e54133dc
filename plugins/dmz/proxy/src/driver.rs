//! Brings what the proxy calls to the filter of its root context, and to the request that it is about.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use postern_refusal::Refusal;

use crate::abi;
use crate::calls;
use crate::filter::Filter;
use crate::request::Request;
use crate::response::Response;
use crate::root::Root;
use crate::stream::{Action, Stream};

/// The contexts of one VM.
///
/// Most requests are judged by their headers and never heard of again: nothing is kept for them. Each
/// borrow is tried, and what can't be had is a refusal: no callback runs inside of another, and if a
/// proxy let one do so, it must not end the VM.
pub struct Driver<F: Filter> {
    /// One, but while a new configuration takes over or when plugins share a VM.
    roots: RefCell<Vec<Rc<Root<F>>>>,
    /// The roots of requests that began while there were several.
    parents: RefCell<BTreeMap<u32, u32>>,
    /// Requests of which more may come.
    streams: RefCell<BTreeMap<u32, Stream<F>>>,
}

impl<F: Filter> Default for Driver<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Filter> Driver<F> {
    /// Without a context.
    pub const fn new() -> Self {
        Self {
            roots: RefCell::new(Vec::new()),
            parents: RefCell::new(BTreeMap::new()),
            streams: RefCell::new(BTreeMap::new()),
        }
    }

    /// `proxy_on_context_create`. A parent of 0 makes it a root.
    pub fn on_context_create(&self, context: u32, parent: u32) {
        let Ok(mut roots) = self.roots.try_borrow_mut() else { return };
        if parent == 0 {
            if roots.is_empty() {
                log_panics();
            }
            roots.push(Rc::new(Root::new(context)));
        } else if roots.len() > 1
            && let Ok(mut parents) = self.parents.try_borrow_mut()
        {
            parents.insert(context, parent);
        }
    }

    /// `proxy_on_delete`.
    pub fn on_delete(&self, context: u32) {
        if let Ok(mut streams) = self.streams.try_borrow_mut()
            && !streams.is_empty()
        {
            streams.remove(&context);
        }
        if let Ok(mut parents) = self.parents.try_borrow_mut()
            && !parents.is_empty()
        {
            parents.remove(&context);
        }
        if self.root(context).is_some()
            && let Ok(mut roots) = self.roots.try_borrow_mut()
        {
            roots.retain(|root| root.context != context);
        }
    }

    /// `proxy_on_configure`.
    pub fn on_configure(&self, context: u32, size: usize) -> bool {
        calls::run(context);
        self.root(context).is_some_and(|root| root.on_configure(size))
    }

    /// `proxy_on_tick`.
    pub fn on_tick(&self, context: u32) {
        calls::run(context);
        if let Some(root) = self.root(context) {
            root.on_tick();
        }
    }

    /// `proxy_on_http_call_response`.
    pub fn on_http_call_response(&self, call: u32, body_size: usize) {
        let Some(context) = calls::sender(call) else { return };
        if abi::set_effective_context(context).is_err() {
            return;
        }
        calls::run(context);
        if let Some(root) = self.root(context) {
            root.on_http_call_response(call, body_size);
        } else if let Ok(mut streams) = self.streams.try_borrow_mut()
            && let Some(stream) = streams.get_mut(&context)
        {
            stream.on_http_call_response(body_size);
        }
    }

    /// `proxy_on_request_headers`.
    pub fn on_request_headers(&self, context: u32, end_of_stream: bool) -> Action {
        calls::run(context);
        let Some(root) = self.root_of(context) else { return refuse_orphan::<F>() };
        let Some((stream, action)) = Stream::begin(context, root, end_of_stream) else {
            return Action::Continue;
        };
        match self.streams.try_borrow_mut() {
            Ok(mut streams) => {
                streams.insert(context, stream);
                action
            }
            Err(_) => Action::Pause,
        }
    }

    /// `proxy_on_request_body`.
    pub fn on_request_body(&self, context: u32, size: usize, end_of_stream: bool) -> Action {
        self.continued(context, |stream| stream.on_request_body(size, end_of_stream))
    }

    /// `proxy_on_request_trailers`.
    pub fn on_request_trailers(&self, context: u32) -> Action {
        self.continued(context, Stream::on_request_trailers)
    }

    /// `proxy_on_response_headers`.
    pub fn on_response_headers(&self, context: u32) -> Action {
        calls::run(context);
        if let Ok(mut streams) = self.streams.try_borrow_mut()
            && let Some(stream) = streams.get_mut(&context)
        {
            stream.on_response_headers();
        }
        Action::Continue
    }

    /// A request that was begun goes on.
    fn continued(&self, context: u32, go_on: impl FnOnce(&mut Stream<F>) -> Action) -> Action {
        calls::run(context);
        let Ok(mut streams) = self.streams.try_borrow_mut() else { return Action::Pause };
        match streams.get_mut(&context) {
            Some(stream) => go_on(stream),
            None => refuse_orphan::<F>(),
        }
    }

    fn root(&self, context: u32) -> Option<Rc<Root<F>>> {
        self.roots.try_borrow().ok()?.iter().find(|root| root.context == context).cloned()
    }

    /// The root of a request. One that began while there was one root belongs to that, and all that
    /// came since have higher numbers.
    fn root_of(&self, stream: u32) -> Option<Rc<Root<F>>> {
        let roots = self.roots.try_borrow().ok()?;
        if let [root] = roots.as_slice() {
            return Some(Rc::clone(root));
        }
        let parent = self.parents.try_borrow().ok()?.get(&stream).copied();
        let is_parent = |root: &&Rc<Root<F>>| match parent {
            Some(parent) => root.context == parent,
            None => root.context < stream,
        };
        roots.iter().find(is_parent).cloned()
    }
}

/// A request that no filter has begun with.
fn refuse_orphan<F: Filter>() -> Action {
    let refusal = Refusal::internal("proxy.callback.unexpected").found("a request without its beginning");
    Response::from(refusal).send(F::NAME, &Request::read(false, Rc::default()));
    Action::Pause
}

/// A panic ends the VM: what it was is written to the proxy's log first.
fn log_panics() {
    const CRITICAL: u32 = 5;
    std::panic::set_hook(Box::new(|panic| abi::log(CRITICAL, &panic.to_string())));
}
