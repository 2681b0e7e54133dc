//! A connection to a node, and TLS with who it has to be.

use std::ffi::CString;

use nginx_sys::{
    NGX_AGAIN, NGX_DECLINED, NGX_ERROR, NGX_OK, NGX_SSL_BUFFER, NGX_SSL_CLIENT, SSL_CTRL_SET_TLSEXT_HOSTNAME,
    SSL_ctrl, SSL_get_verify_result, SSL_get0_param, X509_V_OK, X509_VERIFY_PARAM_set1_ip_asc,
    ngx_close_connection, ngx_connection_t, ngx_create_pool, ngx_cycle, ngx_event_connect_peer,
    ngx_event_get_peer, ngx_event_t, ngx_int_t, ngx_peer_connection_t, ngx_ssl_check_host,
    ngx_ssl_create_connection, ngx_ssl_handshake, ngx_str_t, ngx_uint_t,
};

use super::{Call, connected, next_node};
use crate::cluster::{Address, Tls};
use crate::guarded::guarded;

/// False when it has failed; what was opened is in the call, for the caller to close.
pub(super) unsafe fn begin(call: *mut Call, node: Address) -> bool {
    // SAFETY: the caller's; a peer of zeros is one that nothing is known of.
    unsafe {
        let mut peer: ngx_peer_connection_t = std::mem::zeroed();
        let mut name = node.name;
        peer.sockaddr = node.sockaddr;
        peer.socklen = node.socklen;
        peer.name = &raw mut name;
        peer.get = Some(ngx_event_get_peer);
        peer.log = (*ngx_cycle).log;
        let begun = ngx_event_connect_peer(&raw mut peer);
        let connection = peer.connection;
        if connection.is_null() || begun == NGX_ERROR as ngx_int_t || begun == NGX_DECLINED as ngx_int_t {
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
        (*(*connection).read).handler = Some(on_connected);
        (*(*connection).write).handler = Some(on_connected);
        if begun == NGX_OK as ngx_int_t { secure(call) } else { true }
    }
}

/// nginx's callback: the connection is there, or has failed. What is written next says which.
unsafe extern "C" fn on_connected(event: *mut ngx_event_t) {
    guarded("a call", (), || {
        // SAFETY: nginx's event of a call's connection.
        unsafe {
            let call = (*(*event).data.cast::<ngx_connection_t>()).data.cast::<Call>();
            if !secure(call) {
                next_node(call, "it does not connect");
            }
        }
    });
}

/// TLS, where the cluster has it. False when it has failed.
unsafe fn secure(call: *mut Call) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let connection = (*call).connection;
        let Some(tls) = &(*call).cluster.tls else { return connected(call) };
        // nginx's handshake puts its own callbacks there.
        let flags = (NGX_SSL_BUFFER | NGX_SSL_CLIENT) as ngx_uint_t;
        if ngx_ssl_create_connection(tls.context, connection, flags) != NGX_OK as ngx_int_t {
            return false;
        }
        (*connection).set_sendfile(0);
        let Ok(name) = CString::new(tls.name.as_str()) else { return false };
        let ssl = (*(*connection).ssl).connection;
        if tls.is_address() {
            // OpenSSL compares it when it verifies the certificate; there is no SNI of an address.
            if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.as_ptr()) != 1 {
                return false;
            }
        // SSL_set_tlsext_host_name is a macro.
        } else if SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME as i32, 0, name.as_ptr().cast_mut().cast()) == 0
        {
            return false;
        }
        match ngx_ssl_handshake(connection) {
            rc if rc == NGX_AGAIN as ngx_int_t => {
                (*(*connection).ssl).handler = Some(on_handshake);
                true
            }
            rc if rc == NGX_OK as ngx_int_t => is_who_it_has_to_be(call, tls) && connected(call),
            _ => false,
        }
    }
}

/// nginx's callback: the handshake is over, one way or the other.
unsafe extern "C" fn on_handshake(connection: *mut ngx_connection_t) {
    guarded("a call", (), || {
        // SAFETY: nginx's connection of a call.
        unsafe {
            let call = (*connection).data.cast::<Call>();
            let Some(tls) = &(*call).cluster.tls else { return };
            if !(is_who_it_has_to_be(call, tls) && connected(call)) {
                next_node(call, "no TLS with who it has to be");
            }
        }
    });
}

unsafe fn is_who_it_has_to_be(call: *mut Call, tls: &Tls) -> bool {
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
            && (tls.is_address() || ngx_ssl_check_host(connection, &raw mut name) == NGX_OK as ngx_int_t)
    }
}
