//! The authenticator's turn.

use std::sync::Arc;

use super::complete::Stop;
use super::decide::{accepts, authenticator};
use super::handle::page_of;
use super::transaction::{Held, Stage};
use super::{CookieChange, EnabledAuthenticator, Flow, ModuleSet, Reply, Visitor};
use crate::audit::Event;
use crate::authenticator::{Challenge, Context, Form, Identity, Origin, Step};
use crate::device;
use crate::module::{Demand, Failure, FailureReason, ModuleFailure};
use crate::services::AuthenticatorServices;

impl Flow {
    /// Lets the authenticator begin. Err: it ended the sign-in already, with this reply.
    pub(super) async fn begin_authenticator(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &mut Held,
        demand: &Demand,
    ) -> Result<Result<Challenge, Reply>, Stop> {
        let Some(enabled) = authenticator(modules, demand) else {
            return Ok(Err(self
                .end_with(visitor, modules, held, demand, Failure::ContextUnavailable)
                .await?));
        };
        let services = self.authenticator_services(visitor);
        let context = context(visitor, held, demand, enabled);
        let step = enabled.module.begin(Arc::clone(&services), context).await?;
        let name = enabled.module.description().name.clone();
        match step {
            Step::Challenge(challenge) => {
                held.transaction.stage =
                    Stage::SignIn { demand: demand.clone(), challenge: Some((name, challenge.clone())) };
                self.keep_transaction(held).await??;
                Ok(Ok(challenge))
            }
            other => Ok(Err(self.step(visitor, modules, held, demand, &name, &services, other).await?)),
        }
    }

    /// Hands the authenticator what the person sent.
    pub(super) async fn proceed_authenticator(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &mut Held,
        demand: &Demand,
        (name, challenge): (String, Challenge),
        form: Form,
    ) -> Result<Reply, Stop> {
        let found = modules.authenticators.iter().find(|enabled| enabled.module.description().name == name);
        let Some(enabled) = found else {
            // Switched off since the page was shown: begin anew with what is on.
            held.transaction.stage = Stage::SignIn { demand: demand.clone(), challenge: None };
            self.keep_transaction(held).await??;
            return Ok(Reply::redirect(page_of(&held.id)));
        };
        let services = self.authenticator_services(visitor);
        let context = context(visitor, held, demand, enabled);
        let step = enabled.module.proceed(Arc::clone(&services), context, challenge.state, form).await?;
        self.step(visitor, modules, held, demand, &name, &services, step).await
    }

    #[allow(clippy::too_many_arguments, reason = "the facts of one step, each used once")]
    async fn step(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &mut Held,
        demand: &Demand,
        name: &str,
        services: &AuthenticatorServices,
        step: Step,
    ) -> Result<Reply, Stop> {
        match step {
            Step::Challenge(challenge) => {
                held.transaction.stage =
                    Stage::SignIn { demand: demand.clone(), challenge: Some((name.into(), challenge)) };
                self.keep_transaction(held).await??;
                Ok(Reply::redirect(page_of(&held.id)))
            }
            Step::Authenticated(identity) => {
                if !services.has_proven(&identity.subject) {
                    return Err(Stop::Failure(ModuleFailure {
                        module: name.into(),
                        reason: FailureReason::Output,
                        detail: "it named a subject that it has not proven in this call".into(),
                    }));
                }
                self.authenticated(visitor, modules, held, demand, name, &identity).await
            }
            Step::Denied(reason) => {
                self.audit_sign_in(visitor, "sign-in.denied", name, None, &reason);
                self.end_with(visitor, modules, held, demand, Failure::Denied).await
            }
            Step::Unavailable(reason) => Err(Stop::Failure(ModuleFailure {
                module: name.into(),
                reason: FailureReason::Unavailable,
                detail: reason,
            })),
        }
    }

    async fn authenticated(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &mut Held,
        demand: &Demand,
        name: &str,
        identity: &Identity,
    ) -> Result<Reply, Stop> {
        if !accepts(demand, &identity.context) {
            self.audit_sign_in(visitor, "sign-in.denied", name, Some(&identity.subject), "context-too-weak");
            return self.end_with(visitor, modules, held, demand, Failure::ContextUnavailable).await;
        }
        let Some(account) = self.installation.directory.account(&identity.subject).await? else {
            self.audit_sign_in(visitor, "sign-in.denied", name, Some(&identity.subject), "account-gone");
            return self.end_with(visitor, modules, held, demand, Failure::Denied).await;
        };
        if self.consent_is_due(demand, &account.subject).await? {
            let (session, cookie) = self.begin_session(visitor, &account, identity).await?;
            self.audit_sign_in(visitor, "sign-in.succeeded", name, Some(&account.subject), "");
            held.transaction.stage = Stage::Consent { demand: demand.clone(), session: session.id };
            self.keep_transaction(held).await??;
            let device = self.device_cookie(&account.username).await;
            let reply = Reply::redirect(page_of(&held.id)).with_session(CookieChange::Set(cookie));
            return Ok(reply.with_device(device));
        }
        // Taken before the session begins: a form that was sent twice makes one session.
        self.take_transaction(&held.id).await??;
        let (session, cookie) = self.begin_session(visitor, &account, identity).await?;
        self.audit_sign_in(visitor, "sign-in.succeeded", name, Some(&account.subject), "");
        let device = self.device_cookie(&account.username).await;
        let module = &held.transaction.module;
        let reply = self.complete(visitor, modules, module, demand.clone(), &session, account).await;
        // The person is signed in, whatever becomes of the answer to the application.
        let reply = match reply {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, crate::module::Audience::Browser),
        };
        Ok(reply.with_session(CookieChange::Set(cookie)).with_device(device))
    }

    /// A cookie by which the browser is known to belong to somebody who has signed in with it.
    /// None is no reason to fail: the person has proven who they are.
    async fn device_cookie(&self, username: &str) -> CookieChange {
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

    pub(super) async fn end_with(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        demand: &Demand,
        failure: Failure,
    ) -> Result<Reply, Stop> {
        self.take_transaction(&held.id).await??;
        self.fail(visitor, modules, &held.transaction.module, demand.clone(), failure).await
    }

    fn authenticator_services(&self, visitor: &Visitor) -> Arc<AuthenticatorServices> {
        let origin = Origin { address: visitor.address, device: visitor.device.clone() };
        Arc::new(AuthenticatorServices::new(Arc::clone(&self.installation), origin, &visitor.correlation))
    }

    fn audit_sign_in(
        &self,
        visitor: &Visitor,
        event: &str,
        authenticator: &str,
        subject: Option<&str>,
        why: &str,
    ) {
        let address = visitor.address.to_string();
        let fields = [("address", address.as_str()), ("why", why)];
        self.installation.audit.record(&Event {
            name: event,
            module: Some(authenticator),
            relying_party: None,
            subject,
            correlation: Some(&visitor.correlation),
            fields: if why.is_empty() { &fields[..1] } else { &fields },
        });
    }
}

fn context(visitor: &Visitor, held: &Held, demand: &Demand, enabled: &EnabledAuthenticator) -> Context {
    Context {
        relying_party: held
            .transaction
            .application
            .as_ref()
            .map(|(_, name)| name.clone())
            .unwrap_or_default(),
        login_hint: demand.login_hint.clone(),
        subject: None,
        language: visitor.language.clone(),
        settings: enabled.settings.clone(),
    }
}
