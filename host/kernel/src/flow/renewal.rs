//! An application goes on with a grant while nobody is there: it renews a token. Where a policy decides about the
//! application, it is asked as when a session is used again. Nobody can be asked for a step now: what was not done
//! is refused.
//!
//! Who asks is the application, or the device that it runs on: address and headers are theirs. Cookies of a
//! browser count for nothing.

use std::sync::Arc;

use super::complete::Stop;
use super::policy::{Asked, Ruling};
use super::steps::{Plan, authenticators_of, contexts_of, several_of};
use super::{Flow, Lifetimes, ModuleSet, Visitor};
use crate::audit::Event;
use crate::authenticator::Person;
use crate::module::Demand;
use crate::policy::Occasion;
use crate::services::Installation;
use crate::store::{Grant, Session, SignedIn};
use crate::unavailable::Unavailable;

/// What came of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The application may go on.
    Granted,
    /// The person may not, as things are now, or the grant has ended.
    Denied,
    /// The policy asks for steps that were not done: the person has to sign in.
    StepsDue,
    /// The policy can't be gone by.
    Unavailable,
}

/// Who judges the renewals of a request.
pub struct Renewals {
    installation: Arc<Installation>,
    lifetimes: Lifetimes,
    modules: Arc<ModuleSet>,
    visitor: Visitor,
}

impl Renewals {
    /// Asks the policy that decides for the grant's application.
    ///
    /// # Errors
    /// [`Unavailable`] when the state or the user store is away.
    pub async fn judge(&self, grant: &Grant) -> Result<Renewal, Unavailable> {
        let flow = Flow::new(Arc::clone(&self.installation), self.lifetimes, ModuleSet::default());
        flow.judge_renewal(&self.visitor, &self.modules, grant).await
    }
}

impl Flow {
    /// `None`: no policy decides anywhere.
    pub(super) fn renewals(&self, visitor: &Visitor) -> Option<Renewals> {
        let modules = self.modules();
        if modules.policies.is_empty() {
            return None;
        }
        let (installation, lifetimes) = (Arc::clone(&self.installation), self.lifetimes);
        let visitor =
            Visitor { session: None, browser: None, device: None, remembered: None, ..visitor.clone() };
        Some(Renewals { installation, lifetimes, modules, visitor })
    }

    async fn judge_renewal(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        grant: &Grant,
    ) -> Result<Renewal, Unavailable> {
        let demand = of_application(&grant.application);
        if self.policy_of(modules, &grant.module, &demand).await?.is_none() {
            return Ok(Renewal::Granted);
        }
        let Some(account) = self.installation.directory.account(&grant.subject).await? else {
            return Ok(Renewal::Denied);
        };
        let did = self.did(grant).await?;
        let about = (grant.module.as_str(), &demand);
        let realm = self.realm_of_done(modules, about, &grant.subject, &did.authenticators).await?;
        let asked = Asked {
            occasion: Occasion::Session,
            visitor,
            modules,
            module: &grant.module,
            demand: &demand,
            person: Some(Person { subject: account.subject, username: account.username }),
            realm: realm.as_deref(),
            done: &did.authenticators,
            reached: &did.contexts,
            failures: 0,
            before: None,
            owed: &[],
        };
        let renewal = match self.ask_policy(&asked).await {
            Ok(Ruling::Denied(..)) => Renewal::Denied,
            Ok(Ruling::Free) => Renewal::Granted,
            Ok(Ruling::Steps(decided)) => {
                let subject = Some(grant.subject.as_str());
                let configured =
                    self.configured(modules, &grant.module, &demand, subject, realm.as_deref()).await?;
                let steps = decided.steps.unwrap_or_default();
                let is_done = are_done(&steps, &Plan::names(&configured), &did);
                if is_done { Renewal::Granted } else { Renewal::StepsDue }
            }
            Err(Stop::Unavailable(error)) => return Err(error),
            Err(stop) => {
                // Written down as for a sign-in; the application hears that it may not.
                self.stopped(visitor, stop, crate::module::Audience::Machine);
                Renewal::Unavailable
            }
        };
        if renewal != Renewal::Granted {
            self.audit_renewal(visitor, grant, renewal);
        }
        Ok(renewal)
    }

    /// What was done for the grant: of the session as it is now, or of the sign-in that it came from.
    async fn did(&self, grant: &Grant) -> Result<SignedIn, Unavailable> {
        if let Some(id) = &grant.session {
            let now = self.installation.clock.now();
            let sessions = self.installation.store.sessions_of(&grant.subject, now, u32::MAX).await?;
            if let Some(session) = sessions.iter().find(|session| session.id == *id) {
                return Ok(signed_in_of(session));
            }
        }
        Ok(grant.signed_in.clone().unwrap_or_default())
    }

    fn audit_renewal(&self, visitor: &Visitor, grant: &Grant, renewal: Renewal) {
        let why = match renewal {
            Renewal::Granted => "",
            Renewal::Denied => "denied",
            Renewal::StepsDue => "steps-due",
            Renewal::Unavailable => "policy-failed",
        };
        let address = visitor.address.to_string();
        self.installation.audit.record(&Event {
            name: "grant.not-renewed",
            module: Some(&grant.module),
            relying_party: Some(&grant.application),
            subject: Some(&grant.subject),
            correlation: Some(&visitor.correlation),
            fields: &[("why", why), ("grant", &grant.id), ("address", &address)],
        });
    }
}

/// What did the steps of the session.
pub(super) fn signed_in_of(session: &Session) -> SignedIn {
    SignedIn {
        authenticators: authenticators_of(session).to_vec(),
        several: several_of(session),
        contexts: contexts_of(session),
        links: session.links.clone(),
    }
}

/// Whether the policy's steps were done, none by an authenticator that did another, but for those that the
/// configuration asks for as they are: these may have been a remembered device's.
fn are_done(steps: &[Vec<String>], configured: &[Vec<String>], did: &SignedIn) -> bool {
    let mut used: Vec<&String> = Vec::new();
    for step in steps {
        let is_free = |name: &&String| did.several.contains(name) || !used.contains(name);
        let by = step.iter().find(|name| did.authenticators.contains(name) && is_free(name));
        match by {
            Some(name) => used.push(name),
            None if configured.contains(step) => {}
            None => return false,
        }
    }
    true
}

/// Nobody is there to ask anything else.
fn of_application(id: &str) -> Demand {
    Demand {
        relying_party: id.to_owned(),
        force: false,
        passive: true,
        select_account: false,
        max_age: None,
        contexts: Vec::new(),
        login_hint: None,
        consent: Vec::new(),
        consent_anew: false,
        state: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Vec<String>> {
        let names = |step: &str| step.split(',').map(Into::into).collect();
        text.split(';').filter(|step| !step.is_empty()).map(names).collect()
    }

    #[test]
    fn what_the_policy_adds_or_narrows_has_to_be_done_by_an_authenticator_of_its_own() {
        for (decided, configured, did, several, expected) in [
            ("", "a", "", "", true),
            ("a", "a", "a", "", true),
            ("a;b", "a", "a", "", false),
            ("a;b", "a", "a,b", "", true),
            ("a;b", "a;b", "a", "", true),
            ("a;b", "a;b,c", "a,c", "", false),
            ("k;k,p", "k", "k", "", false),
            ("k;k,p", "k", "k", "k", true),
            ("b", "a,b", "a", "", false),
            ("a;b", "a", "", "", false),
        ] {
            let list = |text: &str| steps(text).concat();
            let did = SignedIn { authenticators: list(did), several: list(several), ..SignedIn::default() };
            assert_eq!(are_done(&steps(decided), &steps(configured), &did), expected, "{decided} of {did:?}");
        }
    }
}
