//! DMZ filter: only declared endpoints, only canonical requests.
//!
//! Its configuration is a `postern_endpoint::EndpointPolicy` as JSON. The rules are in
//! `postern-endpoint`; this face strips the headers that are ours, tells the LAN who the client
//! is, and holds bodies of unknown length until they are counted.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::rc::Rc;

use postern_endpoint::{Accepted, Body, EndpointPolicy, EndpointTable, Incoming, is_reserved};
use postern_proxy::{ConfigurationError, Exchange, Filter, HeadersVerdict, Request, Response};
use postern_refusal::Refusal;

postern_proxy::filter!(EndpointFilter);

/// Tells the LAN the client's address, without port.
const CLIENT_ADDRESS_HEADER: &str = "x-postern-client-address";

/// The filter with its table.
pub struct EndpointFilter {
    table: EndpointTable,
}

impl Filter for EndpointFilter {
    const NAME: &'static str = "endpoint-filter";
    type Exchange = Guarded;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        EndpointPolicy::from_json(configuration)
            .and_then(EndpointTable::new)
            .map(|table| Self { table })
            .map_err(|error| ConfigurationError(error.to_string()))
    }

    fn exchange(self: &Rc<Self>) -> Guarded {
        Guarded { filter: Rc::clone(self) }
    }
}

/// One request.
pub struct Guarded {
    filter: Rc<EndpointFilter>,
}

impl Exchange for Guarded {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        let correlation = request.new_correlation_id();
        let accepted = match self.judge(request) {
            Ok(accepted) => accepted,
            Err(refusal) => return HeadersVerdict::Refuse(answer(refusal)),
        };
        if let Err(refusal) = edit(request, correlation) {
            return HeadersVerdict::Refuse(refusal.into());
        }
        match accepted.body {
            // The proxy holds the client to the length that it announced.
            Body::None | Body::Announced(_) => HeadersVerdict::Continue,
            Body::Unannounced(limit) => {
                HeadersVerdict::HoldForBody(usize::try_from(limit).unwrap_or(usize::MAX))
            }
        }
    }
}

impl Guarded {
    fn judge<'a>(&'a self, request: &'a Request) -> Result<Accepted<'a, 'a>, Refusal> {
        self.filter.table.judge(&Incoming {
            method: request.method(),
            target: request.target(),
            authority: request.authority(),
            headers: request.headers().filter(|(name, _)| !name.starts_with(b":")),
            has_body: request.has_body(),
        })
    }
}

/// A refusal of the method says which are allowed (RFC 9110 section 15.5.6).
fn answer(refusal: Refusal) -> Response {
    if refusal.status == 405 {
        let allow = refusal.expected.clone();
        return Response::from(refusal).with_header("allow", &allow);
    }
    refusal.into()
}

/// Strips what a client says in our name, then says it ourselves.
fn edit(request: &Request, correlation: &str) -> Result<(), Refusal> {
    for (name, _) in request.headers().filter(|(name, _)| is_reserved(name)) {
        request.remove_header(name)?;
    }
    let address = request.source_address().ok_or_else(|| {
        Refusal::internal("endpoint.client-address.absent").expected("the proxy to know the client's address")
    })?;
    request.set_header(CLIENT_ADDRESS_HEADER, without_port(&address).as_bytes())?;
    request.announce_correlation_id(correlation)
}

/// `1.2.3.4:5678` becomes `1.2.3.4`, `[2001:db8::1]:5678` becomes `2001:db8::1`.
fn without_port(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
