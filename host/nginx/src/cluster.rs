//! `postern_cluster <name> <origin>… [name=…] [ca=…] [certificate=… key=…] [verify=off]`: where filters
//! may send requests of their own. Several origins are the nodes of one service.

use std::net::{IpAddr, SocketAddr};
use std::ptr;

use nginx_sys::{
    NGX_OK, NGX_SSL_TLSv1_2, NGX_SSL_TLSv1_3, ngx_conf_full_name, ngx_conf_t, ngx_int_t, ngx_parse_url,
    ngx_pcalloc, ngx_pool_cleanup_add, ngx_ssl_certificate, ngx_ssl_cleanup_ctx, ngx_ssl_create, ngx_ssl_t,
    ngx_ssl_trusted_certificate, ngx_str_t, ngx_uint_t, ngx_url_t, sockaddr, socklen_t,
};

use crate::ngx::text;

/// One of them.
pub(crate) struct Cluster {
    pub(crate) name: String,
    /// Resolved when the configuration was read, as those of nginx's own upstreams are. They live as
    /// long as the configuration.
    pub(crate) addresses: Vec<Address>,
    pub(crate) tls: Option<Tls>,
}

#[derive(Clone, Copy)]
pub(crate) struct Address {
    pub(crate) sockaddr: *mut sockaddr,
    pub(crate) socklen: socklen_t,
    pub(crate) name: ngx_str_t,
}

pub(crate) struct Tls {
    pub(crate) context: *mut ngx_ssl_t,
    /// What the certificate has to name, and SNI.
    pub(crate) name: String,
    pub(crate) verify: bool,
}

impl Tls {
    /// Whether the certificate has to name an address, and not a host.
    pub(crate) fn is_address(&self) -> bool {
        self.name.parse::<IpAddr>().is_ok()
    }
}

/// The words as they stand there.
#[derive(Default)]
struct Words<'a> {
    server_name: Option<&'a str>,
    authority: Option<&'a str>,
    certificate: Option<&'a str>,
    key: Option<&'a str>,
    verify: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn read(words: &[&'a str]) -> Result<Self, String> {
        let mut read = Self::default();
        for word in words {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("\"{word}\" is no name=value"))?;
            let place = match name {
                "name" => &mut read.server_name,
                "ca" => &mut read.authority,
                "certificate" => &mut read.certificate,
                "key" => &mut read.key,
                "verify" => &mut read.verify,
                _ => return Err(format!("unknown parameter \"{name}\"")),
            };
            if place.replace(value).is_some() {
                return Err(format!("\"{name}\" stands there twice"));
            }
        }
        Ok(read)
    }
}

impl Cluster {
    /// Reads the directive.
    ///
    /// # Safety
    /// `cf` is nginx's, while it reads the configuration.
    pub(crate) unsafe fn read(cf: *mut ngx_conf_t, words: &[&str]) -> Result<Self, String> {
        let [name, first, more @ ..] = words else {
            return Err("a name and an origin such as https://postern.lan:9443 are needed".into());
        };
        let others = more.iter().take_while(|word| word.contains("://")).count();
        let (others, parameters) = more.split_at(others);
        let words = Words::read(parameters)?;
        let (is_tls, first) = origin(first)?;
        // SAFETY: the caller's.
        unsafe {
            let default_port = if is_tls { 443 } else { 80 };
            let mut addresses = resolve(cf, first, default_port)?;
            for other in others {
                let (is_tls_too, place) = origin(other)?;
                if is_tls_too != is_tls {
                    return Err("some nodes with TLS and some without".into());
                }
                addresses.extend(resolve(cf, place, default_port)?);
            }
            if !is_tls && !parameters.is_empty() {
                return Err("parameters of TLS for an http:// origin".into());
            }
            if is_tls && !others.is_empty() && words.server_name.is_none() {
                return Err("name=<DNS name of the certificates> is needed for several nodes".into());
            }
            let tls = if is_tls { Some(tls(cf, first, &words)?) } else { None };
            Ok(Self { name: (*name).to_owned(), addresses, tls })
        }
    }
}

/// Whether it has TLS, and its place.
fn origin(text: &str) -> Result<(bool, &str), String> {
    match text.split_once("://") {
        Some(("https", place)) => Ok((true, place)),
        Some(("http", place)) => Ok((false, place)),
        _ => Err(format!("\"{text}\" is no https:// or http:// origin")),
    }
}

unsafe fn resolve(cf: *mut ngx_conf_t, place: &str, default_port: u16) -> Result<Vec<Address>, String> {
    // SAFETY: the caller's; a URL of zeros is one that nothing is known of.
    unsafe {
        let mut url: ngx_url_t = std::mem::zeroed();
        url.url = text::copied((*cf).pool, place.as_bytes()).ok_or("no memory")?;
        url.default_port = default_port;
        url.set_uri_part(0);
        if ngx_parse_url((*cf).pool, &raw mut url) != NGX_OK as ngx_int_t {
            let reason = if url.err.is_null() {
                "it has no address".into()
            } else {
                std::ffi::CStr::from_ptr(url.err).to_string_lossy()
            };
            return Err(format!("\"{place}\": {reason}"));
        }
        let found = std::slice::from_raw_parts(url.addrs, url.naddrs);
        Ok(found
            .iter()
            .map(|address| Address {
                sockaddr: address.sockaddr,
                socklen: address.socklen,
                name: address.name,
            })
            .collect())
    }
}

unsafe fn tls(cf: *mut ngx_conf_t, place: &str, words: &Words<'_>) -> Result<Tls, String> {
    let verify = match words.verify {
        None | Some("on") => true,
        Some("off") => false,
        Some(other) => return Err(format!("\"verify={other}\" is neither on nor off")),
    };
    if verify && words.authority.is_none() {
        return Err("ca=<file> is needed, or verify=off".into());
    }
    let name = match words.server_name {
        Some(name) => name.to_owned(),
        None => match place.parse::<SocketAddr>() {
            Ok(_) => {
                return Err("an address names nobody: name=<DNS name of the certificate> is needed".into());
            }
            Err(_) => place.rsplit_once(':').map_or(place, |(host, _)| host).to_owned(),
        },
    };
    // SAFETY: the caller's.
    unsafe {
        let context = ngx_pcalloc((*cf).pool, size_of::<ngx_ssl_t>()).cast::<ngx_ssl_t>();
        if context.is_null() {
            return Err("no memory".into());
        }
        (*context).log = (*cf).log;
        let protocols = (NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3) as ngx_uint_t;
        if ngx_ssl_create(context, protocols, ptr::null_mut()) != NGX_OK as ngx_int_t {
            return Err("no TLS".into());
        }
        let cleanup = ngx_pool_cleanup_add((*cf).pool, 0);
        if cleanup.is_null() {
            return Err("no memory".into());
        }
        (*cleanup).handler = Some(ngx_ssl_cleanup_ctx);
        (*cleanup).data = context.cast();
        if let Some(authority) = words.authority {
            let mut file = full(cf, authority)?;
            if ngx_ssl_trusted_certificate(cf, context, &raw mut file, 3) != NGX_OK as ngx_int_t {
                return Err(format!("{authority}: no certificates of authorities"));
            }
        }
        match (words.certificate, words.key) {
            (None, None) => {}
            (Some(certificate), Some(key)) => {
                let (mut chain, mut key) = (full(cf, certificate)?, full(cf, key)?);
                let read = ngx_ssl_certificate(cf, context, &raw mut chain, &raw mut key, ptr::null_mut());
                if read != NGX_OK as ngx_int_t {
                    return Err(format!("{certificate}: no certificate with its key"));
                }
            }
            _ => return Err("certificate and key belong together".into()),
        }
        Ok(Tls { context, name, verify })
    }
}

unsafe fn full(cf: *mut ngx_conf_t, path: &str) -> Result<ngx_str_t, String> {
    // SAFETY: the caller's.
    unsafe {
        let mut name = text::copied((*cf).pool, path.as_bytes()).ok_or("no memory")?;
        if ngx_conf_full_name((*cf).cycle, &raw mut name, 1) != NGX_OK as ngx_int_t {
            return Err("no memory".into());
        }
        Ok(name)
    }
}
