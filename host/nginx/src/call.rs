//! Requests of the filters' own: an HTTP/1.1 client on nginx's event loop, one connection each.

use std::ffi::CString;
use std::ptr;
use std::rc::Rc;
use std::time::Duration;

use nginx_sys::{
    NGX_AGAIN, NGX_DECLINED, NGX_ERROR, NGX_LOG_WARN, NGX_OK, NGX_SSL_BUFFER, NGX_SSL_CLIENT,
    SSL_CTRL_SET_TLSEXT_HOSTNAME, SSL_ctrl, SSL_get_verify_result, X509_V_OK, ngx_close_connection,
    ngx_connection_t, ngx_create_pool, ngx_cycle, ngx_destroy_pool, ngx_event_connect_peer,
    ngx_event_get_peer, ngx_event_t, ngx_handle_read_event, ngx_handle_write_event, ngx_int_t,
    ngx_peer_connection_t, ngx_ssl_check_host, ngx_ssl_create_connection, ngx_ssl_handshake,
    ngx_ssl_shutdown, ngx_str_t, ngx_uint_t,
};
use postern_proxy_wasm::{CallId, HttpCall, HttpCallResponse};

use crate::cluster::{Address, Cluster, Tls};
use crate::guarded::guarded;
use crate::http1::{self, Parsed};
use crate::ngx::log;
use crate::ngx::timer::Timer;
use crate::worker::Plugin;

/// Bytes of a response, with its head.
const MOST: usize = 4 << 20;

/// What a filter wants to send, until it has returned.
pub(crate) struct Wanted {
    pub(crate) id: CallId,
    pub(crate) cluster: usize,
    request: Vec<u8>,
    timeout: Duration,
}

impl Wanted {
    /// The request as bytes; none when it can't be one.
    pub(crate) fn new(id: CallId, cluster: usize, call: &HttpCall<'_>) -> Option<Self> {
        let request = http1::request(call.headers, call.body)?;
        Some(Self { id, cluster, request, timeout: call.timeout })
    }
}

/// One that is under way. It lives until its end, which drops it.
struct Call {
    plugin: Rc<Plugin>,
    id: CallId,
    cluster: &'static Cluster,
    address: Address,
    connection: *mut ngx_connection_t,
    request: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    timer: Option<Timer>,
    /// Why it has failed when the timer fires.
    late: &'static str,
}

/// A call that is under way, as its plugin knows it.
#[derive(Clone, Copy)]
pub(crate) struct UnderWay(*mut Call);

/// Connects and sends. None: there is nowhere to send it to.
pub(crate) fn send(plugin: &Rc<Plugin>, cluster: &'static Cluster, wanted: Wanted) -> Option<UnderWay> {
    let count = cluster.addresses.len();
    let turn = wanted.id.token() as usize;
    let address = *cluster.addresses.get(turn.checked_rem(count)?)?;
    let call = Box::into_raw(Box::new(Call {
        plugin: Rc::clone(plugin),
        id: wanted.id,
        cluster,
        address,
        connection: ptr::null_mut(),
        request: wanted.request,
        sent: 0,
        received: Vec::new(),
        timer: None,
        late: "it takes too long",
    }));
    // SAFETY: nothing but this call and nginx's events for it knows the box.
    unsafe {
        let timer = Timer::new(Some(on_timeout), call.cast());
        timer.set(wanted.timeout);
        if !connect(call) {
            // The filter is told a little later: at once it could ask again, and again.
            disconnect(call);
            (*call).late = "it does not connect";
            timer.set(Duration::from_millis(1));
        }
        (*call).timer = Some(timer);
    }
    Some(UnderWay(call))
}

/// Nobody waits for it any longer.
pub(crate) fn cancel(call: UnderWay) {
    // SAFETY: a plugin forgets a call before it ends.
    unsafe { close(call.0) };
}

unsafe fn connect(call: *mut Call) -> bool {
    // SAFETY: the caller's; a peer of zeros is one that nothing is known of.
    unsafe {
        let mut peer: ngx_peer_connection_t = std::mem::zeroed();
        let mut name = (*call).address.name;
        peer.sockaddr = (*call).address.sockaddr;
        peer.socklen = (*call).address.socklen;
        peer.name = &raw mut name;
        peer.get = Some(ngx_event_get_peer);
        peer.log = (*ngx_cycle).log;
        let connected = ngx_event_connect_peer(&raw mut peer);
        let connection = peer.connection;
        if connection.is_null() || connected == ERROR || connected == NGX_DECLINED as ngx_int_t {
            if !connection.is_null() {
                ngx_close_connection(connection);
            }
            return false;
        }
        (*call).connection = connection;
        (*connection).data = call.cast();
        (*connection).pool = ngx_create_pool(1024, (*ngx_cycle).log);
        if (*connection).pool.is_null() {
            return false;
        }
        (*connection).log = (*ngx_cycle).log;
        (*(*connection).read).log = (*connection).log;
        (*(*connection).write).log = (*connection).log;
        (*(*connection).read).handler = Some(on_event);
        (*(*connection).write).handler = Some(on_connected);
        if connected == NGX_OK as ngx_int_t {
            return begin(call);
        }
        true
    }
}

/// The connection is there, or has failed: what is written next says which.
unsafe extern "C" fn on_connected(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: nginx's event of a call's connection.
        unsafe {
            let call = (*(*event).data.cast::<ngx_connection_t>()).data.cast::<Call>();
            if !begin(call) {
                fail(call, "it does not connect");
            }
        }
    });
}

/// False when it has failed.
unsafe fn begin(call: *mut Call) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let connection = (*call).connection;
        (*(*connection).write).handler = Some(on_event);
        let Some(tls) = &(*call).cluster.tls else { return write(call) };
        let flags = (NGX_SSL_BUFFER | NGX_SSL_CLIENT) as ngx_uint_t;
        if ngx_ssl_create_connection(tls.context, connection, flags) != NGX_OK as ngx_int_t {
            return false;
        }
        (*connection).set_sendfile(0);
        let Ok(name) = CString::new(tls.name.as_str()) else { return false };
        let ssl = (*(*connection).ssl).connection;
        // SSL_set_tlsext_host_name is a macro.
        if SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME as i32, 0, name.as_ptr().cast_mut().cast()) == 0 {
            return false;
        }
        match ngx_ssl_handshake(connection) {
            rc if rc == NGX_AGAIN as ngx_int_t => {
                (*(*connection).ssl).handler = Some(on_handshake);
                true
            }
            rc if rc == NGX_OK as ngx_int_t => secured(call, tls) && write(call),
            _ => false,
        }
    }
}

unsafe extern "C" fn on_handshake(connection: *mut ngx_connection_t) {
    guarded("a call", (), || {
        // SAFETY: nginx's connection of a call.
        unsafe {
            let call = (*connection).data.cast::<Call>();
            let Some(tls) = &(*call).cluster.tls else { return };
            (*(*connection).read).handler = Some(on_event);
            (*(*connection).write).handler = Some(on_event);
            if !(secured(call, tls) && write(call)) {
                fail(call, "no TLS with who it has to be");
            }
        }
    });
}

/// Whether the peer is who it has to be.
unsafe fn secured(call: *mut Call, tls: &Tls) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let connection = (*call).connection;
        let ssl = (*connection).ssl;
        if ssl.is_null() || (*ssl).handshaked() == 0 {
            return false;
        }
        if !tls.verify {
            return true;
        }
        let mut name = ngx_str_t { len: tls.name.len(), data: tls.name.as_ptr().cast_mut() };
        SSL_get_verify_result((*ssl).connection) == i64::from(X509_V_OK)
            && ngx_ssl_check_host(connection, &raw mut name) == NGX_OK as ngx_int_t
    }
}

/// nginx's callback: something can be read or written.
unsafe extern "C" fn on_event(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: nginx's event of a call's connection.
        unsafe {
            let connection = (*event).data.cast::<ngx_connection_t>();
            let call = (*connection).data.cast::<Call>();
            if (*connection).close() != 0 {
                return fail(call, "the worker ends");
            }
            if (*call).sent < (*call).request.len() && !write(call) {
                return fail(call, "it does not take the request");
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
            let ended = match usize::try_from(count) {
                Ok(0) => true,
                Ok(count) => {
                    (*call).received.extend_from_slice(block.get(..count).unwrap_or_default());
                    false
                }
                _ if count == NGX_AGAIN as isize => {
                    if ngx_handle_read_event((*connection).read, 0) != NGX_OK as ngx_int_t {
                        fail(call, "it can't be read");
                    }
                    return;
                }
                _ => return fail(call, "it broke off"),
            };
            if (*call).received.len() > MOST {
                return fail(call, "its response is too large");
            }
            match http1::response(&(*call).received, ended) {
                Parsed::Partial if ended => return fail(call, "its response is cut short"),
                Parsed::Partial => {}
                Parsed::Malformed => return fail(call, "its response is no HTTP/1.1"),
                Parsed::Whole(response) => return finish(call, response),
            }
        }
    }
}

unsafe extern "C" fn on_timeout(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: of `send`; the timer goes with the call.
        unsafe {
            let call = (*event).data.cast::<Call>();
            fail(call, (*call).late);
        }
    });
}

unsafe fn fail(call: *mut Call, why: &str) {
    // SAFETY: the caller's.
    unsafe {
        let cluster = &(*call).cluster.name;
        log::cycle(NGX_LOG_WARN, &format!("postern: a call to {cluster} failed: {why}"));
        finish(call, HttpCallResponse::failed());
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
        disconnect(call);
        drop(Box::from_raw(call));
    }
}

unsafe fn disconnect(call: *mut Call) {
    // SAFETY: the caller's.
    unsafe {
        let connection = (*call).connection;
        if !connection.is_null() {
            let ssl = (*connection).ssl;
            if !ssl.is_null() {
                (*ssl).set_no_wait_shutdown(1);
                (*ssl).set_no_send_shutdown(1);
                ngx_ssl_shutdown(connection);
            }
            let pool = (*connection).pool;
            ngx_close_connection(connection);
            if !pool.is_null() {
                ngx_destroy_pool(pool);
            }
            (*call).connection = ptr::null_mut();
        }
    }
}

const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;
