//! What whoever is signed in does with an authenticator on the page of factors: they set it up, or link the
//! identity from outside that it names with their account. Either may take forms, ways elsewhere and waiting, as
//! a sign-in does, and belongs to the session that began it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::complete::Stop;
use super::factors::not_allowed;
use super::handle::page_of;
use super::returned::{Brought, sent_away, too_soon};
use super::show::application_name;
use super::sign_in::{away, misuse};
use super::transaction::{Held, Lost, Stage};
use super::{EnabledAuthenticator, Flow, ModuleSet, Page, Reply, SignInPage, UnknownIdentity, Visitor};
use crate::authenticator::{Challenge, Context, Demanded, Event, Person, Purpose, Redirection, Step, Text};
use crate::services::AuthenticatorServices;
use crate::throttle::{Admission, Pool};
use crate::unavailable::Unavailable;

/// What for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Task {
    /// To set the authenticator up.
    #[default]
    Enrol,
    /// To link the identity that it names.
    Link,
}

/// Who does what with which authenticator.
#[derive(Clone, Copy)]
pub(super) struct Errand<'e> {
    pub(super) visitor: &'e Visitor,
    pub(super) modules: &'e ModuleSet,
    /// [`crate::store::Session::id`] of who does.
    pub(super) session: &'e str,
    pub(super) authenticator: &'e str,
    pub(super) task: Task,
}

impl Flow {
    /// Lets the authenticator begin, or hands it an answer with the state that it left.
    pub(super) async fn go_on_errand(
        &self,
        errand: Errand<'_>,
        held: Held,
        brought: Option<Brought>,
    ) -> Result<Reply, Stop> {
        let Errand { visitor, modules, session, authenticator, task } = errand;
        let person = self.owner(visitor, session).await?;
        let enabled = modules.for_task(task, authenticator).ok_or(Lost::OutOfStep)?;
        let (purpose, known) = match task {
            Task::Enrol => (Purpose::Enrol, Some(person)),
            // As somebody whom nobody knows yet: it is to say who they are elsewhere.
            Task::Link => (Purpose::SignIn, None),
        };
        let services = self.authenticator_services(visitor, enabled, purpose, known.as_ref());
        let carrier = brought.as_ref().and_then(|brought| brought.carrier);
        let services = services.sending(self.new_state(&held)).back_by(carrier);
        let services = Arc::new(match task {
            Task::Enrol => services,
            // Whoever is signed in elsewhere on this machine may be somebody else.
            Task::Link => services.demanding(Demanded { fresh: true, ..Demanded::default() }),
        });
        let context = self.errand_context(visitor, enabled, (purpose, known), &services);
        // Who links may guess whom they are elsewhere, as in a first step; what sets something up is their own.
        let guesses = task == Task::Link
            && brought.as_ref().is_some_and(|brought| matches!(brought.answer, Event::Form(_)));
        let pool = guesses.then(|| Pool::first_step(enabled.name(), visitor.address));
        let (store, now) = (self.installation.store.as_ref(), self.installation.clock.now());
        if let Some(pool) = &pool
            && let Admission::Wait(seconds) = self.installation.throttle.admit(store, pool, now).await?
        {
            self.audit_sign_in(visitor, "account.not-linked", Some(enabled.name()), None, "throttled");
            return Ok(too_soon(seconds));
        }
        let done = match brought {
            None => enabled.module.begin(Arc::clone(&services), context).await,
            Some(Brought { state, answer, .. }) => {
                enabled.module.proceed(Arc::clone(&services), context, state, answer).await
            }
        };
        let step = self.judged(enabled, &services, done);
        let is_wrong =
            matches!(&step, Ok(Step::Challenge(Challenge { error: Some(_), .. }) | Step::Denied(_)));
        if let Some(pool) = pool.filter(|_| !is_wrong) {
            self.installation.throttle.take_back(store, &pool, now).await?;
        }
        let step = step?;
        self.errand_step(errand, enabled, &services, held, step).await
    }

    async fn errand_step(
        &self,
        errand: Errand<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        mut held: Held,
        step: Step,
    ) -> Result<Reply, Stop> {
        let Errand { visitor, task, .. } = errand;
        let (session, authenticator) = (errand.session.to_owned(), enabled.name().clone());
        held.transaction.stage = match step {
            Step::Challenge(challenge) => {
                let sealed = self.sealed(&held, &authenticator, &challenge)?;
                Stage::Enrol { session, authenticator, sealed, task }
            }
            Step::Redirect(Redirection { url, state }) => {
                let sealed = self.sealed_awaited(&held, enabled, services, state)?;
                held.transaction.stage = Stage::EnrolElsewhere { session, authenticator, sealed, task };
                self.keep_transaction(&held).await??;
                return Ok(sent_away(url, services));
            }
            Step::Enrolled if task == Task::Enrol => {
                let person = self.owner(visitor, &session).await?;
                self.installation.store.clear_in_a_row(enabled.name(), &person.subject).await?;
                self.note_set_up(visitor, &session, enabled.name()).await?;
                Stage::Factors { session }
            }
            Step::Authenticated(identity) if task == Task::Link => {
                self.named_to_link(errand, enabled, services, identity).await?
            }
            Step::Denied(denial) => {
                let name = Some(enabled.name().as_str());
                self.audit_sign_in(visitor, "enrolment.denied", name, None, &denial.reason);
                held.transaction.stage = Stage::Factors { session };
                self.keep_transaction(&held).await??;
                return Ok(not_allowed());
            }
            Step::NotEnrolled if task == Task::Link => {
                // It can't ask anew who is there.
                let name = Some(enabled.name().as_str());
                self.audit_sign_in(visitor, "account.not-linked", name, None, "not-anew");
                held.transaction.stage = Stage::Factors { session };
                self.keep_transaction(&held).await??;
                return Ok(not_allowed());
            }
            Step::Unavailable(detail) => return Err(away(enabled, detail).into()),
            Step::Authenticated(_) | Step::Enrolled | Step::NotEnrolled => {
                return Err(misuse(enabled, "authenticator.step.unexpected: nobody asked for it").into());
            }
        };
        self.keep_transaction(&held).await??;
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// The form that the authenticator wants shown.
    pub(super) async fn errand_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        (authenticator, challenge): (&str, Challenge),
    ) -> Result<Reply, Stop> {
        self.owner(visitor, session).await?;
        let enabled = modules.authenticator(authenticator).ok_or(Lost::OutOfStep)?;
        Ok(self.setting_up(held, enabled, challenge, false))
    }

    /// For somebody who is back without an answer: to be sent again, to take another way or to leave it.
    pub(super) fn left_errand(&self, held: &Held, enabled: &EnabledAuthenticator, has_other: bool) -> Reply {
        let challenge = Challenge {
            title: enabled.module.description().title.clone(),
            elements: Vec::new(),
            submit: Text::of("sign-in.continue"),
            error: None,
            state: Vec::new(),
        };
        self.setting_up(held, enabled, challenge, has_other)
    }

    /// The page of an authenticator that nobody signs in by now.
    pub(super) fn setting_up(
        &self,
        held: &Held,
        enabled: &EnabledAuthenticator,
        challenge: Challenge,
        has_other: bool,
    ) -> Reply {
        Reply::page(Page::SignIn(SignInPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            application: application_name(held),
            enrols: true,
            challenge,
            translations: Arc::clone(&enabled.module.description().translations),
            title: enabled.module.title().map(str::to_owned),
            has_other,
            other: None,
            named: None,
            remember: None,
            is_closed: false,
        }))
    }

    /// Back to the list.
    pub(super) async fn leave_errand(&self, mut held: Held, session: String) -> Result<Reply, Stop> {
        held.transaction.stage = Stage::Factors { session };
        self.keep_transaction(&held).await??;
        Ok(Reply::redirect(page_of(&held.id)))
    }

    fn errand_context(
        &self,
        visitor: &Visitor,
        enabled: &EnabledAuthenticator,
        (purpose, person): (Purpose, Option<Person>),
        services: &AuthenticatorServices,
    ) -> Context {
        Context {
            purpose,
            relying_party: String::new(),
            login_hint: None,
            person,
            language: visitor.language.clone(),
            settings: enabled.settings.clone(),
            base_url: self.installation.base_url.clone(),
            client_address: visitor.address,
            return_uri: self.return_of(enabled),
            redirect_state: services.redirect_state().to_owned(),
            client_certificate: visitor.client_certificate.clone(),
        }
    }

    pub(super) fn sealed(
        &self,
        held: &Held,
        authenticator: &str,
        challenge: &Challenge,
    ) -> Result<Vec<u8>, Unavailable> {
        let json = serde_json::to_vec(challenge).map_err(|error| Unavailable::new("store", error))?;
        let json = zeroize::Zeroizing::new(json);
        self.installation.keys.seal(&["enrolment", authenticator, &held.id], &json)
    }

    pub(super) fn unsealed(
        &self,
        held: &Held,
        authenticator: &str,
        sealed: &[u8],
    ) -> Result<Challenge, Unavailable> {
        let json = self.installation.keys.open(&["enrolment", authenticator, &held.id], sealed)?;
        serde_json::from_slice(&json).map_err(|error| Unavailable::new("store", error))
    }
}

impl ModuleSet {
    /// Those that people set up themselves.
    pub fn enrolling(&self) -> impl Iterator<Item = &EnabledAuthenticator> {
        self.authenticators.iter().filter(|enabled| enabled.module.description().enrols)
    }

    /// Those whose identities people link with their account themselves.
    pub(super) fn linking(&self) -> impl Iterator<Item = &EnabledAuthenticator> {
        self.authenticators.iter().filter(|enabled| enabled.accounts.unknown != UnknownIdentity::Refuse)
    }

    fn for_task(&self, task: Task, name: &str) -> Option<&EnabledAuthenticator> {
        match task {
            Task::Enrol => self.enrolling().find(|enabled| enabled.name() == name),
            Task::Link => self.linking().find(|enabled| enabled.name() == name && enabled.heeds_demands()),
        }
    }
}
