//! The end of a sign-in: the session begins, and the application goes on.

use std::sync::Arc;

use super::complete::Stop;
use super::handle::page_of;
use super::progress::Progress;
use super::sign_in::SignIn;
use super::transaction::{Lost, Stage};
use super::{CookieChange, EnabledAuthenticator, Flow, Reply, Visitor};
use crate::authenticator::{Origin, Person, Purpose};
use crate::device;
use crate::directory::Account;
use crate::module::Failure;
use crate::services::{AuthenticatorCall, AuthenticatorServices, Installation};
use crate::throttle::Pool;
use crate::unavailable::Unavailable;

/// RFC 8176 section 2: several methods of different factors.
pub(super) const SEVERAL_FACTORS: &str = "mfa";

impl Flow {
    /// All steps are done; `name` did the last one.
    pub(super) async fn signed_in(
        &self,
        sign_in: SignIn<'_>,
        name: &str,
        account: Account,
    ) -> Result<Reply, Stop> {
        self.check_session(sign_in.visitor, &sign_in.progress).await?;
        if !self.link_now(&sign_in, &account).await? {
            return self.end_with(&sign_in, Failure::Denied).await;
        }
        self.forget_failures(&sign_in.progress.passed).await?;
        let SignIn { visitor, modules, held, demand, mut progress } = sign_in;
        let several = modules.are_several_factors(&progress.authenticators);
        if several && !progress.methods.iter().any(|method| method == SEVERAL_FACTORS) {
            progress.methods.push(SEVERAL_FACTORS.into());
        }
        if self.consent_is_due(&demand, &account.subject).await? {
            let (session, cookie) = self.begin_session(visitor, &account, &progress).await?;
            self.audit_sign_in(visitor, "sign-in.succeeded", Some(name), Some(&account.subject), "");
            held.transaction.stage = Stage::Consent { demand, session: session.id };
            self.keep_transaction(held).await??;
            let device = self.device_cookie(&account.username).await;
            let reply = Reply::redirect(page_of(&held.id)).with_session(CookieChange::Set(cookie));
            return Ok(reply.with_device(device).with_remembered(self.remembered_cookie(&progress).await));
        }
        // Taken before the session begins: a form that was sent twice makes one session.
        self.take_transaction(&held.id).await??;
        let (session, cookie) = self.begin_session(visitor, &account, &progress).await?;
        self.audit_sign_in(visitor, "sign-in.succeeded", Some(name), Some(&account.subject), "");
        let device = self.device_cookie(&account.username).await;
        let module = &held.transaction.module;
        let reply = self.complete(visitor, modules, module, demand, &session, account).await;
        // The person is signed in, whatever becomes of the answer to the application.
        let reply = match reply {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, crate::module::Audience::Browser),
        };
        let remembered = self.remembered_cookie(&progress).await;
        Ok(reply.with_session(CookieChange::Set(cookie)).with_device(device).with_remembered(remembered))
    }

    /// All steps are done: what failed before them counts no more.
    pub(super) async fn forget_failures(&self, passed: &[Pool]) -> Result<(), Unavailable> {
        let Installation { store, throttle, .. } = self.installation.as_ref();
        for pool in passed {
            throttle.signed_in(store.as_ref(), pool).await?;
        }
        Ok(())
    }

    /// What goes on from a session ends with it, and what began with a password ends with that password:
    /// whoever changes it is rid of all who knew the old one. What began with a link ends with the link, and nothing
    /// goes on for somebody who is disabled.
    pub(super) async fn check_session(&self, visitor: &Visitor, progress: &Progress) -> Result<(), Stop> {
        if let (Some((_, then)), Some(person)) = (&progress.proven, &progress.person) {
            let now = self.installation.directory.device_binding(&person.username).await?;
            if now.unwrap_or_default() != *then {
                return Err(Lost::OutOfStep.into());
            }
        }
        if let Some(person) = &progress.person {
            if self.installation.directory.account(&person.subject).await?.is_none() {
                return Err(Lost::OutOfStep.into());
            }
            self.links_are_there(&person.subject, &progress.links).await?;
        }
        let Some((expected, _)) = &progress.session else { return Ok(()) };
        match self.session_of(visitor).await? {
            Some((session, _))
                if session.id == *expected && Some(session.subject.as_str()) == progress.subject() =>
            {
                Ok(())
            }
            _ => Err(Lost::OutOfStep.into()),
        }
    }

    /// A cookie by which the browser is known to belong to somebody who has signed in with it.
    /// None is no reason to fail: the person has proven who they are.
    pub(super) async fn device_cookie(&self, username: &str) -> CookieChange {
        let installation = &self.installation;
        let binding = match installation.directory.device_binding(username).await {
            Ok(Some(binding)) => binding,
            Ok(None) => return CookieChange::Keep,
            Err(error) => {
                tracing::warn!(%error, "no device cookie made");
                return CookieChange::Keep;
            }
        };
        let (keys, randomness) = (installation.keys.as_ref(), installation.randomness.as_ref());
        CookieChange::Set(device::issue(keys, randomness, &binding, installation.clock.now()))
    }

    /// What failures of the visitor's device are counted under, when it is known to be the person's.
    pub(super) async fn known_device(
        &self,
        visitor: &Visitor,
        username: &str,
    ) -> Result<Option<String>, Unavailable> {
        let Some(cookie) = &visitor.device else { return Ok(None) };
        let installation = &self.installation;
        let binding = installation.directory.device_binding(username).await?;
        let now = installation.clock.now();
        Ok(device::recognise(installation.keys.as_ref(), cookie, binding.as_deref(), now))
    }

    pub(super) fn authenticator_services(
        &self,
        visitor: &Visitor,
        enabled: &EnabledAuthenticator,
        purpose: Purpose,
        person: Option<&Person>,
    ) -> AuthenticatorServices {
        let call = AuthenticatorCall {
            authenticator: enabled.name().clone(),
            purpose,
            subject: person.map(|person| person.subject.clone()),
        };
        let origin = Origin { address: visitor.address, device: visitor.device.clone() };
        let installation = Arc::clone(&self.installation);
        let services = AuthenticatorServices::new(installation, call, origin, &visitor.correlation);
        let services = services.reading(&enabled.readable);
        services.writing(&visitor.language, &enabled.module.description().translations)
    }
}
