//! What authenticators are told of the demand behind a sign-in: `demands` in `wit/authenticator.wit`.

use super::Flow;
use super::sign_in::SignIn;
use crate::authenticator::Demanded;
use crate::unavailable::Unavailable;

impl Flow {
    /// What the application and the operator ask of this sign-in.
    pub(super) async fn demanded(&self, sign_in: &SignIn<'_>) -> Result<Demanded, Unavailable> {
        let SignIn { visitor, modules, held, demand, progress } = sign_in;
        let max_age = self.max_age(modules, &held.transaction.module, demand).await?;
        let fresh = match max_age {
            _ if demand.force || progress.wants_presence => true,
            None => false,
            Some(0) => true,
            // What goes on from a session goes on from one that is recent enough.
            Some(_) if progress.session.is_some() => false,
            Some(most) => {
                let now = self.installation.clock.now();
                let session = self.session_of(visitor).await?;
                session.is_some_and(|(session, _)| session.proven_at.is_none_or(|at| now.since(at) > most))
            }
        };
        Ok(Demanded { fresh, max_age, contexts: demand.contexts.clone() })
    }
}
