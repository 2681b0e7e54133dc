//! Sessions of browsers.

use super::complete::Stop;
use super::progress::Progress;
use super::steps::{authenticators_of, several_of};
use super::transaction::Lost;
use super::{Flow, Visitor};
use crate::audit::Event;
use crate::directory::Account;
use crate::randomness::{fingerprint, identifier, secret};
use crate::store::{Link, Session};
use crate::unavailable::Unavailable;

/// A session's use is written down once in so many seconds: reading a page costs no write.
const TOUCH_INTERVAL: u64 = 60;

impl Flow {
    /// The visitor's session, with the account as it is now. A session of somebody who was disabled
    /// since, or that was idle for too long, is ended.
    pub(super) async fn session_of(
        &self,
        visitor: &Visitor,
    ) -> Result<Option<(Session, Account)>, Unavailable> {
        let Some(cookie) = &visitor.session else { return Ok(None) };
        let store = &self.installation.store;
        let now = self.installation.clock.now();
        let Some(session) = store.session(fingerprint(cookie), now).await? else { return Ok(None) };
        if now.since(session.last_used_at) > self.lifetimes.session_idle {
            self.end_session(visitor, &session, "idle").await?;
            return Ok(None);
        }
        let Some(account) = self.installation.directory.account(&session.subject).await? else {
            self.end_session(visitor, &session, "account-gone").await?;
            return Ok(None);
        };
        if now.since(session.last_used_at) >= TOUCH_INTERVAL {
            store.touch_session(&session.id, now).await?;
        }
        Ok(Some((session, account)))
    }

    /// Begins a session, or renews that of the same person. The cookie's secret is always a new one:
    /// whoever knew the old one (session fixation) is left with nothing.
    pub(super) async fn begin_session(
        &self,
        visitor: &Visitor,
        account: &Account,
        progress: &Progress,
    ) -> Result<(Session, String), Stop> {
        let store = &self.installation.store;
        let now = self.installation.clock.now();
        let cookie = secret(self.installation.randomness.as_ref());
        let old = match &visitor.session {
            Some(old) => store.session(fingerprint(old), now).await?,
            None => None,
        };
        let mut session = Session {
            id: identifier(self.installation.randomness.as_ref()),
            secret: fingerprint(&cookie),
            subject: account.subject.clone(),
            username: account.username.clone(),
            // A step more makes the steps before it no younger, and the session no longer.
            authenticated_at: progress.session.as_ref().map_or(now, |(_, at)| *at),
            context: progress.contexts.last().cloned().unwrap_or_default(),
            contexts: progress.contexts.clone(),
            methods: progress.methods.clone(),
            authenticators: progress.authenticators.clone(),
            several: progress.several.clone(),
            links: progress.links.clone(),
            proven_at: match &progress.session {
                Some(_) => progress.session_proven,
                None => progress.present.then_some(now),
            },
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(self.lifetimes.session),
            user_agent: visitor.user_agent.clone(),
            address: visitor.address.to_string(),
        };
        match old {
            Some(old) if old.subject == account.subject => {
                session.id.clone_from(&old.id);
                session.created_at = old.created_at;
                session.proven_at = session.proven_at.or(old.proven_at);
                if progress.session.is_some() {
                    session.expires_at = old.expires_at;
                    // Those of the steps that this sign-in had no use for.
                    let earlier = authenticators_of(&old).iter();
                    let earlier = earlier.filter(|name| !progress.authenticators.contains(name));
                    session.authenticators.extend(earlier.cloned());
                    let earlier = several_of(&old).into_iter();
                    session.several.extend(earlier.filter(|name| !progress.several.contains(name)));
                    let earlier = old.links.into_iter();
                    session.links.extend(earlier.filter(|link| !progress.links.contains(link)));
                }
                if !store.renew_session(&session).await? {
                    if progress.session.is_some() {
                        // Ended at this very moment: what went on from it ends with it.
                        return Err(Lost::OutOfStep.into());
                    }
                    store.add_session(&session).await?;
                }
            }
            Some(other) => {
                self.end_session(visitor, &other, "another-person").await?;
                store.add_session(&session).await?;
            }
            None => store.add_session(&session).await?,
        }
        self.check_links(visitor, &session).await?;
        Ok((session, cookie))
    }

    /// A link that went while its session began: whoever removed it may not have seen the session yet.
    async fn check_links(&self, visitor: &Visitor, session: &Session) -> Result<(), Stop> {
        let there = self.links_are_there(&session.subject, &session.links).await;
        if let Err(Stop::Lost(_)) = &there {
            self.end_session(visitor, session, "unlinked").await?;
        }
        there
    }

    /// Whether these links are all the person's still.
    pub(super) async fn links_are_there(&self, subject: &str, links: &[String]) -> Result<(), Stop> {
        if links.is_empty() {
            return Ok(());
        }
        let there = self.installation.store.links_of(subject).await?;
        let all = links.iter().all(|id| there.iter().any(|link| link.id == *id));
        if all { Ok(()) } else { Err(Lost::OutOfStep.into()) }
    }

    /// Ends the sessions that the link began, of which none may be left by the time that it is removed: the
    /// identifiers.
    pub(super) async fn end_sessions_of_link(
        &self,
        visitor: &Visitor,
        link: &Link,
    ) -> Result<Vec<String>, Unavailable> {
        let now = self.installation.clock.now();
        let mut ended = Vec::new();
        for session in self.installation.store.sessions_of(&link.subject, now, u32::MAX).await? {
            // Those of the release before do not know the link.
            let is_unknown = session.links.is_empty() && session.authenticators.contains(&link.authenticator);
            if is_unknown || session.links.contains(&link.id) {
                self.end_session(visitor, &session, "unlinked").await?;
                ended.push(session.id);
            }
        }
        Ok(ended)
    }

    /// The person has set a factor up in this session: they have just shown that they have it.
    pub(super) async fn note_set_up(
        &self,
        visitor: &Visitor,
        session: &str,
        authenticator: &str,
    ) -> Result<(), Stop> {
        let Some((current, _)) = self.session_of(visitor).await? else { return Err(Lost::OutOfStep.into()) };
        if current.id != session {
            return Err(Lost::OutOfStep.into());
        }
        let mut authenticators = authenticators_of(&current).to_vec();
        if !authenticators.iter().any(|name| name == authenticator) {
            authenticators.push(authenticator.to_owned());
        }
        let now = self.installation.clock.now();
        self.installation
            .store
            .renew_session(&Session { authenticators, last_used_at: now, ..current })
            .await?;
        Ok(())
    }

    /// Ends a session and what hangs on it.
    pub(super) async fn end_session(
        &self,
        visitor: &Visitor,
        session: &Session,
        why: &str,
    ) -> Result<(), Unavailable> {
        self.installation.store.end_session(&session.id).await?;
        self.installation.audit.record(&Event {
            name: "session.ended",
            module: None,
            relying_party: None,
            subject: Some(&session.subject),
            correlation: Some(&visitor.correlation),
            fields: &[("session", &session.id), ("why", why)],
        });
        Ok(())
    }
}
