//! Calls to hosts outside: `outbound` in `wit/authenticator.wit`.

use core::fmt;
use std::sync::atomic::Ordering;

use super::AuthenticatorServices;
use crate::audit::Event;
use crate::outbound::{OutboundAnswer, OutboundError, OutboundFailure, OutboundRequest, host_of};

/// Requests of one call of a component.
const MOST_REQUESTS: u8 = 8;

/// More requests than [`MOST_REQUESTS`] in one call.
#[derive(Debug, PartialEq, Eq)]
pub struct TooManyRequests;

impl fmt::Display for TooManyRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "authenticator.outbound.too-many: {MOST_REQUESTS} a call")
    }
}

impl std::error::Error for TooManyRequests {}

impl AuthenticatorServices {
    /// Sends the request, and writes down to whom and what became of it.
    ///
    /// # Errors
    /// [`TooManyRequests`]: the component gets no further.
    pub async fn send_outbound(
        &self,
        request: OutboundRequest,
    ) -> Result<Result<OutboundAnswer, OutboundFailure>, TooManyRequests> {
        if self.outbound.fetch_add(1, Ordering::Relaxed) >= MOST_REQUESTS {
            // No way around it by counting on until the counter begins anew.
            self.outbound.store(MOST_REQUESTS, Ordering::Relaxed);
            return Err(TooManyRequests);
        }
        let host = host_of(&request.url).to_owned();
        let sent = match &self.installation.outbound {
            Some(outbound) => outbound.send(&self.call.authenticator, request).await,
            None => Err(OutboundError::new(OutboundFailure::Ungranted, "nothing is granted to anybody")),
        };
        Ok(match sent {
            Ok(answer) => {
                if !answer.was_kept {
                    let status = answer.status.to_string();
                    self.audit_outbound("outbound.answered", &[("host", &host), ("status", &status)]);
                }
                Ok(answer)
            }
            Err(error) => {
                let (module, correlation) = (&self.call.authenticator, &self.correlation);
                tracing::warn!(%module, %correlation, %host, %error, "no answer from outside");
                self.audit_outbound("outbound.failed", &[("host", &host), ("code", error.failure.code())]);
                Err(error.failure)
            }
        })
    }

    fn audit_outbound(&self, event: &str, fields: &[(&str, &str)]) {
        self.installation.audit.record(&Event {
            name: event,
            module: Some(&self.call.authenticator),
            relying_party: None,
            subject: None,
            correlation: Some(&self.correlation),
            fields,
        });
    }
}
