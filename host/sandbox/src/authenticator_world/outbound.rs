//! `outbound`, answered by the kernel.

use postern_kernel::outbound::{
    MAX_HEADER_VALUE, MAX_HEADERS, MAX_REQUEST_BODY, MAX_URL, OutboundAnswer, OutboundFailure,
    OutboundMethod, OutboundRequest,
};

use super::AuthenticatorState;
use super::bindings::postern::idp::outbound;
use crate::bounds;
use crate::stop::Stop;

/// Bytes of a header's name and of a credential's.
const NAME: usize = 64;

impl outbound::Host for AuthenticatorState {
    async fn send(
        &mut self,
        request: outbound::Request,
    ) -> wasmtime::Result<Result<outbound::Response, outbound::Error>> {
        let services = self.counted()?;
        let headers = request.headers.iter().map(|header| header.name.len() + header.value.len());
        self.asked("outbound.send", request.url.len() + request.body.len() + headers.sum::<usize>());
        let request = bounded(request)?;
        let answered = self.wait(services.send_outbound(request)).await?.map_err(Stop::output)?;
        Ok(match answered {
            Ok(answer) => {
                self.got(answer.body.len());
                Ok(response(answer))
            }
            Err(failure) => Err(error(failure)),
        })
    }
}

/// Sizes are judged here; what may be sent is judged by who sends it.
fn bounded(request: outbound::Request) -> Result<OutboundRequest, Stop> {
    let outbound::Request { method, url, headers, body, credential, cached } = request;
    bounds::size("send: url", url.len(), MAX_URL)?;
    bounds::count("send: headers", headers.len(), MAX_HEADERS)?;
    for header in &headers {
        bounds::size("send: header name", header.name.len(), NAME)?;
        bounds::size("send: header value", header.value.len(), MAX_HEADER_VALUE)?;
    }
    bounds::size("send: body", body.len(), MAX_REQUEST_BODY)?;
    bounds::optional_line("send: credential", credential.as_deref(), NAME)?;
    Ok(OutboundRequest {
        method: match method {
            outbound::Method::Get => OutboundMethod::Get,
            outbound::Method::Post => OutboundMethod::Post,
        },
        url,
        headers: headers.into_iter().map(|outbound::Header { name, value }| (name, value)).collect(),
        body,
        credential,
        cached,
    })
}

fn response(answer: OutboundAnswer) -> outbound::Response {
    let OutboundAnswer { status, headers, body, was_kept: _ } = answer;
    let header = |(name, value)| outbound::Header { name, value };
    outbound::Response { status, headers: headers.into_iter().map(header).collect(), body }
}

fn error(failure: OutboundFailure) -> outbound::Error {
    match failure {
        OutboundFailure::Invalid => outbound::Error::Invalid,
        OutboundFailure::Ungranted => outbound::Error::Ungranted,
        OutboundFailure::RefusedAddress => outbound::Error::RefusedAddress,
        OutboundFailure::Unreachable => outbound::Error::Unreachable,
        OutboundFailure::Tls => outbound::Error::Tls,
        OutboundFailure::TimedOut => outbound::Error::TimedOut,
        OutboundFailure::TooLarge => outbound::Error::TooLarge,
        OutboundFailure::Malformed => outbound::Error::Malformed,
        OutboundFailure::Busy => outbound::Error::Busy,
    }
}
