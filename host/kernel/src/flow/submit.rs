//! `POST /commonauth`: what a person sent with one of our pages.

use subtle::ConstantTimeEq as _;

use super::complete::Stop;
use super::errand::{Errand, Task};
use super::returned::Brought;
use super::sign_in::{Asked, SignIn};
use super::transaction::{Held, Lost, Stage};
use super::{Flow, ModuleSet, Reply, Visitor};
use crate::authenticator::Form;
use crate::module::{Audience, Demand, Failure};

/// Prefix of the challenge's own fields.
const FIELD_PREFIX: &str = "f.";

impl Flow {
    /// The form of a page: `t`, `anti-forgery`, `action`, and the challenge's fields as `f.name`.
    pub async fn submit(&self, visitor: &Visitor, form: Vec<(String, String)>) -> Reply {
        let modules = self.modules();
        match self.try_submit(visitor, &modules, form).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    async fn try_submit(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        form: Vec<(String, String)>,
    ) -> Result<Reply, Stop> {
        let id = value(&form, "t").ok_or(Lost::Unknown)?;
        let held = self.held_transaction(id, visitor.browser.as_deref()).await??;
        let sent = value(&form, "anti-forgery").ok_or(Lost::Forged)?;
        let expected = self.form_token(&held);
        if !bool::from(expected.as_bytes().ct_eq(sent.as_bytes())) {
            return Err(Lost::Forged.into());
        }
        if let Some(reply) = self.own_page_anew(visitor, modules, &held.transaction).await? {
            return Ok(reply);
        }
        let action = value(&form, "action").ok_or(Lost::OutOfStep)?.to_owned();
        let mut held = held;
        match (action.as_str(), held.transaction.stage.clone()) {
            ("sign-in", Stage::SignIn { demand, challenge: Some((name, challenge)), mut progress }) => {
                progress.wants_remembering = value(&form, "remember") == Some("yes");
                let fields = fields_of(form);
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.proceed_authenticator(sign_in, Asked::by(name, challenge.into()), fields.into()).await
            }
            ("sign-in", Stage::Elsewhere { demand, progress, .. }) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.go_on(sign_in).await
            }
            ("other", Stage::Elsewhere { demand, progress, authenticator, .. }) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.take_other(sign_in, &authenticator).await
            }
            ("other", Stage::SignIn { demand, challenge: Some((name, _)), progress }) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.take_other(sign_in, &name).await
            }
            ("not-you", Stage::SignIn { demand, challenge: Some(_), progress }) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.forget_name(sign_in).await
            }
            ("sign-in", Stage::SignInEnrol { demand, progress, authenticator, sealed }) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                let state = self.unsealed(sign_in.held, &authenticator, &sealed)?.state;
                let brought = Brought { state, answer: fields_of(form).into(), carrier: None };
                self.proceed_enrolment_at_sign_in(sign_in, &authenticator, brought).await
            }
            ("sign-in", Stage::SignInEnrolElsewhere { demand, progress, .. }) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.take_step_anew(sign_in).await
            }
            (
                "other",
                Stage::SignInEnrol { demand, progress, authenticator, .. }
                | Stage::SignInEnrolElsewhere { demand, progress, authenticator, .. },
            ) => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.enrol_other(sign_in, &authenticator).await
            }
            (
                "cancel",
                Stage::SignIn { demand, .. }
                | Stage::SignInEnrol { demand, .. }
                | Stage::SignInEnrolElsewhere { demand, .. }
                | Stage::Elsewhere { demand, .. },
            )
            | ("refuse", Stage::Consent { demand, .. }) => {
                self.take_transaction(&held.id).await??;
                self.fail(visitor, modules, &held.transaction.module, demand, Failure::Denied).await
            }
            ("enrol" | "link", Stage::Factors { session }) => {
                let task = if action == "link" { Task::Link } else { Task::Enrol };
                let fields = fields_of(form);
                let authenticator = fields.single("authenticator").ok_or(Lost::OutOfStep)?;
                let errand = Errand { visitor, modules, session: &session, authenticator, task };
                self.go_on_errand(errand, held, None).await
            }
            ("remove", Stage::Factors { session }) => {
                self.remove_factor(visitor, modules, &held, &session, &fields_of(form)).await
            }
            ("unlink", Stage::Factors { session }) => {
                self.unlink(visitor, modules, &held, &session, &fields_of(form)).await
            }
            ("unlock", Stage::Factors { session }) => {
                self.unlock_factor(visitor, modules, &held, &session, &fields_of(form)).await
            }
            ("end", Stage::Sessions { session }) => {
                self.end_own(visitor, &held, &session, &fields_of(form)).await
            }
            ("end-others", Stage::Sessions { session }) => self.end_others(visitor, &held, &session).await,
            ("change", Stage::Password { session, .. }) => {
                self.change_password(visitor, held, session, &fields_of(form)).await
            }
            ("sign-in", Stage::Enrol { session, authenticator, sealed, task }) => {
                let state = self.unsealed(&held, &authenticator, &sealed)?.state;
                let errand =
                    Errand { visitor, modules, session: &session, authenticator: &authenticator, task };
                let brought = Brought { state, answer: fields_of(form).into(), carrier: None };
                self.go_on_errand(errand, held, Some(brought)).await
            }
            ("sign-in", Stage::EnrolElsewhere { session, authenticator, task, .. }) => {
                let errand =
                    Errand { visitor, modules, session: &session, authenticator: &authenticator, task };
                self.go_on_errand(errand, held, None).await
            }
            ("sign-in", Stage::Link { session, linking, is_taken: false }) => {
                self.link_own(visitor, modules, held, session, linking).await
            }
            (
                "cancel",
                Stage::Enrol { session, .. }
                | Stage::EnrolElsewhere { session, .. }
                | Stage::Link { session, .. },
            ) => self.leave_errand(held, session).await,
            ("agree", Stage::Consent { demand, session }) => {
                self.agree(visitor, modules, &held, demand, &session).await
            }
            ("sign-out", Stage::SignOut { logout }) => {
                self.take_transaction(&held.id).await??;
                self.end_and_tell(visitor, modules, &held.transaction.module, logout).await
            }
            ("stay", Stage::SignOut { logout }) => {
                self.take_transaction(&held.id).await??;
                self.tell(visitor, modules, &held.transaction.module, logout, false).await
            }
            _ => Err(Lost::OutOfStep.into()),
        }
    }

    async fn agree(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        demand: Demand,
        session: &str,
    ) -> Result<Reply, Stop> {
        let Some((current, account)) = self.session_of(visitor).await? else {
            return Err(Lost::OutOfStep.into());
        };
        if current.id != session {
            return Err(Lost::OutOfStep.into());
        }
        self.take_transaction(&held.id).await??;
        let now = self.installation.clock.now();
        let store = &self.installation.store;
        store.add_consents(&current.subject, &demand.relying_party, &demand.consent, now).await?;
        self.complete(visitor, modules, &held.transaction.module, demand, &current, account).await
    }
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn fields_of(form: Vec<(String, String)>) -> Form {
    let own = form
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(FIELD_PREFIX)?.to_owned(), value)));
    Form(own.collect())
}
