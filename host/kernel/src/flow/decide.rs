//! Whether a session is what a protocol demands.

use super::complete::Stop;
use super::own_pages::OwnPage;
use super::policy::Asked;
use super::progress::Progress;
use super::steps::{Plan, authenticators_of, contexts_of, several_of};
use super::{Flow, ModuleSet, Visitor};
use crate::authenticator::Person;
use crate::clock::Timestamp;
use crate::module::{Demand, Failure};
use crate::policy::Occasion;
use crate::store::Session;
use crate::unavailable::Unavailable;

/// What a demand needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: the session is good.
    Nothing,
    /// The person has to sign in, as far as the session hasn't done it.
    SignIn(Box<Progress>),
    /// The person has to agree.
    Consent,
    /// It can't be had.
    Failure(Failure),
}

impl Flow {
    /// What the module's demand needs of a visitor with this session.
    pub(super) async fn need(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        (module, demand): (&str, &Demand),
        session: Option<&Session>,
    ) -> Result<Need, Stop> {
        let subject = session.map(|session| session.subject.as_str());
        let now = self.installation.clock.now();
        let max_age = self.max_age(modules, module, demand).await?;
        let recent = session.filter(|session| is_recent(demand, max_age, session, now));
        let realm = self.realm_of_session(modules, (module, demand), recent).await?;
        let mut ruled = Progress::default();
        let asked = Asked { realm: realm.as_deref(), ..about(visitor, modules, (module, demand), recent) };
        self.ask_policy(&asked).await?.apply(&mut ruled);
        if ruled.denied {
            let denied = Need::Failure(Failure::Denied);
            return Ok(if demand.passive { denied } else { Need::SignIn(Box::new(ruled)) });
        }
        let decided = ruled.decided.as_ref().and_then(|decided| decided.steps.as_deref());
        let Some(plan) = self.plan(modules, module, demand, subject, (decided, realm.as_deref())).await?
        else {
            return Ok(Need::Failure(Failure::ContextUnavailable));
        };
        let mut progress = recent.map(|session| progress_of(&plan, session)).unwrap_or_default();
        if plan.is_done(&progress) && !accepts(demand, &progress.contexts) {
            // Who can reach the context has reached a weaker one: everything anew.
            progress = Progress::default();
        }
        if progress.done > 0 || realm.is_none() {
            progress.decided.clone_from(&ruled.decided);
            progress.realm.clone_from(&realm);
        }
        self.skip_remembered(visitor, (modules, &plan), (module, demand), &mut progress).await?;
        let Some(session) = recent.filter(|_| plan.is_done(&progress)) else {
            let failure = Need::Failure(Failure::LoginRequired);
            return Ok(if demand.passive { failure } else { Need::SignIn(Box::new(progress)) });
        };
        if self.consent_is_due(demand, &session.subject).await? {
            return Ok(if demand.passive { Need::Failure(Failure::ConsentRequired) } else { Need::Consent });
        }
        Ok(Need::Nothing)
    }
}

impl Flow {
    /// The authenticator of the realm that the session began in.
    async fn realm_of_session(
        &self,
        modules: &ModuleSet,
        (module, demand): (&str, &Demand),
        session: Option<&Session>,
    ) -> Result<Option<String>, Unavailable> {
        let Some(session) = session else { return Ok(None) };
        let did = authenticators_of(session);
        self.realm_of_done(modules, (module, demand), &session.subject, did).await
    }

    /// The same of a sign-in that these authenticators did.
    pub(super) async fn realm_of_done(
        &self,
        modules: &ModuleSet,
        (module, demand): (&str, &Demand),
        subject: &str,
        authenticators: &[String],
    ) -> Result<Option<String>, Unavailable> {
        if modules.realms.is_empty() {
            return Ok(None);
        }
        let configured = self.configured(modules, module, demand, Some(subject), None).await?;
        Ok(modules.realm_of(authenticators, Plan::names(&configured).first()))
    }

    /// Seconds that the sign-in may be old: the least of what the application and the operator ask for.
    pub(super) async fn max_age(
        &self,
        modules: &ModuleSet,
        module: &str,
        demand: &Demand,
    ) -> Result<Option<u64>, Unavailable> {
        if modules.max_age_for.is_empty() || OwnPage::of_module(module).is_some() {
            return Ok(demand.max_age);
        }
        let application = self.installation.store.application(&demand.relying_party).await?;
        let own =
            application.and_then(|application| modules.max_age_for.get(&application.identifier).copied());
        Ok([demand.max_age, own].into_iter().flatten().min())
    }
}

/// What a policy is asked about at the beginning, or about the session that would be used again.
fn about<'a>(
    visitor: &'a Visitor,
    modules: &'a ModuleSet,
    (module, demand): (&'a str, &'a Demand),
    session: Option<&'a Session>,
) -> Asked<'a> {
    let person =
        |session: &Session| Person { subject: session.subject.clone(), username: session.username.clone() };
    Asked {
        occasion: if session.is_some() { Occasion::Session } else { Occasion::Begin },
        visitor,
        modules,
        module,
        demand,
        person: session.map(person),
        realm: None,
        done: session.map(authenticators_of).unwrap_or_default(),
        reached: session.map(|session| session.contexts.as_slice()).unwrap_or_default(),
        failures: 0,
        before: None,
        owed: &[],
    }
}

/// Whether the session is recent enough, and no other one is asked for.
fn is_recent(demand: &Demand, max_age: Option<u64>, session: &Session, now: Timestamp) -> bool {
    let is_proven = |max_age| session.proven_at.is_some_and(|at| now.since(at) <= max_age);
    let recent = max_age.is_none_or(is_proven);
    recent && !demand.force && !demand.select_account
}

/// What the session has done of the steps. None of them: it is begun anew.
fn progress_of(plan: &Plan<'_>, session: &Session) -> Progress {
    let contexts = contexts_of(session);
    let several = several_of(session);
    let met = plan.met_by(authenticators_of(session), &several);
    if met.is_empty() {
        return Progress::default();
    }
    let (subject, username) = (session.subject.clone(), session.username.clone());
    Progress {
        done: met.len(),
        person: Some(Person { subject, username }),
        methods: session.methods.clone(),
        contexts,
        several,
        links: session.links.clone(),
        authenticators: met.iter().map(|enabled| enabled.name().clone()).collect(),
        session: Some((session.id.clone(), session.authenticated_at)),
        session_proven: session.proven_at,
        ..Progress::default()
    }
}

/// Whether the demand is met by one of these authentication contexts.
pub(super) fn accepts(demand: &Demand, contexts: &[String]) -> bool {
    demand.contexts.is_empty() || demand.contexts.iter().any(|wanted| contexts.contains(wanted))
}
