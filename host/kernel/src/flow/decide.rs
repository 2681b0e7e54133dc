//! Whether a session is what a protocol demands.

use super::{Flow, ModuleSet};
use crate::clock::Timestamp;
use crate::module::{Demand, Failure};
use crate::store::Session;
use crate::unavailable::Unavailable;

/// What a demand needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: the session is good.
    Nothing,
    /// The person has to sign in.
    SignIn,
    /// The person has to agree.
    Consent,
    /// It can't be had.
    Failure(Failure),
}

impl Flow {
    /// What the demand needs of a visitor with this session.
    pub(super) async fn need(
        &self,
        modules: &ModuleSet,
        demand: &Demand,
        session: Option<&Session>,
    ) -> Result<Need, Unavailable> {
        if !reachable(modules, demand) {
            return Ok(Need::Failure(Failure::ContextUnavailable));
        }
        let now = self.installation.clock.now();
        let Some(session) = session.filter(|session| suffices(demand, session, now)) else {
            return Ok(if demand.passive { Need::Failure(Failure::LoginRequired) } else { Need::SignIn });
        };
        if self.consent_is_due(demand, &session.subject).await? {
            return Ok(if demand.passive { Need::Failure(Failure::ConsentRequired) } else { Need::Consent });
        }
        Ok(Need::Nothing)
    }
}

/// Whether the session is recent and strong enough, and no other one is asked for.
fn suffices(demand: &Demand, session: &Session, now: Timestamp) -> bool {
    let recent = demand.max_age.is_none_or(|max_age| now.since(session.authenticated_at) <= max_age);
    recent && !demand.force && !demand.select_account && accepts(demand, &session.context)
}

/// Whether the demand is met by this authentication context.
pub(super) fn accepts(demand: &Demand, context: &str) -> bool {
    demand.contexts.is_empty() || demand.contexts.iter().any(|wanted| wanted == context)
}

/// Whether some authenticator reaches one of the contexts.
fn reachable(modules: &ModuleSet, demand: &Demand) -> bool {
    modules.authenticators.iter().any(|enabled| accepts(demand, &enabled.module.description().context))
}

/// The authenticator that serves the demand: the first in the operator's order that reaches it.
pub(super) fn authenticator<'a>(
    modules: &'a ModuleSet,
    demand: &Demand,
) -> Option<&'a super::EnabledAuthenticator> {
    modules.authenticators.iter().find(|enabled| accepts(demand, &enabled.module.description().context))
}
