//! Sessions of browsers.

use super::{Flow, Visitor};
use crate::audit::Event;
use crate::authenticator::Identity;
use crate::directory::Account;
use crate::randomness::{fingerprint, identifier, secret};
use crate::store::Session;
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
        identity: &Identity,
    ) -> Result<(Session, String), Unavailable> {
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
            authenticated_at: now,
            context: identity.context.clone(),
            methods: identity.methods.clone(),
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(self.lifetimes.session),
        };
        match old {
            Some(old) if old.subject == account.subject => {
                session.id = old.id;
                session.created_at = old.created_at;
                if !store.renew_session(&session).await? {
                    store.add_session(&session).await?;
                }
            }
            Some(other) => {
                self.end_session(visitor, &other, "another-person").await?;
                store.add_session(&session).await?;
            }
            None => store.add_session(&session).await?,
        }
        Ok((session, cookie))
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
