//! A request to a module's endpoint.

use super::complete::Stop;
use super::decide::Need;
use super::transaction::{Stage, Transaction};
use super::{CookieChange, Flow, ModuleSet, Reply, Visitor};
use crate::module::{Audience, Demand, Method, Outcome, Request};
use crate::randomness::secret;

impl Flow {
    /// A request to one of the endpoints that `module` declared. The listener has checked it
    /// against that declaration.
    pub async fn handle(&self, visitor: &Visitor, module: &str, request: Request) -> Reply {
        let modules = self.modules();
        let audience = audience(&modules, module, &request.path);
        match self.try_handle(visitor, &modules, module, request, audience).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, audience),
        }
    }

    async fn try_handle(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        request: Request,
        audience: Audience,
    ) -> Result<Reply, Stop> {
        let enabled = modules.protocols.get(module).ok_or_else(|| Stop::ModuleGone(module.into()))?;
        let services = self.services(visitor, module, &enabled.settings);
        let method = request.method;
        match enabled.module.handle(services, request).await? {
            Outcome::Respond(response) => Ok(self.answer(visitor, module, response, audience)),
            Outcome::Authenticate(demand) => {
                self.authenticate(visitor, modules, module, method, demand).await
            }
            Outcome::EndSession(logout) => {
                self.begin_sign_out(visitor, modules, module, method, logout).await
            }
        }
    }

    async fn authenticate(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        method: Method,
        demand: Demand,
    ) -> Result<Reply, Stop> {
        let application = self.application_of(module, &demand.relying_party).await?;
        if method == Method::Post {
            let transaction = Transaction {
                module: module.into(),
                application: Some(application),
                stage: Stage::SignIn { demand, challenge: None, progress: Box::default() },
            };
            let id = self.begin_transaction(&transaction, None).await?;
            return Ok(Reply::redirect(format!("/commonauth?t={id}")));
        }
        let session = self.session_of(visitor).await?;
        let known = session.as_ref().map(|(session, _)| session);
        let need = self.need(visitor, modules, (module, &demand), known).await?;
        match (need, session) {
            (Need::Nothing, Some((session, account))) => {
                self.complete(visitor, modules, module, demand, &session, account).await
            }
            (Need::Failure(failure), _) => self.fail(visitor, modules, module, demand, failure).await,
            (need, session) => {
                let stage = match (need, session) {
                    (Need::Consent, Some((session, _))) => Stage::Consent { demand, session: session.id },
                    (Need::SignIn(progress), _) => Stage::SignIn { demand, challenge: None, progress },
                    _ => Stage::SignIn { demand, challenge: None, progress: Box::default() },
                };
                let transaction =
                    Transaction { module: module.into(), application: Some(application), stage };
                self.ask(visitor, &transaction).await
            }
        }
    }

    /// Keeps the transaction for the visitor's browser and sends it to the page that is due.
    pub(super) async fn ask(&self, visitor: &Visitor, transaction: &Transaction) -> Result<Reply, Stop> {
        let (browser, change) = self.browser_of(visitor);
        let id = self.begin_transaction(transaction, Some(&browser)).await?;
        Ok(Reply::redirect(page_of(&id)).with_browser(change))
    }

    /// The browser cookie's value: the one that the visitor has, or a new one.
    pub(super) fn browser_of(&self, visitor: &Visitor) -> (String, CookieChange) {
        match &visitor.browser {
            Some(browser) => (browser.clone(), CookieChange::Keep),
            None => {
                let browser = secret(self.installation.randomness.as_ref());
                (browser.clone(), CookieChange::Set(browser))
            }
        }
    }

    async fn application_of(&self, module: &str, id: &str) -> Result<(String, String), Stop> {
        let found = self.installation.store.application(id).await?;
        match found.filter(|application| application.module == module && !application.disabled) {
            Some(application) => Ok((application.id, application.name)),
            // The module named what it can't know from us.
            None => Err(Stop::Failure(crate::module::ModuleFailure {
                module: module.into(),
                reason: crate::module::FailureReason::Output,
                detail: "it demanded a sign-in for a relying party that is not its own".into(),
            })),
        }
    }
}

pub(super) fn page_of(transaction: &str) -> String {
    format!("/authenticationendpoint/login?t={transaction}")
}

fn audience(modules: &ModuleSet, module: &str, path: &str) -> Audience {
    let endpoints = modules.protocols.get(module).map(|enabled| &enabled.module.description().endpoints);
    endpoints
        .and_then(|endpoints| endpoints.iter().find(|endpoint| endpoint.path == path))
        .map_or(Audience::Browser, |endpoint| endpoint.audience)
}
