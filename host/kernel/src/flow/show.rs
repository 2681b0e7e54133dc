//! `GET /authenticationendpoint/login?t=…`: the page that is due.

use super::complete::Stop;
use super::transaction::{Held, Lost, Stage};
use super::{Flow, ModuleSet, Page, Reply, Visitor};
use crate::module::Audience;

impl Flow {
    /// The page that the transaction waits for.
    pub async fn show(&self, visitor: &Visitor, transaction: &str) -> Reply {
        let modules = self.modules();
        match self.try_show(visitor, &modules, transaction).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    async fn try_show(&self, visitor: &Visitor, modules: &ModuleSet, id: &str) -> Result<Reply, Stop> {
        let mut held = self.held_transaction(id, visitor.browser.as_deref()).await??;
        match held.transaction.stage.clone() {
            Stage::SignIn { demand, challenge } => {
                let challenge = match challenge {
                    Some((_, challenge)) => challenge,
                    None => match self.begin_authenticator(visitor, modules, &mut held, &demand).await? {
                        Ok(challenge) => challenge,
                        Err(reply) => return Ok(reply),
                    },
                };
                Ok(Reply::page(Page::SignIn {
                    anti_forgery: self.anti_forgery(&held.id, &held.browser),
                    application: application_name(&held),
                    transaction: held.id,
                    challenge,
                }))
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

fn application_name(held: &Held) -> String {
    held.transaction.application.as_ref().map(|(_, name)| name.clone()).unwrap_or_default()
}
