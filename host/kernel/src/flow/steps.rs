//! Which authenticators a sign-in goes through: steps, each with alternatives.
//!
//! The operator's steps come first. A demand for an authentication context keeps of the last step that
//! reaches it those alternatives that do, or adds a step. The person's own pages ask whoever has set up
//! a further factor for it, so that a password alone can't take it away.

use super::own_pages::OwnPage;
use super::policy::standing_for;
use super::progress::Progress;
use super::signed_in::SEVERAL_FACTORS;
use super::{EnabledAuthenticator, Flow, ModuleSet};
use crate::authenticator::Factor;
use crate::credentials::Credentials;
use crate::module::Demand;
use crate::store::Session;
use crate::unavailable::Unavailable;

/// The steps of one sign-in, each with its alternatives in the operator's order.
pub(super) struct Plan<'m> {
    pub(super) steps: Vec<Vec<&'m EnabledAuthenticator>>,
    /// Which of them the policy has added. The others stand in the configuration.
    added: Vec<bool>,
}

impl<'m> Plan<'m> {
    /// The steps by the names of their alternatives.
    pub(super) fn names(steps: &[Vec<&EnabledAuthenticator>]) -> Vec<Vec<String>> {
        let names = |step: &Vec<&EnabledAuthenticator>| step.iter().map(|one| one.name().clone()).collect();
        steps.iter().map(names).collect()
    }

    /// Whether the policy has added the step under way.
    pub(super) fn is_added(&self, progress: &Progress) -> bool {
        self.added.get(progress.done).copied().unwrap_or_default()
    }

    /// The alternatives of the step under way that are still to be had.
    pub(super) fn alternatives(&self, progress: &Progress) -> Vec<&'m EnabledAuthenticator> {
        let step = self.steps.get(progress.done).map(Vec::as_slice).unwrap_or_default();
        let done = [&progress.authenticators, &progress.skipped];
        let gone = |name: &String| done.iter().any(|done| done.contains(name)) || progress.out.contains(name);
        // Whose identity is about to be linked proves who they are here.
        let proves = |enabled: &EnabledAuthenticator| match &progress.linking {
            Some(linking) if progress.person.is_none() => linking.is_proven_by(enabled),
            _ => true,
        };
        step.iter().copied().filter(|enabled| !gone(enabled.name()) && proves(enabled)).collect()
    }

    /// The one to begin with: what the person chose, or else the first.
    pub(super) fn next(&self, progress: &Progress) -> Option<&'m EnabledAuthenticator> {
        let alternatives = self.alternatives(progress);
        let chosen = alternatives.iter().find(|enabled| Some(enabled.name()) == progress.chosen.as_ref());
        chosen.or(alternatives.first()).copied()
    }

    /// The one after `name`, in a circle; none when there is no other.
    pub(super) fn other(&self, progress: &Progress, name: &str) -> Option<&'m EnabledAuthenticator> {
        let alternatives = self.alternatives(progress);
        let at = alternatives.iter().position(|enabled| enabled.name() == name);
        let next = at.map_or(0, |at| at.saturating_add(1));
        let mut circle = alternatives.iter().cycle().skip(next).take(alternatives.len());
        circle.find(|enabled| enabled.name() != name).copied()
    }

    /// Whether the step under way names an authenticator that did an earlier one and was several factors by
    /// itself, as a passkey that knew its user: it does both.
    pub(super) fn is_done_already(&self, progress: &Progress) -> bool {
        let did = |enabled: &&EnabledAuthenticator| progress.several.contains(enabled.name());
        self.steps.get(progress.done).is_some_and(|step| step.iter().any(did))
    }

    /// Who may do the step under way.
    pub(super) fn under_way(&self, progress: &Progress) -> &[&'m EnabledAuthenticator] {
        self.steps.get(progress.done).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those of the step under way that people set up themselves.
    pub(super) fn to_set_up(&self, progress: &Progress) -> Vec<&'m EnabledAuthenticator> {
        let step = self.under_way(progress);
        let can_be = |enabled: &&&EnabledAuthenticator| {
            enabled.module.description().enrols && !progress.authenticators.contains(enabled.name())
        };
        step.iter().filter(can_be).copied().collect()
    }

    pub(super) fn is_done(&self, progress: &Progress) -> bool {
        progress.done >= self.steps.len()
    }

    /// What these authenticators have done of it already, from the beginning on. None does two steps but who
    /// was `several` factors by itself that time. That others together were several says nothing of it.
    pub(super) fn met_by<'p>(
        &'p self,
        authenticators: &[String],
        several: &[String],
    ) -> Vec<&'p EnabledAuthenticator> {
        let mut met: Vec<&EnabledAuthenticator> = Vec::new();
        for step in &self.steps {
            let is_new = |enabled: &EnabledAuthenticator| met.iter().all(|one| one.name() != enabled.name());
            let did = step.iter().copied().find(|enabled| {
                authenticators.contains(enabled.name())
                    && (several.contains(enabled.name()) || is_new(enabled))
            });
            let Some(did) = did else { break };
            met.push(did);
        }
        met
    }
}

impl Flow {
    /// The steps of a sign-in; `None` when a context that is demanded can't be reached. `subject` is who
    /// is known, `decided` what a policy has decided, and `realm` the authenticator of the realm that the
    /// person is from.
    pub(super) async fn plan<'m>(
        &self,
        modules: &'m ModuleSet,
        module: &str,
        demand: &Demand,
        subject: Option<&str>,
        (decided, realm): (Option<&[Vec<String>]>, Option<&str>),
    ) -> Result<Option<Plan<'m>>, Unavailable> {
        let configured = self.configured(modules, module, demand, subject, realm).await?;
        let (mut steps, mut added) = match decided {
            None => (configured, Vec::new()),
            Some(decided) => {
                let stands = standing_for(&Plan::names(&configured), decided);
                (modules.steps(decided), stands.into_iter().map(|stands| !stands).collect())
            }
        };
        let is_empty = steps.iter().any(Vec::is_empty) || steps.is_empty();
        if is_empty || !provide(&mut steps, modules, &demand.contexts) {
            return Ok(None);
        }
        added.resize(steps.len(), false);
        Ok(Some(Plan { steps, added }))
    }

    /// The steps that the configuration asks for.
    pub(super) async fn configured<'m>(
        &self,
        modules: &'m ModuleSet,
        module: &str,
        demand: &Demand,
        subject: Option<&str>,
        realm: Option<&str>,
    ) -> Result<Vec<Vec<&'m EnabledAuthenticator>>, Unavailable> {
        let (names, are_its_own) = self.names(modules, module, demand).await?;
        let mut steps = modules.steps(names);
        modules.put_realm(&mut steps, realm, are_its_own);
        if OwnPage::of_module(module).is_some() {
            steps.truncate(1);
            let own = self.set_up_by(modules, subject).await?;
            if !own.is_empty() {
                steps.push(own);
            }
        }
        Ok(steps)
    }

    /// The operator's steps for the application, and whether they are its own.
    async fn names<'m>(
        &self,
        modules: &'m ModuleSet,
        module: &str,
        demand: &Demand,
    ) -> Result<(&'m [Vec<String>], bool), Unavailable> {
        if modules.steps_for.is_empty() || OwnPage::of_module(module).is_some() {
            return Ok((&modules.steps, false));
        }
        let application = self.installation.store.application(&demand.relying_party).await?;
        let own = application.and_then(|application| modules.steps_for.get(&application.identifier));
        Ok(own.map_or((&modules.steps, false), |own| (own, true)))
    }

    /// The further factors that the person has set up.
    pub(super) async fn set_up_by<'m>(
        &self,
        modules: &'m ModuleSet,
        subject: Option<&str>,
    ) -> Result<Vec<&'m EnabledAuthenticator>, Unavailable> {
        let mut found = Vec::new();
        let Some(subject) = subject else { return Ok(found) };
        for enabled in &modules.authenticators {
            let description = enabled.module.description();
            let credentials =
                Credentials { installation: &self.installation, authenticator: &description.name, subject };
            // What finds out who somebody is confirms it here when it is several factors by itself.
            let is_further = !description.identifies || enabled.is_several_factors();
            if description.enrols && is_further && credentials.exist().await? {
                found.push(enabled);
            }
        }
        Ok(found)
    }
}

/// Sees to it that the steps reach one of the contexts; false when nothing does.
fn provide<'m>(
    steps: &mut Vec<Vec<&'m EnabledAuthenticator>>,
    modules: &'m ModuleSet,
    contexts: &[String],
) -> bool {
    if contexts.is_empty() {
        return true;
    }
    let further: Vec<_> = modules.authenticators.iter().filter(|enabled| enabled.reaches(contexts)).collect();
    let at = steps.iter().rposition(|step| step.iter().any(|enabled| enabled.reaches(contexts)));
    if let Some(step) = at.and_then(|at| steps.get_mut(at)) {
        // A passkey in the first step is enough; after a password it is a further step.
        let (reaching, others): (Vec<&EnabledAuthenticator>, Vec<_>) =
            step.iter().partition(|enabled| enabled.reaches(contexts));
        let is_enough = at == Some(0) && reaching.iter().all(|enabled| enabled.is_several_factors());
        if is_enough && !others.is_empty() {
            steps.push(further);
        } else {
            step.retain(|enabled| enabled.reaches(contexts));
        }
        return true;
    }
    let is_reached = !further.is_empty();
    steps.push(further);
    is_reached
}

impl ModuleSet {
    /// Whether people can go through the steps.
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn check_steps(&self) -> Result<(), String> {
        self.check(&self.steps)?;
        for (domain, name) in self.realms.iter() {
            let enabled = self.authenticator(name);
            if !enabled.is_some_and(|enabled| enabled.module.description().identifies) {
                return Err(format!("for {domain:?}: {name:?} does not find out who somebody is"));
            }
        }
        let mut each = self.steps_for.iter();
        each.try_for_each(|(application, steps)| {
            self.check(steps).map_err(|error| format!("for {application:?}: {error}"))
        })
    }

    fn check(&self, steps: &[Vec<String>]) -> Result<(), String> {
        let steps = self.steps(steps);
        let Some(first) = steps.first().filter(|first| !first.is_empty()) else {
            return Err("no authenticator finds out who somebody is".into());
        };
        match first.iter().find(|enabled| !enabled.module.description().identifies) {
            Some(enabled) => Err(format!(
                "{:?} confirms somebody who is known already: it can't be in the first step",
                enabled.name()
            )),
            None => Ok(()),
        }
    }

    /// The steps of these names; without any, one with all authenticators that find out who somebody is.
    fn steps(&self, names: &[Vec<String>]) -> Vec<Vec<&EnabledAuthenticator>> {
        if names.is_empty() {
            let identifying = |enabled: &&EnabledAuthenticator| enabled.module.description().identifies;
            return vec![self.authenticators.iter().filter(identifying).collect()];
        }
        let named = |step: &Vec<String>| step.iter().filter_map(|name| self.authenticator(name)).collect();
        names.iter().map(named).collect()
    }

    /// The authenticator of this name.
    pub(super) fn authenticator(&self, name: &str) -> Option<&EnabledAuthenticator> {
        self.authenticators.iter().find(|enabled| enabled.name() == name)
    }

    /// Whether authenticators with these names are of different factors: something known and something
    /// had, say.
    pub(super) fn are_several_factors(&self, names: &[String]) -> bool {
        let factors = names.iter().filter_map(|name| self.authenticator(name));
        let mut factors = factors.flat_map(|enabled| enabled.module.description().factors.iter());
        let first: Option<&Factor> = factors.next();
        first.is_some_and(|first| factors.any(|factor| factor != first))
    }
}

impl EnabledAuthenticator {
    pub(super) fn name(&self) -> &String {
        &self.module.description().name
    }

    /// Whether it can be several factors by itself, by its own word.
    fn is_several_factors(&self) -> bool {
        self.module.description().methods.iter().any(|method| method == SEVERAL_FACTORS)
    }

    /// Whether it asks the person anew where that is demanded: here it does whatever it does, and elsewhere it has to
    /// say so.
    pub(super) fn heeds_demands(&self) -> bool {
        self.redirects.is_none() || self.module.heeds_demands()
    }

    fn reaches(&self, contexts: &[String]) -> bool {
        self.module.description().contexts.iter().any(|context| contexts.contains(context))
    }
}

/// The authenticators that the session was signed in to with. A node of the release before renews a session
/// without knowing of them.
pub(super) fn authenticators_of(session: &Session) -> &[String] {
    if session.contexts.last() == Some(&session.context) { &session.authenticators } else { &[] }
}

/// Those of them that were several factors by themselves.
pub(super) fn several_of(session: &Session) -> Vec<String> {
    let did = authenticators_of(session);
    session.several.iter().filter(|name| did.contains(name)).cloned().collect()
}

/// The contexts that the session was reached with. A node of the release before renews a session
/// without knowing of several.
pub(super) fn contexts_of(session: &Session) -> Vec<String> {
    if session.contexts.last() == Some(&session.context) {
        return session.contexts.clone();
    }
    vec![session.context.clone()]
}
