//! The way back to a protocol module and to the application.

use std::sync::Arc;

use super::factors::not_allowed;
use super::own_pages::OwnPage;
use super::policy::PolicyFailure;
use super::renewal::signed_in_of;
use super::steps::contexts_of;
use super::{Action, CookieChange, Flow, ModuleSet, Page, Reply, Visitor};
use crate::audit::Event;
use crate::directory::Account;
use crate::module::{
    Audience, Authentication, Demand, Failure, FailureReason, ModuleFailure, Refusal, Response, SignOn,
};
use crate::randomness::identifier;
use crate::services::ModuleServices;
use crate::store::{Session, SignedIn};
use crate::unavailable::Unavailable;

use super::transaction::Lost;

/// What ends a request before its time.
pub(super) enum Stop {
    Unavailable(Unavailable),
    Failure(ModuleFailure),
    Lost(Lost),
    /// The policy can't be gone by.
    Policy(PolicyFailure),
    /// The module that the transaction began with is switched off by now.
    ModuleGone(String),
}

impl From<Unavailable> for Stop {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<ModuleFailure> for Stop {
    fn from(failure: ModuleFailure) -> Self {
        Self::Failure(failure)
    }
}

impl From<PolicyFailure> for Stop {
    fn from(failure: PolicyFailure) -> Self {
        Self::Policy(failure)
    }
}

impl From<Lost> for Stop {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Flow {
    /// Hands the person to the module: the demand is met.
    pub(super) async fn complete(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        demand: Demand,
        session: &Session,
        account: Account,
    ) -> Result<Reply, Stop> {
        if let Some(page) = OwnPage::of_module(module) {
            return self.show_own(visitor, page, session).await;
        }
        let store = &self.installation.store;
        let fresh_index = identifier(self.installation.randomness.as_ref());
        let session_index = store.join_session(&session.id, &demand.relying_party, &fresh_index).await?;
        self.installation.audit.record(&Event {
            name: "sign-on.completed",
            module: Some(module),
            relying_party: Some(&demand.relying_party),
            subject: Some(&session.subject),
            correlation: Some(&visitor.correlation),
            fields: &[("session", &session.id)],
        });
        let authentication = Authentication {
            subject: account.subject,
            session_index,
            session: session.id.clone(),
            authenticated_at: session.authenticated_at.0,
            expires_at: session.expires_at.0,
            context: context_for(&demand, session),
            methods: session.methods.clone(),
            claims: account.claims,
        };
        let signed_in = Some(signed_in_of(session));
        self.resume(visitor, modules, module, demand, (SignOn::Authenticated(authentication), signed_in))
            .await
    }

    /// Tells the module that the demand is not met.
    pub(super) async fn fail(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        demand: Demand,
        failure: Failure,
    ) -> Result<Reply, Stop> {
        if OwnPage::of_module(module).is_some() {
            return Ok(not_allowed());
        }
        self.resume(visitor, modules, module, demand, (SignOn::Failed(failure), None)).await
    }

    async fn resume(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        demand: Demand,
        (result, signed_in): (SignOn, Option<SignedIn>),
    ) -> Result<Reply, Stop> {
        let enabled = modules.protocols.get(module).ok_or_else(|| Stop::ModuleGone(module.into()))?;
        let services = self.services_told(visitor, module, &enabled.settings, signed_in);
        let response = enabled.module.resume(services, demand.state, result).await?;
        Ok(self.answer(visitor, module, response, Audience::Browser))
    }

    pub(super) fn services(&self, visitor: &Visitor, module: &str, settings: &str) -> Arc<ModuleServices> {
        self.services_told(visitor, module, settings, None)
    }

    fn services_told(
        &self,
        visitor: &Visitor,
        module: &str,
        settings: &str,
        signed_in: Option<SignedIn>,
    ) -> Arc<ModuleServices> {
        let installation = Arc::clone(&self.installation);
        let services = ModuleServices::new(installation, module, settings, &visitor.correlation);
        Arc::new(services.told_of(signed_in).renewing(self.renewals(visitor)))
    }

    /// Makes a reply of a module's response, and writes refusals down.
    pub(super) fn answer(
        &self,
        visitor: &Visitor,
        module: &str,
        response: Response,
        audience: Audience,
    ) -> Reply {
        match response {
            Response::Document(document) => {
                self.audit_refusal(visitor, module, document.refusal.as_ref());
                Reply::new(Action::Document(document))
            }
            Response::Redirect(location) => Reply::redirect(location),
            Response::FormPost(form_post) => {
                self.audit_refusal(visitor, module, form_post.refusal.as_ref());
                Reply::new(Action::FormPost(form_post))
            }
            Response::Refused(refusal) => {
                self.audit_refusal(visitor, module, Some(&refusal));
                Reply::page(Page::Refused {
                    status: refusal.status,
                    audience,
                    message: "error.request",
                    retry_after: None,
                })
            }
            Response::SignedOut => Reply::page(Page::SignedOut).with_session(CookieChange::Keep),
        }
    }

    fn audit_refusal(&self, visitor: &Visitor, module: &str, refusal: Option<&Refusal>) {
        let Some(refusal) = refusal else { return };
        self.installation.audit.record(&Event {
            name: "request.refused",
            module: Some(module),
            relying_party: None,
            subject: None,
            correlation: Some(&visitor.correlation),
            fields: &[
                ("code", &refusal.code),
                ("fault", refusal.fault.as_str()),
                ("element", &refusal.element),
                ("expected", &refusal.expected),
                ("found", &refusal.found),
                ("address", &visitor.address.to_string()),
            ],
        });
    }

    /// What the visitor sees of a request that could not go on. The reason is for the log.
    pub(super) fn stopped(&self, visitor: &Visitor, stop: Stop, audience: Audience) -> Reply {
        let correlation = &visitor.correlation;
        let (status, message, retry_after) = match stop {
            Stop::Unavailable(error) => {
                tracing::error!(%correlation, %error, "request not served");
                (503, "error.unavailable", Some(5))
            }
            Stop::Failure(failure) => {
                tracing::error!(%correlation, module = %failure.module, reason = failure.reason.as_str(), detail = %failure.detail, "module failed");
                self.audit_stop(visitor, "module.failed", Some(&failure.module), failure.reason.as_str());
                match failure.reason {
                    FailureReason::Unavailable => (503, "error.unavailable", Some(5)),
                    _ => (500, "error.internal", None),
                }
            }
            Stop::Policy(failure) => {
                tracing::error!(%correlation, code = failure.code, %failure, "policy failed: nobody signs in");
                self.audit_stop(visitor, "policy.failed", Some(&failure.policy), failure.code);
                (503, "error.unavailable", Some(5))
            }
            Stop::Lost(lost) => {
                self.audit_stop(visitor, "request.refused", None, lost.code());
                (400, "error.expired", None)
            }
            Stop::ModuleGone(module) => {
                self.audit_stop(visitor, "request.refused", Some(&module), "sign-on.module.off");
                (400, "error.expired", None)
            }
        };
        Reply::page(Page::Refused { status, audience, message, retry_after })
    }

    fn audit_stop(&self, visitor: &Visitor, name: &str, module: Option<&str>, code: &str) {
        self.installation.audit.record(&Event {
            name,
            module,
            relying_party: None,
            subject: None,
            correlation: Some(&visitor.correlation),
            fields: &[("code", code), ("address", &visitor.address.to_string())],
        });
    }
}

/// The context to tell the module of: of those that it demands the best, which it names first, or else
/// that of the last step.
fn context_for(demand: &Demand, session: &Session) -> String {
    let reached = contexts_of(session);
    let wanted = demand.contexts.iter().find(|wanted| reached.contains(wanted));
    wanted.unwrap_or(&session.context).clone()
}
