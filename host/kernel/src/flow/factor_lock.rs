//! A further factor that is locked after too many failures in a row (NIST SP 800-63B section 5.2.2: no
//! more than 100). What finds out who somebody is has no such lock: a stranger could lock people out.
//! Here one has proven the step before, and what is locked is one factor of one person: another one of
//! theirs goes on working, and with it they unlock it on their own page.

use super::complete::Stop;
use super::sign_in::SignIn;
use super::{EnabledAuthenticator, Flow};
use crate::authenticator::{Challenge, Element, Message, Step, Text};
use crate::module::ModuleFailure;
use crate::unavailable::Unavailable;

impl Flow {
    /// Whether the person's factor is locked. Written down when it is.
    pub(super) async fn is_locked(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
    ) -> Result<bool, Unavailable> {
        let Some(subject) = sign_in.progress.subject() else { return Ok(false) };
        let is_locked = self.locks(enabled, subject).await?;
        if is_locked {
            let why = "factor-locked";
            self.audit_sign_in(sign_in.visitor, "sign-in.refused", Some(enabled.name()), Some(subject), why);
        }
        Ok(is_locked)
    }

    /// The same about anybody, for their own page.
    pub(super) async fn locks(
        &self,
        enabled: &EnabledAuthenticator,
        subject: &str,
    ) -> Result<bool, Unavailable> {
        let failures = self.installation.store.failures_in_a_row(enabled.name(), subject).await?;
        Ok(failures >= self.installation.throttle.in_a_row)
    }

    /// Counts a failure before anybody knows how the try ends; false: the factor is locked.
    pub(super) async fn admit_factor(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
    ) -> Result<bool, Unavailable> {
        let Some(subject) = sign_in.progress.subject() else { return Ok(true) };
        let most = self.installation.throttle.in_a_row;
        self.installation.store.admit_in_a_row(enabled.name(), subject, most).await
    }

    /// How it ended: a success ends the row, and what was no failure is taken back.
    pub(super) async fn count_factor(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
        done: &Result<Step, ModuleFailure>,
    ) -> Result<(), Unavailable> {
        let Some(subject) = sign_in.progress.subject() else { return Ok(()) };
        let (store, name) = (&self.installation.store, enabled.name());
        match done {
            Ok(Step::Authenticated(_)) => store.clear_in_a_row(name, subject).await.map(drop),
            Ok(Step::Challenge(Challenge { error: Some(_), .. })) => {
                let is_now = self.locks(enabled, subject).await?;
                if is_now {
                    let (visitor, subject) = (sign_in.visitor, Some(subject));
                    self.audit_sign_in(visitor, "factor.locked", Some(name), subject, "");
                }
                Ok(())
            }
            Ok(Step::Denied(_)) => Ok(()),
            _ => store.take_back_in_a_row(name, subject).await,
        }
    }

    /// No other way is left: shows the person why, and the way back.
    pub(super) async fn locked<'s>(
        &self,
        mut sign_in: SignIn<'s>,
        name: String,
    ) -> Result<(SignIn<'s>, String, Challenge), Stop> {
        let (visitor, subject) = (sign_in.visitor, sign_in.progress.subject());
        self.audit_sign_in(visitor, "sign-in.denied", Some(&name), subject, "factor-locked");
        sign_in.progress.denied = true;
        let challenge = Challenge {
            title: Text::of("sign-in.denied.title"),
            elements: vec![Element::Message(Message { body: Text::of("sign-in.locked"), link: None })],
            submit: Text::of("sign-in.submit"),
            error: None,
            state: Vec::new(),
        };
        sign_in.set(Some((&name, challenge.clone())));
        self.keep_transaction(sign_in.held).await??;
        Ok((sign_in, name, challenge))
    }
}
