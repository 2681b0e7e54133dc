//! `/authenticationendpoint/sessions`: where the person is signed in, and the end of it.

use super::complete::Stop;
use super::handle::page_of;
use super::transaction::{Held, Lost};
use super::{Flow, ModuleSet, OwnSession, Page, Reply, SessionsPage, Visitor};
use crate::audit::Event;
use crate::authenticator::{Form, Person};
use crate::store::Session;

/// Most sessions that are shown. All but the present one can be ended, however many there are.
const MOST: u32 = 50;

impl Flow {
    /// The page.
    pub(super) async fn sessions_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let mut sessions = Vec::new();
        for one in self.sessions_of(&person).await? {
            sessions.push(OwnSession {
                is_current: one.id == session,
                applications: self.applications_of(&one).await?,
                id: one.id,
                user_agent: one.user_agent,
                address: one.address,
                began_at: one.created_at,
                last_used_at: one.last_used_at,
            });
        }
        // The present one first; the others stay in their order.
        sessions.sort_by_key(|one| !one.is_current);
        Ok(Reply::page(Page::Sessions(SessionsPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            username: person.username,
            pages: modules.pages(),
            sessions,
        })))
    }

    /// Ends another session of the person's.
    pub(super) async fn end_own(
        &self,
        visitor: &Visitor,
        held: &Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let asked = form.single("session").filter(|asked| *asked != session).ok_or(Lost::OutOfStep)?;
        let now = self.installation.clock.now();
        let of_person = self.installation.store.sessions_of(&person.subject, now, u32::MAX).await?;
        // Of another person, or over already: nothing happens, and nothing is told.
        if let Some(other) = of_person.iter().find(|one| one.id == asked) {
            self.end_session(visitor, other, "own-page").await?;
        }
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// Ends all of them but this one.
    pub(super) async fn end_others(
        &self,
        visitor: &Visitor,
        held: &Held,
        session: &str,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        self.end_all_but(visitor, &person, session, "own-page").await?;
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// What applications may do without the person being there ends as well.
    pub(super) async fn end_all_but(
        &self,
        visitor: &Visitor,
        person: &Person,
        session: &str,
        why: &str,
    ) -> Result<(), Stop> {
        let ended = self.installation.store.end_other_sessions_of(&person.subject, session).await?;
        self.installation.audit.record(&Event {
            name: "session.others-ended",
            module: None,
            relying_party: None,
            subject: Some(&person.subject),
            correlation: Some(&visitor.correlation),
            fields: &[("session", session), ("ended", &ended.to_string()), ("why", why)],
        });
        Ok(())
    }

    async fn sessions_of(&self, person: &Person) -> Result<Vec<Session>, Stop> {
        let now = self.installation.clock.now();
        let mut sessions = self.installation.store.sessions_of(&person.subject, now, MOST).await?;
        sessions.retain(|one| now.since(one.last_used_at) <= self.lifetimes.session_idle);
        Ok(sessions)
    }

    /// By name.
    async fn applications_of(&self, session: &Session) -> Result<Vec<String>, Stop> {
        let store = &self.installation.store;
        let mut names = Vec::new();
        for participant in store.participants(&session.id).await? {
            names.extend(store.application(&participant.application).await?.map(|known| known.name));
        }
        names.sort();
        Ok(names)
    }
}
