//! `GET /authenticationendpoint/factors`: the person's own page, where factors are set up and removed.

use std::sync::Arc;

use super::complete::Stop;
use super::handle::page_of;
use super::returned::{Brought, sent_away};
use super::show::application_name;
use super::sign_in::{away, misuse};
use super::transaction::{Held, Lost, Stage};
use super::{EnabledAuthenticator, FactorOf, FactorsPage, Flow, ModuleSet, Page, Reply, SignInPage, Visitor};
use crate::audit::Event;
use crate::authenticator::{
    Challenge, Context, Event as Answer, Form, Person, Purpose, Redirection, Step, Text,
};
use crate::credentials::Credentials;
use crate::module::Audience;
use crate::services::AuthenticatorServices;
use crate::unavailable::Unavailable;

impl Flow {
    /// The page.
    pub(super) async fn factors_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let mut factors = Vec::new();
        for enabled in modules.enrolling() {
            let description = enabled.module.description();
            factors.push(FactorOf {
                authenticator: description.name.clone(),
                own_title: enabled.module.title().map(str::to_owned),
                title: description.title.clone(),
                translations: Arc::clone(&description.translations),
                credentials: self.credentials_of(enabled, &person).list().await?,
                is_locked: self.locks(enabled, &person.subject).await?,
            });
        }
        Ok(Reply::page(Page::Factors(FactorsPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            username: person.username.clone(),
            pages: modules.pages(),
            factors,
            links: self.own_links(modules, &person).await?,
        })))
    }

    /// The form of the factor that is being set up.
    pub(super) async fn enrol_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        (authenticator, sealed): (&str, &[u8]),
    ) -> Result<Reply, Stop> {
        self.owner(visitor, session).await?;
        let enabled = modules.authenticator(authenticator).ok_or(Lost::OutOfStep)?;
        Ok(Reply::page(Page::SignIn(SignInPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            application: String::new(),
            enrols: true,
            challenge: self.unsealed(held, authenticator, sealed)?,
            translations: Arc::clone(&enabled.module.description().translations),
            title: enabled.module.title().map(str::to_owned),
            has_other: false,
            other: None,
            named: None,
            remember: None,
            is_closed: false,
        })))
    }

    /// For somebody who is back without an answer: to be sent again, to take another way or to leave it.
    pub(super) fn left_enrolment(
        &self,
        held: &Held,
        enabled: &EnabledAuthenticator,
        has_other: bool,
    ) -> Reply {
        let description = enabled.module.description();
        Reply::page(Page::SignIn(SignInPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            application: application_name(held),
            enrols: true,
            challenge: Challenge {
                title: description.title.clone(),
                elements: Vec::new(),
                submit: Text::of("sign-in.continue"),
                error: None,
                state: Vec::new(),
            },
            translations: Arc::clone(&description.translations),
            title: enabled.module.title().map(str::to_owned),
            has_other,
            other: None,
            named: None,
            remember: None,
            is_closed: false,
        }))
    }

    /// Lets the authenticator begin to be set up.
    pub(super) async fn begin_enrolment(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let enabled =
            modules.enrolling().find(|enabled| Some(enabled.name().as_str()) == form.single("authenticator"));
        let enabled = enabled.ok_or(Lost::OutOfStep)?;
        self.call_enrolling((visitor, enabled), held, session, person, None).await
    }

    /// Hands the authenticator what the person sent, or that the page asks again.
    pub(super) async fn proceed_enrolment(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: Held,
        session: &str,
        (authenticator, sealed): (&str, &[u8]),
        answer: Answer,
    ) -> Result<Reply, Stop> {
        let challenge = self.unsealed(&held, authenticator, sealed)?;
        let brought = Brought { state: challenge.state, answer, carrier: None };
        self.go_on_enrolling(visitor, modules, held, session, authenticator, brought).await
    }

    /// Hands it to the authenticator with the state that it left.
    pub(super) async fn go_on_enrolling(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: Held,
        session: &str,
        authenticator: &str,
        brought: Brought,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let found = modules.enrolling().find(|enabled| enabled.name() == authenticator);
        let enabled = found.ok_or(Lost::OutOfStep)?;
        self.call_enrolling((visitor, enabled), held, session, person, Some(brought)).await
    }

    async fn call_enrolling(
        &self,
        (visitor, enabled): (&Visitor, &EnabledAuthenticator),
        held: Held,
        session: &str,
        person: Person,
        brought: Option<Brought>,
    ) -> Result<Reply, Stop> {
        let services = self.authenticator_services(visitor, enabled, Purpose::Enrol, Some(&person));
        let carrier = brought.as_ref().and_then(|brought| brought.carrier);
        let services = Arc::new(services.sending(self.new_state(&held)).back_by(carrier));
        let context = self.enrolment_context(visitor, enabled, person, &services);
        let done = match brought {
            None => enabled.module.begin(Arc::clone(&services), context).await,
            Some(Brought { state, answer, .. }) => {
                enabled.module.proceed(Arc::clone(&services), context, state, answer).await
            }
        };
        let step = self.judged(enabled, &services, done)?;
        self.enrolment_step((visitor, enabled), &services, held, session, step).await
    }

    async fn enrolment_step(
        &self,
        (visitor, enabled): (&Visitor, &EnabledAuthenticator),
        services: &AuthenticatorServices,
        mut held: Held,
        session: &str,
        step: Step,
    ) -> Result<Reply, Stop> {
        let session = session.to_owned();
        held.transaction.stage = match step {
            Step::Challenge(challenge) => {
                let authenticator = enabled.name().clone();
                let sealed = self.sealed(&held, &authenticator, &challenge)?;
                Stage::Enrol { session, authenticator, sealed }
            }
            Step::Enrolled => {
                let person = self.owner(visitor, &session).await?;
                self.installation.store.clear_in_a_row(enabled.name(), &person.subject).await?;
                self.note_set_up(visitor, &session, enabled.name()).await?;
                Stage::Factors { session }
            }
            Step::Denied(denial) => {
                self.audit_sign_in(visitor, "enrolment.denied", Some(enabled.name()), None, &denial.reason);
                held.transaction.stage = Stage::Factors { session };
                self.keep_transaction(&held).await??;
                return Ok(not_allowed());
            }
            Step::Unavailable(detail) => return Err(away(enabled, detail).into()),
            Step::Redirect(Redirection { url, state }) => {
                let sealed = self.sealed_awaited(&held, enabled, services, state)?;
                let authenticator = enabled.name().clone();
                held.transaction.stage = Stage::EnrolElsewhere { session, authenticator, sealed };
                self.keep_transaction(&held).await??;
                return Ok(sent_away(url, services));
            }
            Step::Authenticated(_) | Step::NotEnrolled => {
                return Err(misuse(enabled, "authenticator.step.unexpected: nobody signs in").into());
            }
        };
        self.keep_transaction(&held).await??;
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// Back to the list.
    pub(super) async fn leave_enrolment(&self, mut held: Held, session: String) -> Result<Reply, Stop> {
        held.transaction.stage = Stage::Factors { session };
        self.keep_transaction(&held).await??;
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// Removes a factor of the person's.
    pub(super) async fn remove_factor(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let enabled =
            modules.enrolling().find(|enabled| Some(enabled.name().as_str()) == form.single("authenticator"));
        let (Some(enabled), Some(id)) = (enabled, form.single("credential")) else {
            return Err(Lost::OutOfStep.into());
        };
        if self.credentials_of(enabled, &person).remove(id).await? {
            self.installation.audit.record(&Event {
                name: "credential.removed",
                module: Some(enabled.name()),
                relying_party: None,
                subject: Some(&person.subject),
                correlation: Some(&visitor.correlation),
                fields: &[("credential", id)],
            });
        }
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// Unlocks a factor of the person's, who has got here by another one.
    pub(super) async fn unlock_factor(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let mut enrolling = modules.enrolling();
        let enabled = enrolling.find(|enabled| Some(enabled.name().as_str()) == form.single("authenticator"));
        let enabled = enabled.ok_or(Lost::OutOfStep)?;
        if self.installation.store.clear_in_a_row(enabled.name(), &person.subject).await? {
            self.installation.audit.record(&Event {
                name: "factor.unlocked",
                module: Some(enabled.name()),
                relying_party: None,
                subject: Some(&person.subject),
                correlation: Some(&visitor.correlation),
                fields: &[],
            });
        }
        Ok(Reply::redirect(page_of(&held.id)))
    }

    fn credentials_of<'f>(
        &'f self,
        enabled: &'f EnabledAuthenticator,
        person: &'f Person,
    ) -> Credentials<'f> {
        let (authenticator, subject) = (enabled.name(), &person.subject);
        Credentials { installation: &self.installation, authenticator, subject }
    }

    fn enrolment_context(
        &self,
        visitor: &Visitor,
        enabled: &EnabledAuthenticator,
        person: Person,
        services: &AuthenticatorServices,
    ) -> Context {
        Context {
            purpose: Purpose::Enrol,
            relying_party: String::new(),
            login_hint: None,
            person: Some(person),
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
}

/// The person did not go through with it, or may not.
pub(super) fn not_allowed() -> Reply {
    Reply::page(Page::Refused {
        status: 403,
        audience: Audience::Browser,
        message: "error.denied",
        retry_after: None,
    })
}
