//! The user store: Alice and Bob.

use async_trait::async_trait;
use postern_kernel::directory::{Account, Claim, Creation, Directory, PasswordChange, PasswordVerdict};
use postern_kernel::store::{Link, Store};
use postern_kernel::unavailable::Unavailable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::PASSWORD;

/// Alice and Bob, who may be disabled.
#[derive(Default)]
pub(crate) struct TwoPeople {
    pub(crate) disabled: Mutex<Vec<String>>,
    /// Passwords that were looked at.
    pub(crate) checked: AtomicU64,
    /// How often alice's password was set.
    pub(crate) set: AtomicU64,
    /// Alice's, when it was changed.
    pub(crate) changed: Mutex<Option<String>>,
    /// People who came from elsewhere.
    pub(crate) made: Mutex<Vec<Account>>,
    /// Their links are there.
    pub(crate) store: Mutex<Option<Arc<dyn Store>>>,
}

impl TwoPeople {
    fn find(&self, username: &str) -> Option<Account> {
        let made = self.made.lock().unwrap().iter().find(|made| made.username == username).cloned();
        let known = made.is_some() || ["alice", "bob"].contains(&username);
        let enabled = !self.disabled.lock().unwrap().iter().any(|disabled| disabled == username);
        let local = || Account {
            subject: format!("subject-of-{username}"),
            username: username.into(),
            claims: vec![Claim { name: "email".into(), values: vec![format!("{username}@example.com")] }],
        };
        (known && enabled).then(|| made.unwrap_or_else(local))
    }
}

#[async_trait]
impl Directory for TwoPeople {
    async fn check_password(&self, username: &str, password: &str) -> Result<PasswordVerdict, Unavailable> {
        self.checked.fetch_add(1, Ordering::SeqCst);
        // As a real one does: others come in between.
        tokio::task::yield_now().await;
        let changed = self.changed.lock().unwrap().clone().filter(|_| username == "alice");
        let right = changed.unwrap_or_else(|| PASSWORD.into());
        let account = self.find(username).filter(|_| password == right);
        Ok(account.map_or(PasswordVerdict::Wrong, PasswordVerdict::Correct))
    }

    async fn device_binding(&self, username: &str) -> Result<Option<String>, Unavailable> {
        let set = self.set.load(Ordering::SeqCst);
        Ok(self.find(username).map(|account| format!("{}:{set}", account.subject)))
    }

    async fn change_password(&self, subject: &str, new: &str) -> Result<PasswordChange, Unavailable> {
        if subject != "subject-of-alice" {
            return Ok(PasswordChange::Elsewhere);
        }
        if new.len() < 8 {
            return Ok(PasswordChange::TooShort);
        }
        *self.changed.lock().unwrap() = Some(new.into());
        self.set.fetch_add(1, Ordering::SeqCst);
        Ok(PasswordChange::Changed)
    }

    async fn create_account(
        &self,
        username: &str,
        claims: &[Claim],
        link: Link,
    ) -> Result<Creation, Unavailable> {
        if username.is_empty() {
            return Ok(Creation::Refused("no name".into()));
        }
        if ["alice", "bob"].contains(&username) {
            return Ok(Creation::Exists);
        }
        let subject = format!("subject-of-{username}");
        let store = self.store.lock().unwrap().clone().unwrap();
        let account =
            Account { subject: subject.clone(), username: username.into(), claims: claims.to_vec() };
        if !store.add_link(&Link { subject, ..link }, 1).await? {
            return Ok(Creation::Exists);
        }
        self.made.lock().unwrap().push(account.clone());
        Ok(Creation::Created(account))
    }

    async fn update_claims(&self, subject: &str, claims: &[Claim]) -> Result<bool, Unavailable> {
        let mut made = self.made.lock().unwrap();
        let found = made.iter_mut().find(|made| made.subject == subject);
        Ok(found.map(|made| made.claims = claims.to_vec()).is_some())
    }

    async fn has_password(&self, username: &str) -> Result<bool, Unavailable> {
        Ok(["alice", "bob"].contains(&username))
    }

    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable> {
        Ok(subject.strip_prefix("subject-of-").and_then(|username| self.find(username)))
    }
}
