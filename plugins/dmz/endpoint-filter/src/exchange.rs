use core::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use postern_endpoint::{Accepted, Body, Incoming, Place, ToldBy, is_stripped, pseudo_header};
use postern_proxy::{Exchange, HeadersVerdict, Request, Response, ResponseHeaders};
use postern_refusal::Refusal;

use crate::EndpointFilter;

/// Tells the LAN the client's address, without port.
const CLIENT_ADDRESS_HEADER: &str = "x-postern-client-address";

/// One request.
pub struct EndpointExchange {
    filter: Rc<EndpointFilter>,
}

impl Exchange for EndpointExchange {
    fn on_headers(&mut self, request: &Request) -> HeadersVerdict {
        // Whatever comes of it: the reference is not the client's.
        request.distrust_correlation_header();
        match self.admit(request) {
            // The proxy holds the client to the length that it announced.
            Ok(Body::None | Body::Announced(_)) => HeadersVerdict::Continue,
            Ok(Body::Unannounced(limit)) => {
                HeadersVerdict::HoldForBody(usize::try_from(limit).unwrap_or(usize::MAX))
            }
            Err(response) => HeadersVerdict::Refuse(response),
        }
    }

    fn wants_response(&self) -> bool {
        !self.filter.rules.response_headers.is_empty()
    }

    /// What the upstream has not said itself.
    fn on_response_headers(&mut self, response: &ResponseHeaders) {
        let wanted = &self.filter.rules.response_headers;
        if wanted.is_empty() {
            return;
        }
        let present = response.read();
        for (name, value) in wanted {
            if present.first(name.as_bytes()).is_none() {
                response.set(name, value.as_bytes());
            }
        }
    }
}

impl EndpointExchange {
    pub(crate) fn new(filter: Rc<EndpointFilter>) -> Self {
        Self { filter }
    }

    /// Judges the request and edits its headers.
    fn admit(&self, request: &Request) -> Result<Body, Response> {
        let accepted = self.judge(request).map_err(answer)?;
        let rules = &self.filter.rules;
        let client = match rules.told_by {
            ToldBy::Proxy if !rules.judge_the_client() => None,
            _ => Some(self.client(request)?),
        };
        if let Some(client) = client {
            rules.clients.judge(client).or_else(|refusal| self.filter.report(request, refusal))?;
            self.count(request, client, &accepted)?;
        }
        if accepted.strips {
            for (name, _) in request.headers().filter(|(name, _)| is_stripped(name)) {
                request.remove_header(name)?;
            }
        }
        self.take_off_believed(request)?;
        if let (ToldBy::Filter, Some(client)) = (rules.told_by, client) {
            request.set_header(CLIENT_ADDRESS_HEADER, client.to_string().as_bytes())?;
            request.announce_correlation_id()?;
        }
        Ok(accepted.body)
    }

    fn judge<'a>(&'a self, request: &'a Request) -> Result<Accepted<'a, 'a>, Refusal> {
        let pseudo = pseudo_header::read(request.headers())?;
        let incoming = Incoming {
            method: pseudo.method,
            target: pseudo.path,
            authority: pseudo.authority,
            headers: request.headers().skip_while(|(name, _)| pseudo_header::is_pseudo(name)),
            has_body: request.has_body(),
        };
        self.filter.table.judge_reporting(&incoming, &mut |refusal| self.filter.report(request, refusal))
    }

    /// What the LAN believes comes from whom the configuration names, or not at all.
    fn take_off_believed(&self, request: &Request) -> Result<(), Response> {
        let believed = &self.filter.rules.believed_headers;
        if believed.names.is_empty() {
            return Ok(());
        }
        if !believed.from.is_empty() && believed.are_set_by(connection(request)?.ip()) {
            return Ok(());
        }
        for (name, _) in request.headers().filter(|(name, _)| believed.have(name)) {
            request.remove_header(name)?;
        }
        Ok(())
    }

    /// Who asks, as far as the configuration believes anybody.
    fn client(&self, request: &Request) -> Result<IpAddr, Refusal> {
        let connection = connection(request)?;
        let forwarded: Vec<&[u8]> = request
            .headers()
            .filter(|(name, _)| *name == b"x-forwarded-for")
            .map(|(_, value)| value)
            .collect();
        self.filter.rules.client_address.resolve(connection.ip(), forwarded.into_iter())
    }

    fn count(&self, request: &Request, client: IpAddr, accepted: &Accepted<'_, '_>) -> Result<(), Response> {
        let (Some(rates), Place::Endpoint(endpoint)) = (&self.filter.rates, accepted.place) else {
            return Ok(());
        };
        for limit in self.filter.rules.rate_limits.iter().filter(|limit| limit.path == endpoint.path) {
            if let Err((refusal, wait)) = rates.take(client, limit) {
                self.filter.report(request, refusal).map_err(|refusal| {
                    Response::from(refusal).with_header("retry-after", &wait.to_string())
                })?;
            }
        }
        Ok(())
    }
}

fn connection(request: &Request) -> Result<SocketAddr, Refusal> {
    let connection = request.source_address().and_then(|address| address.parse::<SocketAddr>().ok());
    connection.ok_or_else(|| {
        Refusal::internal("endpoint.client-address.absent").expected("the proxy to know the client's address")
    })
}

/// A refusal of the method says which are allowed (RFC 9110 section 15.5.6).
fn answer(refusal: Refusal) -> Response {
    if refusal.status == 405 {
        let allow = refusal.expected.clone();
        return Response::from(refusal).with_header("allow", &allow);
    }
    refusal.into()
}
