//! Requests of the filters' own: an HTTP/1.1 client on nginx's event loop.
//!
//! A call goes to one node of its cluster, over a connection that is kept from another call or a new
//! one; to the next node when a new one can't be had. What a node may have seen is not sent again, but
//! for a kept connection that had ended before anything came back.

mod connect;
mod idle;

use std::mem;
use std::ptr;
use std::rc::Rc;
use std::time::Duration;

use nginx_sys::{
    NGX_AGAIN, NGX_LOG_WARN, NGX_OK, ngx_connection_t, ngx_event_t, ngx_handle_read_event,
    ngx_handle_write_event, ngx_int_t,
};
use postern_http1::{Response, ResponseReader};
use postern_proxy_wasm::{CallId, HttpCall, HttpCallResponse};

pub(crate) use idle::close_all as close_idle;

use crate::cluster::{Address, Cluster};
use crate::guarded::guarded;
use crate::ngx::log;
use crate::ngx::timer::Timer;
use crate::worker::Plugin;

const NO_NODE: &str = "no node connects";

/// Bytes of a response's body.
const MOST: usize = 4 << 20;

/// What a filter wants to send, until it has returned.
pub(crate) struct Wanted {
    pub(crate) id: CallId,
    pub(crate) cluster: usize,
    request: Vec<u8>,
    is_head: bool,
    timeout: Duration,
}

impl Wanted {
    /// The request as bytes; none when it can't be one.
    pub(crate) fn new(id: CallId, cluster: usize, call: &HttpCall<'_>) -> Option<Self> {
        let request = postern_http1::request(call.headers, call.body)?;
        let is_head = request.starts_with(b"HEAD ");
        Some(Self { id, cluster, request, is_head, timeout: call.timeout })
    }
}

/// One that is under way. It lives until its end, which drops it.
struct Call {
    plugin: Rc<Plugin>,
    id: CallId,
    cluster: &'static Cluster,
    /// Nodes in the order of this call, from the back.
    nodes: Vec<Address>,
    /// The one that it is at.
    node: Option<Address>,
    connection: *mut ngx_connection_t,
    /// The connection is one of an earlier call.
    is_reused: bool,
    request: Vec<u8>,
    is_head: bool,
    sent: usize,
    reader: ResponseReader,
    /// All the time that the filter gives it.
    timer: Option<Timer>,
    /// The part of it that a node may take to be connected to.
    connecting: Option<Timer>,
    share: Duration,
}

/// A call that is under way, as its plugin knows it.
#[derive(Clone, Copy)]
pub(crate) struct UnderWay(*mut Call);

/// Connects and sends. The filter is told later whatever comes of it: at once it could ask again, and
/// again.
pub(crate) fn send(plugin: &Rc<Plugin>, cluster: &'static Cluster, wanted: Wanted) -> UnderWay {
    let mut nodes = cluster.addresses.clone();
    let turn = (wanted.id.token() as usize).checked_rem(nodes.len()).unwrap_or(0);
    nodes.rotate_left(turn);
    nodes.reverse();
    let share = wanted.timeout / u32::try_from(nodes.len()).unwrap_or(1).max(1);
    let call = Box::into_raw(Box::new(Call {
        plugin: Rc::clone(plugin),
        id: wanted.id,
        cluster,
        nodes,
        node: None,
        connection: ptr::null_mut(),
        is_reused: false,
        request: wanted.request,
        is_head: wanted.is_head,
        sent: 0,
        reader: ResponseReader::new(wanted.is_head, MOST),
        timer: None,
        connecting: None,
        share,
    }));
    // SAFETY: nothing but this call and nginx's events for it knows the box.
    unsafe {
        let timer = Timer::new(Some(on_timeout), call.cast());
        timer.set(wanted.timeout);
        (*call).connecting = Some(Timer::new(Some(on_node_timeout), call.cast()));
        if !attempt(call) {
            timer.set(Duration::from_millis(1));
        }
        (*call).timer = Some(timer);
    }
    UnderWay(call)
}

/// Nobody waits for it any longer.
pub(crate) fn cancel(call: UnderWay) {
    // SAFETY: a plugin forgets a call before it ends.
    unsafe { close(call.0) };
}

/// A kept connection, or a new one to the next node to which one begins. False: there is none left.
unsafe fn attempt(call: *mut Call) -> bool {
    // SAFETY: the caller's.
    unsafe {
        (*call).sent = 0;
        (*call).reader = ResponseReader::new((*call).is_head, MOST);
        if (*call).node.is_none()
            && let Some((connection, node)) = idle::take((*call).cluster, call.cast(), on_event)
        {
            (*call).connection = connection;
            (*call).node = Some(node);
            (*call).is_reused = true;
            if write(call) {
                return true;
            }
            idle::disconnect(mem::replace(&mut (*call).connection, ptr::null_mut()));
        }
        (*call).is_reused = false;
        while let Some(node) = (*call).nodes.pop() {
            (*call).node = Some(node);
            if let (Some(timer), false) = (&(*call).connecting, (*call).nodes.is_empty()) {
                timer.set((*call).share);
            }
            if connect::begin(call, node) {
                return true;
            }
            let connection = mem::replace(&mut (*call).connection, ptr::null_mut());
            idle::disconnect(connection);
            note(call, "it does not connect");
        }
        if let Some(timer) = &(*call).connecting {
            timer.stop();
        }
        false
    }
}

/// The node is out of the question: the next one, or the end.
unsafe fn next_node(call: *mut Call, why: &str) {
    // SAFETY: the caller's.
    unsafe {
        idle::disconnect(mem::replace(&mut (*call).connection, ptr::null_mut()));
        note(call, why);
        if !attempt(call) {
            fail(call, NO_NODE);
        }
    }
}

/// The connection has broken.
unsafe fn broken(call: *mut Call, why: &str) {
    // SAFETY: the caller's.
    unsafe {
        if (*call).is_reused && (*call).reader.is_untouched() {
            // The node had closed it before it came to our request. Its place is tried anew.
            idle::disconnect(mem::replace(&mut (*call).connection, ptr::null_mut()));
            (*call).nodes.extend((*call).node);
            if !attempt(call) {
                fail(call, NO_NODE);
            }
            return;
        }
        fail(call, why);
    }
}

/// The connection is there and secured: the request goes. False when it has failed.
unsafe fn connected(call: *mut Call) -> bool {
    // SAFETY: the caller's.
    unsafe {
        if let Some(timer) = &(*call).connecting {
            timer.stop();
        }
        let connection = (*call).connection;
        (*(*connection).read).handler = Some(on_event);
        (*(*connection).write).handler = Some(on_event);
        write(call)
    }
}

/// nginx's callback: something can be read or written.
unsafe extern "C" fn on_event(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: nginx's event of a call's connection.
        unsafe {
            let connection = (*event).data.cast::<ngx_connection_t>();
            let call = (*connection).data.cast::<Call>();
            if (*call).sent < (*call).request.len() && !write(call) {
                return broken(call, "it does not take the request");
            }
            read(call);
        }
    });
}

/// False when it has failed.
unsafe fn write(call: *mut Call) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let connection = (*call).connection;
        let Some(send) = (*connection).send else { return false };
        while (*call).sent < (*call).request.len() {
            let request = &mut (*call).request;
            let rest = request.len() - (*call).sent;
            let sent = send(connection, request.as_mut_ptr().add((*call).sent), rest);
            match usize::try_from(sent) {
                Ok(count) if count > 0 => (*call).sent += count,
                _ if sent == NGX_AGAIN as isize => break,
                _ => return false,
            }
        }
        ngx_handle_write_event((*connection).write, 0) == NGX_OK as ngx_int_t
            && ngx_handle_read_event((*connection).read, 0) == NGX_OK as ngx_int_t
    }
}

/// Reads what is there; ends the call when that was all.
unsafe fn read(call: *mut Call) {
    let mut block = [0_u8; 16 << 10];
    // SAFETY: the caller's.
    unsafe {
        let connection = (*call).connection;
        let Some(receive) = (*connection).recv else { return fail(call, "it can't be read") };
        loop {
            let count = receive(connection, block.as_mut_ptr(), block.len());
            let read = match usize::try_from(count) {
                Ok(0) => match (*call).reader.end() {
                    Ok(response) => return answered(call, response),
                    Err(_) => return broken(call, "its response is cut short"),
                },
                Ok(count) => (*call).reader.take(block.get(..count).unwrap_or_default()),
                _ if count == NGX_AGAIN as isize => {
                    if ngx_handle_read_event((*connection).read, 0) != NGX_OK as ngx_int_t {
                        fail(call, "it can't be read");
                    }
                    return;
                }
                _ => return broken(call, "it broke off"),
            };
            match read {
                Ok(None) => {}
                Ok(Some(response)) => return answered(call, response),
                Err(_) => return fail(call, "its response is no HTTP/1.1, or too large"),
            }
        }
    }
}

/// nginx's callback: the filter's time is over.
unsafe extern "C" fn on_timeout(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: of `send`; the timer goes with the call.
        unsafe {
            let call = (*event).data.cast::<Call>();
            fail(call, if (*call).connection.is_null() { NO_NODE } else { "it takes too long" });
        }
    });
}

/// nginx's callback: a node does not let itself be connected to.
unsafe extern "C" fn on_node_timeout(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: as above.
        unsafe { next_node((*event).data.cast::<Call>(), "it takes too long to connect") };
    });
}

unsafe fn note(call: *mut Call, why: &str) {
    // SAFETY: the caller's.
    unsafe {
        let cluster = &(*call).cluster.name;
        let node =
            (*call).node.map(|node| String::from_utf8_lossy(crate::ngx::text::bytes(node.name)).into_owned());
        let node = node.unwrap_or_default();
        log::cycle(NGX_LOG_WARN, &format!("postern: a call to {cluster} ({node}) failed: {why}"));
    }
}

unsafe fn fail(call: *mut Call, why: &str) {
    // SAFETY: the caller's.
    unsafe {
        note(call, why);
        finish(call, HttpCallResponse::failed());
    }
}

/// The response is whole.
unsafe fn answered(call: *mut Call, response: Response) {
    // SAFETY: the caller's.
    unsafe {
        if response.keeps_alive
            && (*call).sent == (*call).request.len()
            && let Some(node) = (*call).node
        {
            idle::keep((*call).cluster, mem::replace(&mut (*call).connection, ptr::null_mut()), node);
        }
        let mut headers = vec![(b":status".to_vec(), response.status.to_string().into_bytes())];
        headers.extend(response.headers);
        finish(call, HttpCallResponse { headers, body: response.body, trailers: response.trailers });
    }
}

unsafe fn finish(call: *mut Call, response: HttpCallResponse) {
    // SAFETY: the caller's; the call is gone before the filter is told, and may make another one.
    unsafe {
        let (plugin, id) = (Rc::clone(&(*call).plugin), (*call).id);
        close(call);
        plugin.called(id, response);
    }
}

unsafe fn close(call: *mut Call) {
    // SAFETY: the caller's: nobody uses the call afterwards.
    unsafe {
        idle::disconnect((*call).connection);
        drop(Box::from_raw(call));
    }
}
