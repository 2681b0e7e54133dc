//! HTTP calls of the plugin.

use std::time::Duration;

use wasmtime::Linker;

use super::{Guest, Stop, answer, parts, put_number, slice};
use crate::data::Data;
use crate::host::Host;
use crate::pairs;
use crate::status::Status;
use crate::types::{CallId, HttpCall};

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_http_call",
        |mut guest: Guest<'_, H>,
         upstream: u32,
         upstream_size: u32,
         headers: u32,
         headers_size: u32,
         body: u32,
         body_size: u32,
         trailers: u32,
         trailers_size: u32,
         timeout: u32,
         call_at: u32| {
            let given = Given {
                upstream: (upstream, upstream_size),
                headers: (headers, headers_size),
                body: (body, body_size),
                trailers: (trailers, trailers_size),
                timeout,
            };
            answer(call(&mut guest, &given, call_at))
        },
    )?;
    Ok(())
}

struct Given {
    upstream: (u32, u32),
    headers: (u32, u32),
    body: (u32, u32),
    trailers: (u32, u32),
    timeout: u32,
}

fn call<H: Host>(guest: &mut Guest<'_, H>, given: &Given, call_at: u32) -> Result<(), Stop> {
    // The place for the number is good before anything is sent.
    put_number(guest, call_at, 0)?;
    let id = dispatch(guest, given)?;
    put_number(guest, call_at, id)
}

fn dispatch<H: Host>(guest: &mut Guest<'_, H>, given: &Given) -> Result<u32, Stop> {
    let (memory, data) = parts(guest)?;
    let text = |(at, size): (u32, u32)| slice(memory, at, size);
    let (upstream, body) = (text(given.upstream)?, text(given.body)?);
    let headers = checked(text(given.headers)?, true)?;
    let trailers = checked(text(given.trailers)?, false)?;
    for required in [&b":method"[..], b":path", b":authority"] {
        if headers.iter().filter(|(name, _)| name == required).count() != 1 {
            return Err(Status::BadArgument.into());
        }
    }
    let plugin = data.plugin().ok_or(Status::BadArgument)?;
    let limits = &data.limits;
    let fields: usize =
        headers.iter().chain(&trailers).map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if data.calls.len() >= limits.calls || body.len() > limits.call_body || fields > limits.headers {
        return Err(Status::InternalFailure.into());
    }
    let id = data.next_call();
    let (headers, trailers) = (borrowed(&headers), borrowed(&trailers));
    let timeout = Duration::from_millis(given.timeout.into());
    let call = HttpCall { upstream, headers: &headers, body, trailers: &trailers, timeout };
    data.host.dispatch_http_call(CallId(id), &call)?;
    data.calls.insert(id, plugin);
    Ok(id)
}

type Fields<'a> = Vec<(Vec<u8>, &'a [u8])>;

fn checked(bytes: &[u8], pseudo: bool) -> Result<Fields<'_>, Status> {
    let mut fields = Vec::new();
    for (name, value) in pairs::read(bytes)? {
        pairs::check_value(value)?;
        fields.push((pairs::field_name(name, pseudo)?, value));
    }
    Ok(fields)
}

fn borrowed<'a>(fields: &'a Fields<'a>) -> pairs::Pairs<'a> {
    fields.iter().map(|(name, value)| (name.as_slice(), *value)).collect()
}
