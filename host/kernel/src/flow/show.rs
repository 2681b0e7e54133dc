//! `GET /authenticationendpoint/login?t=…`: the page that is due.

use super::complete::Stop;
use super::errand::Errand;
use super::handle::page_of;
use super::kept_challenge::KeptChallenge;
use super::own_pages::OwnPage;
use super::policy::IN_CHARGE;
use super::returned::Brought;
use super::sign_in::{Asked, SignIn};
use super::transaction::{Held, Lost, Stage};
use super::{Action, EnabledAuthenticator, Flow, ModuleSet, Page, Reply, SignInPage, Visitor};
use crate::authenticator::{Challenge, Event};
use crate::module::Audience;
use crate::unavailable::Unavailable;

/// What polls are remembered under: no module can have such a name.
const POLLS: &str = "own:poll";

impl Flow {
    /// The page that the transaction waits for.
    pub async fn show(&self, visitor: &Visitor, transaction: &str) -> Reply {
        let modules = self.modules();
        match self.try_show(visitor, &modules, transaction, true).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    /// `polls`: whether an authenticator that waits for another device may be asked.
    async fn try_show(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        id: &str,
        polls: bool,
    ) -> Result<Reply, Stop> {
        let held = self.held_transaction(id, visitor.browser.as_deref()).await??;
        if let Some(reply) = self.own_page_anew(visitor, modules, &held.transaction).await? {
            return Ok(reply);
        }
        match held.transaction.stage.clone() {
            Stage::SignIn { demand, challenge, progress } => {
                let mut held = held;
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                if let Some((name, kept)) = &challenge
                    && polls
                    && !sign_in.progress.denied
                    && self.is_polled(id, kept.interval()).await?
                {
                    let asked = Asked::by(name.clone(), kept.clone().into());
                    let reply = self.proceed_authenticator(sign_in, asked, Event::Poll).await?;
                    return self.after_poll(visitor, modules, id, reply).await;
                }
                self.show_sign_in(sign_in, challenge).await
            }
            Stage::Elsewhere { demand, progress, authenticator, .. } => {
                let mut held = held;
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                if let Some(other) = self.other(&sign_in, &authenticator).await? {
                    return Ok(self.left_page(&sign_in, &authenticator, other));
                }
                self.show_sign_in(sign_in, None).await
            }
            Stage::SignInEnrol { demand, progress, authenticator, sealed } => {
                let mut held = held;
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                let kept = self.unsealed(sign_in.held, &authenticator, &sealed)?;
                if polls && self.is_polled(id, kept.interval()).await? {
                    let brought = Brought { state: kept.state, answer: Event::Poll, carrier: None };
                    let done = self.proceed_enrolment_at_sign_in(sign_in, &authenticator, brought);
                    return self.after_poll(visitor, modules, id, done.await?).await;
                }
                self.show_enrolment_at_sign_in(sign_in, (&authenticator, &sealed)).await
            }
            Stage::SignInEnrolElsewhere { demand, progress, authenticator, .. } => {
                let mut held = held;
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.show_left_enrolment(sign_in, &authenticator).await
            }
            Stage::Factors { session } => self.factors_page(visitor, modules, &held, &session).await,
            Stage::Sessions { session } => self.sessions_page(visitor, modules, &held, &session).await,
            Stage::Password { session, said } => {
                self.password_page(visitor, modules, &held, (&session, said)).await
            }
            Stage::Enrol { session, authenticator, sealed, task } => {
                let kept = self.unsealed(&held, &authenticator, &sealed)?;
                if polls && self.is_polled(id, kept.interval()).await? {
                    let errand =
                        Errand { visitor, modules, session: &session, authenticator: &authenticator, task };
                    let brought = Brought { state: kept.state, answer: Event::Poll, carrier: None };
                    let done = self.go_on_errand(errand, held, Some(brought)).await?;
                    return self.after_poll(visitor, modules, id, done).await;
                }
                self.errand_page(visitor, modules, &held, &session, (&authenticator, kept)).await
            }
            Stage::EnrolElsewhere { session, authenticator, .. } => {
                self.owner(visitor, &session).await?;
                let enabled = modules.authenticator(&authenticator).ok_or(Lost::OutOfStep)?;
                Ok(self.left_errand(&held, enabled, false))
            }
            Stage::Link { session, linking, is_taken } => {
                self.link_page(visitor, modules, &held, &session, (&linking, is_taken)).await
            }
            Stage::Consent { demand, session } => {
                let Some((current, _)) = self.session_of(visitor).await? else {
                    return Err(Lost::OutOfStep.into());
                };
                if current.id != session {
                    return Err(Lost::OutOfStep.into());
                }
                Ok(Reply::page(Page::Consent {
                    anti_forgery: self.anti_forgery(&held.id, &held.browser),
                    application: application_name(&held),
                    username: current.username,
                    items: demand.consent,
                    transaction: held.id,
                }))
            }
            Stage::SignOut { .. } => {
                let username = self.session_of(visitor).await?.map(|(session, _)| session.username);
                let Some(username) = username else { return Ok(Reply::page(Page::SignedOut)) };
                Ok(Reply::page(Page::ConfirmSignOut {
                    anti_forgery: self.anti_forgery(&held.id, &held.browser),
                    transaction: held.id,
                    username,
                }))
            }
        }
    }
}

impl Flow {
    /// Whether the authenticator is to be asked again: once in each interval, however often the page is opened.
    async fn is_polled(&self, transaction: &str, interval: Option<u32>) -> Result<bool, Unavailable> {
        let Some(interval) = interval else { return Ok(false) };
        let now = self.installation.clock.now();
        self.installation.store.remember(POLLS, transaction, now.plus(interval.into()), now).await
    }

    /// The page that is due now, without another poll; or where what was waited for leads to.
    async fn after_poll(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        id: &str,
        reply: Reply,
    ) -> Result<Reply, Stop> {
        let stays = matches!(&reply.action, Action::Redirect(location) if *location == page_of(id));
        if stays { Box::pin(self.try_show(visitor, modules, id, false)).await } else { Ok(reply) }
    }

    /// For how long this device can be remembered when the authenticator's step is done.
    fn remembers(&self, sign_in: &SignIn<'_>, name: &str) -> Option<u64> {
        let modules = sign_in.modules;
        let description = modules.authenticator(name)?.module.description();
        let is_further = !description.identifies && description.enrols && !sign_in.progress.denied;
        let is_own = OwnPage::of_module(&sign_in.held.transaction.module).is_some();
        (modules.remember > 0 && is_further && !is_own).then_some(modules.remember)
    }

    async fn show_sign_in(
        &self,
        sign_in: SignIn<'_>,
        challenge: Option<(String, KeptChallenge)>,
    ) -> Result<Reply, Stop> {
        let (sign_in, name, challenge) = match challenge {
            Some((name, challenge)) => (sign_in, name, challenge.into()),
            None => match self.begin_authenticator(sign_in).await? {
                Ok(begun) => begun,
                Err(reply) => return Ok(reply),
            },
        };
        let mut challenge: Challenge = challenge;
        self.say_linking(&sign_in, &mut challenge.elements);
        let modules = sign_in.modules;
        let id = sign_in.held.id.clone();
        let (component, now) = (&sign_in.progress.component, self.installation.clock.now());
        let asked =
            modules.authenticator(&name).and_then(|enabled| modules.in_version(enabled, component, now));
        let of_policy = name.strip_prefix(IN_CHARGE).and_then(|name| modules.policies.enabled.get(name));
        let of_policy = of_policy.map(|policy| &policy.module.description().translations);
        let translations = asked.map(|enabled| &enabled.module.description().translations).or(of_policy);
        let is_closed = sign_in.progress.denied;
        let title = |enabled: &EnabledAuthenticator| enabled.module.title().map(str::to_owned);
        let other = self.other(&sign_in, &name).await?;
        Ok(Reply::page(Page::SignIn(SignInPage {
            anti_forgery: self.anti_forgery(&id, &sign_in.held.browser),
            transaction: id,
            application: application_name(sign_in.held),
            enrols: false,
            challenge,
            translations: translations.cloned().unwrap_or_else(|| [].into()),
            title: asked.and_then(title),
            has_other: other.is_some(),
            other: other.and_then(title),
            named: sign_in.progress.hint.clone().filter(|_| Self::shows_name(&sign_in)),
            remember: self.remembers(&sign_in, &name),
            is_closed,
        })))
    }
}

pub(super) fn application_name(held: &Held) -> String {
    held.transaction.application.as_ref().map(|(_, name)| name.clone()).unwrap_or_default()
}
