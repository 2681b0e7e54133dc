//! Setting up a factor in the middle of a sign-in, where the operator lets people do so.
//!
//! It is for people who have nothing yet: whoever has a further factor of any kind uses that one, so that
//! a password alone never adds another beside it. The steps before have to be recent, as for the person's
//! own page. What was set up is then asked for like any other factor, and the application's request goes on.

use std::sync::Arc;

use super::complete::Stop;
use super::handle::page_of;
use super::progress::Progress;
use super::returned::{Brought, sent_away};
use super::sign_in::{SignIn, away, misuse};
use super::transaction::{Lost, Stage};
use super::{EnabledAuthenticator, Flow, Reply};
use crate::audit::Event;
use crate::authenticator::{Carrier, Context, Purpose, Redirection, Step};
use crate::services::AuthenticatorServices;

impl Flow {
    /// Nobody is left to do the step: lets the person set one of its authenticators up. Err: they may not,
    /// and the sign-in is where it was.
    pub(super) async fn enrol_instead<'s>(
        &self,
        mut sign_in: SignIn<'s>,
    ) -> Result<Result<Reply, SignIn<'s>>, Stop> {
        self.check_session(sign_in.visitor, &sign_in.progress).await?;
        let offered = self.offered(&sign_in).await?;
        let chosen = offered.iter().find(|enabled| Some(enabled.name()) == sign_in.progress.chosen.as_ref());
        let Some(enabled) = chosen.or(offered.first()).copied() else { return Ok(Err(sign_in)) };
        if !self.steps_are_recent(&sign_in) {
            // From the first step on, as somebody who has not signed in yet.
            let Progress { hint, realm, asks_name, .. } = *sign_in.progress;
            sign_in.progress =
                Box::new(Progress { hint, realm, asks_name, wants_presence: true, ..Progress::default() });
            return self.go_on(sign_in).await.map(Ok);
        }
        let services = self.enrolling_services(&sign_in, enabled, None);
        let context = self.enrolling_context(&sign_in, enabled, &services);
        let begun = enabled.module.begin(Arc::clone(&services), context).await;
        let step = self.judged(enabled, &services, begun)?;
        self.enrolment_at_sign_in(sign_in, enabled, &services, step).await.map(Ok)
    }

    /// The form of the factor that is being set up.
    pub(super) async fn show_enrolment_at_sign_in(
        &self,
        sign_in: SignIn<'_>,
        (authenticator, sealed): (&str, &[u8]),
    ) -> Result<Reply, Stop> {
        let offered = self.offered(&sign_in).await?;
        let Some(enabled) = offered.iter().find(|enabled| enabled.name() == authenticator) else {
            return self.take_step_anew(sign_in).await;
        };
        let challenge = self.unsealed(sign_in.held, authenticator, sealed)?;
        Ok(self.setting_up(sign_in.held, enabled, challenge, offered.len() > 1))
    }

    /// Somebody is back from elsewhere without an answer.
    pub(super) async fn show_left_enrolment(
        &self,
        sign_in: SignIn<'_>,
        authenticator: &str,
    ) -> Result<Reply, Stop> {
        let offered = self.offered(&sign_in).await?;
        let Some(enabled) = offered.iter().find(|enabled| enabled.name() == authenticator) else {
            return self.take_step_anew(sign_in).await;
        };
        Ok(self.left_errand(sign_in.held, enabled, offered.len() > 1))
    }

    /// Hands the authenticator what the person sent or came back with, and the state that it left.
    pub(super) async fn proceed_enrolment_at_sign_in(
        &self,
        sign_in: SignIn<'_>,
        authenticator: &str,
        brought: Brought,
    ) -> Result<Reply, Stop> {
        self.check_session(sign_in.visitor, &sign_in.progress).await?;
        // Asked again: the person may have set something up elsewhere since the page was shown.
        let offered = self.offered(&sign_in).await?;
        let enabled = offered.into_iter().find(|enabled| enabled.name() == authenticator);
        let Some(enabled) = enabled.filter(|_| self.steps_are_recent(&sign_in)) else {
            return self.take_step_anew(sign_in).await;
        };
        let Brought { state, answer, carrier } = brought;
        let services = self.enrolling_services(&sign_in, enabled, carrier);
        let context = self.enrolling_context(&sign_in, enabled, &services);
        let done = enabled.module.proceed(Arc::clone(&services), context, state, answer).await;
        let step = self.judged(enabled, &services, done)?;
        self.enrolment_at_sign_in(sign_in, enabled, &services, step).await
    }

    /// The person wants to set up another one.
    pub(super) async fn enrol_other(&self, mut sign_in: SignIn<'_>, name: &str) -> Result<Reply, Stop> {
        let offered = self.offered(&sign_in).await?;
        let at = offered.iter().position(|enabled| enabled.name() == name).ok_or(Lost::OutOfStep)?;
        let mut circle = offered.iter().cycle().skip(at.saturating_add(1)).take(offered.len());
        let other = circle.find(|enabled| enabled.name() != name).ok_or(Lost::OutOfStep)?;
        sign_in.progress.chosen = Some(other.name().clone());
        self.go_on(sign_in).await
    }

    async fn enrolment_at_sign_in(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        step: Step,
    ) -> Result<Reply, Stop> {
        let name = enabled.name();
        match step {
            Step::Challenge(challenge) => {
                sign_in.held.transaction.stage = Stage::SignInEnrol {
                    demand: sign_in.demand.clone(),
                    progress: sign_in.progress.clone(),
                    authenticator: name.clone(),
                    sealed: self.sealed(sign_in.held, name, &challenge)?,
                };
                self.keep_transaction(sign_in.held).await??;
                Ok(Reply::redirect(page_of(&sign_in.held.id)))
            }
            Step::Enrolled => {
                self.audit_enrolled(&sign_in, name);
                if let Some(subject) = sign_in.progress.subject() {
                    self.installation.store.clear_in_a_row(name, subject).await?;
                }
                sign_in.progress.chosen = Some(name.clone());
                self.take_step_anew(sign_in).await
            }
            Step::Denied(denial) => self.denied(sign_in, enabled, denial).await,
            Step::Unavailable(detail) => Err(away(enabled, detail).into()),
            Step::Redirect(Redirection { url, state }) => {
                let sealed = self.sealed_awaited(sign_in.held, enabled, services, state)?;
                sign_in.held.transaction.stage = Stage::SignInEnrolElsewhere {
                    demand: sign_in.demand,
                    progress: sign_in.progress,
                    authenticator: name.clone(),
                    sealed,
                };
                self.keep_transaction(sign_in.held).await??;
                Ok(sent_away(url, services))
            }
            Step::Authenticated(_) | Step::NotEnrolled => {
                Err(misuse(enabled, "authenticator.step.unexpected: a factor is being set up").into())
            }
        }
    }

    /// The person may have something by now that they had not.
    pub(super) async fn take_step_anew(&self, mut sign_in: SignIn<'_>) -> Result<Reply, Stop> {
        sign_in.progress.out.clear();
        self.go_on(sign_in).await
    }

    /// What the person may set up now: the alternatives of the step under way that can be, when they have
    /// nothing of the kind.
    async fn offered<'m>(&self, sign_in: &SignIn<'m>) -> Result<Vec<&'m EnabledAuthenticator>, Stop> {
        let (modules, progress) = (sign_in.modules, &sign_in.progress);
        let Some(person) = progress.person.as_ref().filter(|_| modules.enrol_at_sign_in) else {
            return Ok(Vec::new());
        };
        // Of any authenticator, one that is switched off as well.
        let own = self.installation.store.authenticators_of(&person.subject).await?;
        if own.iter().any(|authenticator| !progress.authenticators.contains(authenticator)) {
            return Ok(Vec::new());
        }
        let Some(plan) = self.plan_of(sign_in).await? else { return Ok(Vec::new()) };
        // A link is a factor as well, where the step names its authenticator.
        let links = self.installation.store.links_of(&person.subject).await?;
        let has_link = |enabled: &&EnabledAuthenticator| {
            links.iter().any(|link| link.authenticator == *enabled.name())
                && !progress.authenticators.contains(enabled.name())
        };
        if plan.under_way(progress).iter().any(has_link) {
            return Ok(Vec::new());
        }
        Ok(plan.to_set_up(progress))
    }

    /// Whether the person proved who they are just now, or within [`super::Lifetimes::recent`], and was there.
    fn steps_are_recent(&self, sign_in: &SignIn<'_>) -> bool {
        let now = self.installation.clock.now();
        let progress = &sign_in.progress;
        let at = match &progress.session {
            Some(_) => progress.session_proven,
            None => progress.proven.as_ref().map(|(at, _)| *at).filter(|_| progress.present),
        };
        at.is_some_and(|at| now.since(at) <= self.lifetimes.recent)
    }

    fn enrolling_services(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
        carrier: Option<Carrier>,
    ) -> Arc<AuthenticatorServices> {
        let person = sign_in.progress.person.as_ref();
        let services = self.authenticator_services(sign_in.visitor, enabled, Purpose::Enrol, person);
        Arc::new(services.sending(self.new_state(sign_in.held)).back_by(carrier))
    }

    fn enrolling_context(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
    ) -> Context {
        Context { purpose: Purpose::Enrol, login_hint: None, ..self.context_of(sign_in, enabled, services) }
    }

    fn audit_enrolled(&self, sign_in: &SignIn<'_>, authenticator: &str) {
        let address = sign_in.visitor.address.to_string();
        self.installation.audit.record(&Event {
            name: "sign-in.enrolled",
            module: Some(authenticator),
            relying_party: None,
            subject: sign_in.progress.subject(),
            correlation: Some(&sign_in.visitor.correlation),
            fields: &[("address", &address)],
        });
    }
}
