//! The end of a session that a protocol asks for.

use super::complete::Stop;
use super::transaction::{Stage, Transaction};
use super::{CookieChange, Flow, ModuleSet, Reply, Visitor};
use crate::module::{Audience, Logout, Method};
use crate::store::Session;
use crate::unavailable::Unavailable;

impl Flow {
    /// A module asks for the end of the visitor's session.
    pub(super) async fn begin_sign_out(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        method: Method,
        logout: Logout,
    ) -> Result<Reply, Stop> {
        if method == Method::Get {
            return self.sign_out(visitor, modules, module, logout).await;
        }
        let transaction =
            Transaction { module: module.into(), application: None, stage: Stage::SignOut { logout } };
        let id = self.begin_transaction(&transaction, None).await?;
        Ok(Reply::redirect(format!("/commonauth?t={id}")))
    }

    /// Ends the session when the peer has shown that it means this one; asks the person otherwise,
    /// so that a link on another site can't sign anybody out.
    pub(super) async fn sign_out(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        logout: Logout,
    ) -> Result<Reply, Stop> {
        let Some((session, _)) = self.session_of(visitor).await? else {
            return self.tell(visitor, modules, module, logout, true).await;
        };
        if self.means(module, &logout, &session).await? {
            return self.end_and_tell(visitor, modules, module, logout).await;
        }
        let transaction =
            Transaction { module: module.into(), application: None, stage: Stage::SignOut { logout } };
        self.ask(visitor, &transaction).await
    }

    /// Ends the visitor's session and goes back to the module.
    pub(super) async fn end_and_tell(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        logout: Logout,
    ) -> Result<Reply, Stop> {
        if let Some((session, _)) = self.session_of(visitor).await? {
            self.end_session(visitor, &session, "signed-out").await?;
        }
        Ok(self.tell(visitor, modules, module, logout, true).await?.with_session(CookieChange::Clear))
    }

    /// Goes back to the module.
    pub(super) async fn tell(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        module: &str,
        logout: Logout,
        ended: bool,
    ) -> Result<Reply, Stop> {
        let enabled = modules.protocols.get(module).ok_or_else(|| Stop::ModuleGone(module.into()))?;
        let services = self.services(visitor, module, &enabled.settings);
        let response = enabled.module.logged_out(services, logout.state, ended).await?;
        Ok(self.answer(visitor, module, response, Audience::Browser))
    }

    /// Whether the session-index that the peer knows is this session's.
    async fn means(&self, module: &str, logout: &Logout, session: &Session) -> Result<bool, Unavailable> {
        let Some(session_index) = &logout.session_index else { return Ok(false) };
        let now = self.installation.clock.now();
        let meant = self.installation.store.session_by_index(module, session_index, now).await?;
        Ok(meant.is_some_and(|meant| meant.id == session.id))
    }
}
