//! The public listener: what the enabled modules declare, the sign-on pages, and nothing else.
//!
//! Every request is judged by the table that the DMZ's filter has too, as raw bytes and before it
//! is routed. One file for each thing that is served.

mod answer;
mod assets;
mod body;
mod common_auth;
mod cookies;
mod headers;
mod incoming;
mod login;
mod module_endpoint;
mod refused;
mod visitor;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use postern_endpoint::Place;

use crate::listener::Peer;
use crate::live::{Live, Owner};
use crate::metrics::Metrics;

/// Time for one request, from its head to its answer. A sign-in may wait for its turn to hash.
const REQUEST: Duration = Duration::from_secs(30);

/// One request: what its handlers know beside the modules.
pub(crate) struct Exchange<'l> {
    pub(crate) live: &'l Live,
    pub(crate) visitor: postern_kernel::flow::Visitor,
}

/// Answers one request.
pub(crate) async fn answer(
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let began = Instant::now();
    let exchange = Exchange { live: &live, visitor: visitor::read(&live, peer, request.headers()) };
    let mut label = Label { endpoint: "other".into(), module: String::new() };
    let answered = tokio::time::timeout(REQUEST, exchange.route(request, &mut label)).await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!(correlation = %exchange.visitor.correlation, "request took too long");
        exchange.error(503, "error.unavailable", postern_kernel::module::Audience::Browser)
    });
    headers::correlation(&mut response, &exchange.visitor.correlation);
    metrics.request(&label.endpoint, &label.module, response.status().as_u16(), began.elapsed());
    response
}

/// What a request counts as.
struct Label {
    endpoint: String,
    module: String,
}

impl Exchange<'_> {
    async fn route(&self, request: Request<Incoming>, label: &mut Label) -> Response<Body> {
        let read = incoming::Raw::read(&request);
        let accepted = match read.judge(&self.live.table) {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refused(&refusal, &read),
        };
        let path = accepted.target.path();
        match accepted.place {
            Place::Asset(assets) => {
                label.endpoint.clone_from(&assets.prefix);
                self.asset(path)
            }
            Place::Endpoint(endpoint) => {
                label.endpoint.clone_from(&endpoint.path);
                let query = accepted.target.query().unwrap_or_default();
                match self.live.owners.get(&endpoint.path) {
                    Some(Owner::CommonAuth) => {
                        self.common_auth(accepted.method, query, accepted.body, request).await
                    }
                    Some(Owner::Login) => self.login(query).await,
                    Some(Owner::Module { name, audience }) => {
                        label.module.clone_from(name);
                        self.module_endpoint(name, *audience, &accepted, request).await
                    }
                    None => self.error(404, "error.not-found", postern_kernel::module::Audience::Browser),
                }
            }
        }
    }
}
