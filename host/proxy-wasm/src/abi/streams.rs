//! Contexts and streams: whose turn it is, going on, answering, ending.

use wasmtime::Linker;

use super::{Guest, Stop, answer, give, parts, put_number, slice};
use crate::data::{Data, Target};
use crate::host::{Host, Stream};
use crate::pairs;
use crate::status::Status;
use crate::types::{Direction, LocalResponse};

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_set_effective_context", |mut guest: Guest<'_, H>, context: u32| {
        answer(set_effective_context(&mut guest, context))
    })?;
    linker.func_wrap("env", "proxy_done", |mut guest: Guest<'_, H>| answer(done(&mut guest)))?;
    linker.func_wrap("env", "proxy_continue_stream", |mut guest: Guest<'_, H>, stream: u32| {
        answer(resume(&mut guest, stream))
    })?;
    linker.func_wrap("env", "proxy_continue_request", |mut guest: Guest<'_, H>| {
        answer(resume(&mut guest, 0))
    })?;
    linker.func_wrap("env", "proxy_continue_response", |mut guest: Guest<'_, H>| {
        answer(resume(&mut guest, 1))
    })?;
    linker.func_wrap("env", "proxy_close_stream", |mut guest: Guest<'_, H>, stream: u32| {
        answer(close(&mut guest, stream))
    })?;
    // Routes are the proxy's: it looks at the headers when it needs one.
    linker.func_wrap("env", "proxy_clear_route_cache", |_: Guest<'_, H>| 0_u32)?;
    linker.func_wrap(
        "env",
        "proxy_get_status",
        |mut guest: Guest<'_, H>, code_at: u32, data_at: u32, size_at: u32| {
            answer(status(&mut guest, code_at, data_at, size_at))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_send_local_response",
        |mut guest: Guest<'_, H>,
         status: u32,
         details: u32,
         details_size: u32,
         body: u32,
         body_size: u32,
         headers: u32,
         headers_size: u32,
         grpc_status: u32| {
            let response = Given {
                status,
                details: (details, details_size),
                body: (body, body_size),
                headers: (headers, headers_size),
                grpc_status,
            };
            answer(send_local_response(&mut guest, &response))
        },
    )?;
    Ok(())
}

fn set_effective_context<H: Host>(guest: &mut Guest<'_, H>, context: u32) -> Result<(), Stop> {
    let data = guest.data_mut();
    data.target_of(context).ok_or(Status::BadArgument)?;
    data.running.effective = context;
    Ok(())
}

/// The plugin is done with a stream whose request is over.
fn done<H: Host>(guest: &mut Guest<'_, H>) -> Result<(), Stop> {
    let data = guest.data_mut();
    match data.target() {
        Target::Stream(context)
            if data.streams.get(&context).is_some_and(|stream| stream.stream.is_none())
                && !data.running.done.contains(&context) =>
        {
            data.running.done.push(context);
            Ok(())
        }
        _ => Err(Status::NotFound.into()),
    }
}

fn direction(stream: u32) -> Result<Direction, Status> {
    match stream {
        0 => Ok(Direction::Request),
        1 => Ok(Direction::Response),
        _ => Err(Status::BadArgument),
    }
}

/// Outside a stream nothing happens, which is no error (as in Envoy).
fn resume<H: Host>(guest: &mut Guest<'_, H>, stream: u32) -> Result<(), Stop> {
    let direction = direction(stream)?;
    let Some(context) = guest.data_mut().stream() else { return Ok(()) };
    // What was answered is over.
    if context.answered && direction == Direction::Request {
        return Ok(());
    }
    if let Some(stream) = &mut context.stream {
        stream.resume(direction)?;
        context.close_access(direction);
    }
    Ok(())
}

fn close<H: Host>(guest: &mut Guest<'_, H>, stream: u32) -> Result<(), Stop> {
    let direction = direction(stream)?;
    let stream = guest.data_mut().stream().and_then(|context| context.stream.as_mut());
    match stream {
        Some(stream) => Ok(stream.close(direction)?),
        None => Ok(()),
    }
}

/// Of the callout whose response is handed over: Envoy's code and word for one that failed.
fn status<H: Host>(guest: &mut Guest<'_, H>, code_at: u32, data_at: u32, size_at: u32) -> Result<(), Stop> {
    const BROKEN_CONNECTION: u32 = 9;
    let response = guest.data().running.response.as_ref();
    let failed = response.is_some_and(|response| response.headers.is_empty());
    let (code, message) = if failed { (BROKEN_CONNECTION, &b"reset"[..]) } else { (0, &b""[..]) };
    put_number(guest, code_at, code)?;
    give(guest, message, data_at, size_at)
}

struct Given {
    status: u32,
    details: (u32, u32),
    body: (u32, u32),
    headers: (u32, u32),
    grpc_status: u32,
}

fn send_local_response<H: Host>(guest: &mut Guest<'_, H>, given: &Given) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let text = |(at, size): (u32, u32)| slice(memory, at, size);
    let (details, body) = (text(given.details)?, text(given.body)?);
    let pairs = pairs::read(text(given.headers)?)?;
    let status = u16::try_from(given.status).ok().filter(|status| (200..600).contains(status));
    let status = status.ok_or(Status::BadArgument)?;
    let mut written = details.len();
    let mut names = Vec::with_capacity(pairs.len());
    for (name, value) in &pairs {
        pairs::check_value(value)?;
        names.push(pairs::field_name(name, false)?);
        written = written.saturating_add(name.len()).saturating_add(value.len());
    }
    if body.len() > data.limits.local_response_body || written > data.limits.headers {
        return Err(Status::InternalFailure.into());
    }
    let headers: Vec<_> = names.iter().map(Vec::as_slice).zip(pairs.iter().map(|pair| pair.1)).collect();
    let Some(context) = data.stream() else { return Ok(()) };
    let Some(stream) = &mut context.stream else { return Ok(()) };
    if context.answered {
        return Ok(());
    }
    let grpc_status = (given.grpc_status != u32::MAX).then_some(given.grpc_status);
    stream.send_local_response(&LocalResponse { status, details, headers: &headers, body, grpc_status })?;
    context.answered = true;
    Ok(())
}
