//! The public listener: what the enabled modules declare, the sign-on pages, and nothing else.
//!
//! Every request is judged by the table that the DMZ's filter has too, as raw bytes and before it
//! is routed. One file for each thing that is served.

mod answer;
mod assets;
mod body;
mod client_certificate;
mod common_auth;
mod cookies;
mod edge_feed;
mod factors;
mod headers;
mod incoming;
mod login;
mod module_endpoint;
mod negotiate;
mod password;
mod refused;
mod returned;
mod sessions;
mod visitor;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use postern_endpoint::{Accepted, Method, Place};
use postern_kernel::flow::{OwnPage, Visitor};
use postern_kernel::module::Audience;
use postern_oidc::ENDPOINTS;
use postern_refusal::Refusal;

use crate::listener::Peer;
use crate::live::{Live, Owner};
use crate::metrics::Metrics;

/// Time for one request, from its head to its answer. A sign-in may wait for its turn to hash.
const REQUEST: Duration = Duration::from_secs(30);

/// One request: what its handlers know beside the modules.
pub(crate) struct Exchange<'l> {
    pub(crate) live: &'l Live,
    pub(crate) peer: Peer,
    pub(crate) visitor: Visitor,
}

/// Answers one request.
pub(crate) async fn answer(
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let began = Instant::now();
    let (visitor, said) = visitor::read(&live, peer, request.headers());
    let exchange = Exchange { live: &live, peer, visitor };
    let mut label = Label { endpoint: "other".into(), module: String::new(), audience: Audience::Browser };
    let answered = tokio::time::timeout(REQUEST, exchange.route(request, said, &mut label)).await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!(correlation = %exchange.visitor.correlation, "request took too long");
        exchange.error(503, "error.unavailable", label.audience)
    });
    headers::correlation(&mut response, &exchange.visitor.correlation);
    headers::https_only(&mut response, &live.flow.installation().base_url);
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
    async fn route(
        &self,
        request: Request<Incoming>,
        said: Result<(), Refusal>,
        label: &mut Label,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let raw = incoming::Raw::read(&parts, &body);
        let judged = raw.judge(&self.live.table).and_then(|accepted| {
            if self.is_public_document(&accepted, &parts.headers) || is_question(&accepted, &parts.headers) {
                Ok(accepted)
            } else {
                said.map(|()| accepted)
            }
        });
        let accepted = match judged {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refused(&refusal, raw.path()),
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
                    Some(Owner::Return(name)) => match accepted.method {
                        Method::Get => self.returned(name, query).await,
                        Method::Post => self.posted(name, body, accepted.body).await,
                    },
                    Some(Owner::Negotiate) => self.negotiate(query, &parts.headers).await,
                    Some(Owner::Own(OwnPage::Factors)) => self.factors().await,
                    Some(Owner::Own(OwnPage::Sessions)) => self.sessions().await,
                    Some(Owner::Own(OwnPage::Password)) => self.password().await,
                    Some(Owner::EdgeFeed) => self.edge_feed(&parts.headers).await,
                    Some(Owner::Module { name, audience }) => {
                        label.module.clone_from(name);
                        label.audience = *audience;
                        self.module_endpoint(name, *audience, &accepted, &parts.headers, body).await
                    }
                    None => self.error(404, "error.not-found", Audience::Browser),
                }
            }
            // Where rules only report, which they do at the edge alone.
            Place::Unlisted => self.error(404, "error.not-found", Audience::Browser),
        }
    }
}

impl Exchange<'_> {
    /// Whether it is a document for machines that is the same for everybody: keys, metadata, the
    /// proxy's own. Its filters fetch them on behalf of nobody.
    fn is_public_document(&self, accepted: &Accepted<'_, '_>, headers: &HeaderMap) -> bool {
        let owner = self.live.owners.get(accepted.target.path());
        let is_for_machines =
            matches!(owner, Some(Owner::EdgeFeed | Owner::Module { audience: Audience::Machine, .. }));
        is_for_machines && accepted.method == Method::Get && !headers.contains_key(header::AUTHORIZATION)
    }
}

/// Whether a filter asks about a token: once for all who bring it, and so on behalf of nobody. It proves
/// by its own secret or certificate who it is.
fn is_question(accepted: &Accepted<'_, '_>, headers: &HeaderMap) -> bool {
    accepted.target.path() == ENDPOINTS.introspection
        && accepted.method == Method::Post
        && !headers.contains_key(visitor::ADDRESS)
}

#[cfg(test)]
mod tests;
