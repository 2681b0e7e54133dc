//! `GET /commonauth?t=…`: the first time that the browser shows up with its cookies.

use super::complete::Stop;
use super::decide::Need;
use super::handle::page_of;
use super::progress::Progress;
use super::transaction::{Held, Lost, Stage};
use super::{CookieChange, Flow, ModuleSet, Reply, Visitor};
use crate::module::Audience;
use crate::randomness::fingerprint;

impl Flow {
    /// Binds the transaction to the visitor's browser and goes on as far as it gets without a page.
    pub async fn proceed(&self, visitor: &Visitor, transaction: &str) -> Reply {
        let modules = self.modules();
        match self.try_proceed(visitor, &modules, transaction).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    async fn try_proceed(&self, visitor: &Visitor, modules: &ModuleSet, id: &str) -> Result<Reply, Stop> {
        let (browser, change) = self.browser_of(visitor);
        let reply = self.proceed_as(visitor, modules, id, &browser).await?;
        // What completes the transaction may have changed nothing about the browser; a new cookie is set once.
        Ok(if change == CookieChange::Keep { reply } else { reply.with_browser(change) })
    }

    async fn proceed_as(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        id: &str,
        browser: &str,
    ) -> Result<Reply, Stop> {
        let store = &self.installation.store;
        let now = self.installation.clock.now();
        if !store.bind_transaction(fingerprint(id), fingerprint(browser), now).await? {
            let gone = store.transaction(fingerprint(id), now).await?.is_none();
            return Err(if gone { Lost::Unknown } else { Lost::OtherBrowser }.into());
        }
        let Some((_, data)) = store.transaction(fingerprint(id), now).await? else {
            return Err(Lost::Unknown.into());
        };
        let mut transaction = self.read(id, &data)?;
        match transaction.stage.clone() {
            Stage::SignOut { logout } => {
                self.take_transaction(id).await??;
                self.sign_out(visitor, modules, &transaction.module, logout).await
            }
            Stage::Consent { .. }
            | Stage::Factors { .. }
            | Stage::Sessions { .. }
            | Stage::Password { .. }
            | Stage::Enrol { .. }
            | Stage::EnrolElsewhere { .. }
            | Stage::Link { .. }
            | Stage::Elsewhere { .. }
            | Stage::SignInEnrol { .. }
            | Stage::SignInEnrolElsewhere { .. } => Ok(Reply::redirect(page_of(id))),
            Stage::SignIn { demand, progress: own, .. } => {
                let session = self.session_of(visitor).await?;
                let known = session.as_ref().map(|(session, _)| session);
                let need = self.need(visitor, modules, (&transaction.module, &demand), known).await?;
                match (need, session) {
                    (Need::Nothing, Some((session, account))) => {
                        self.take_transaction(id).await??;
                        self.complete(visitor, modules, &transaction.module, demand, &session, account).await
                    }
                    (Need::Failure(failure), _) => {
                        self.take_transaction(id).await??;
                        self.fail(visitor, modules, &transaction.module, demand, failure).await
                    }
                    (Need::Consent, Some((session, _))) => {
                        transaction.stage = Stage::Consent { demand, session: session.id };
                        let held = Held { id: id.into(), transaction, browser: browser.into() };
                        self.keep_transaction(&held).await??;
                        Ok(Reply::redirect(page_of(id)))
                    }
                    (Need::SignIn(progress), _) if own.done == 0 && is_more(&own, &progress) => {
                        transaction.stage = Stage::SignIn { demand, challenge: None, progress };
                        let held = Held { id: id.into(), transaction, browser: browser.into() };
                        self.keep_transaction(&held).await??;
                        Ok(Reply::redirect(page_of(id)))
                    }
                    _ => Ok(Reply::redirect(page_of(id))),
                }
            }
        }
    }
}

/// Whether the sign-in is to go on with this: a session has done steps of it, or the policy has decided.
fn is_more(own: &Progress, found: &Progress) -> bool {
    found.done > 0 || (own.decided.is_none() && found.decided.is_some())
}
