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
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use postern_endpoint::{Method, Place};
use postern_kernel::flow::Visitor;
use postern_kernel::module::Audience;

use crate::listener::Peer;
use crate::live::{Live, Owner};
use crate::metrics::Metrics;

/// Time for one request, from its head to its answer. A sign-in may wait for its turn to hash.
const REQUEST: Duration = Duration::from_secs(30);

/// One request: what its handlers know beside the modules.
pub(crate) struct Exchange<'l> {
    pub(crate) live: &'l Live,
    pub(crate) visitor: Visitor,
}

/// Answers one request, in a task of its own: a client that goes away does not end what it began.
/// Otherwise a failed sign-in would not be counted, and each try would still cost a hash.
pub(crate) async fn answer(
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    match tokio::spawn(serve(live, metrics, peer, request)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a request ended in a panic");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

async fn serve(
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let began = Instant::now();
    let exchange = Exchange { live: &live, visitor: visitor::read(&live, peer, request.headers()) };
    let mut label = Label { endpoint: "other".into(), module: String::new(), audience: Audience::Browser };
    let answered = tokio::time::timeout(REQUEST, exchange.route(request, &mut label)).await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!(correlation = %exchange.visitor.correlation, "request took too long");
        exchange.error(503, "error.unavailable", label.audience)
    });
    headers::correlation(&mut response, &exchange.visitor.correlation);
    let (status, took) = (response.status().as_u16(), began.elapsed());
    tracing::debug!(correlation = %exchange.visitor.correlation, endpoint = label.endpoint, status, ?took, "request");
    metrics.request(&label.endpoint, &label.module, status, took);
    response
}

/// What a request counts as.
struct Label {
    endpoint: String,
    module: String,
    /// Who reads an error.
    audience: Audience,
}

impl Exchange<'_> {
    async fn route(&self, request: Request<Incoming>, label: &mut Label) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let raw = incoming::Raw::read(&parts, &body);
        let accepted = match raw.judge(&self.live.table) {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refused(&refusal, &raw.target),
        };
        let query = accepted.target.query().unwrap_or_default();
        match accepted.place {
            Place::Asset(assets) => {
                label.endpoint.clone_from(&assets.prefix);
                self.asset(accepted.target.path())
            }
            Place::Endpoint(endpoint) => {
                label.endpoint.clone_from(&endpoint.path);
                match self.live.owners.get(&endpoint.path) {
                    Some(Owner::CommonAuth) => match accepted.method {
                        Method::Get => self.go_on(query).await,
                        Method::Post => self.submit(&parts.headers, body, accepted.body).await,
                    },
                    Some(Owner::Login) => self.login(query).await,
                    Some(Owner::Module { name, audience }) => {
                        label.module.clone_from(name);
                        label.audience = *audience;
                        self.module_endpoint(name, *audience, &accepted, &parts.headers, body).await
                    }
                    None => self.error(404, "error.not-found", Audience::Browser),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
