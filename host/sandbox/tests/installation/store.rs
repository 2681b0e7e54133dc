//! A store that is away, but for the few calls that the guests of these tests make.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use postern_kernel::clock::Timestamp;
use postern_kernel::directory::Claim;
use postern_kernel::randomness::Fingerprint;
use postern_kernel::store::{
    AddError, Application, Grant, Link, Page, Participant, Session, Store, StoredCredential, StoredKey,
    Taken, User,
};
use postern_kernel::throttle::{Admission, Limit, Throttle};
use postern_kernel::unavailable::Unavailable;

/// What authenticators keep is here.
#[derive(Default)]
pub(super) struct Away {
    credentials: Mutex<Vec<StoredCredential>>,
    messages: Mutex<Vec<(String, Timestamp)>>,
}

impl Away {
    fn credentials(&self) -> MutexGuard<'_, Vec<StoredCredential>> {
        self.credentials.lock().unwrap()
    }
}

fn away() -> Unavailable {
    Unavailable::new("store", "away")
}

#[async_trait]
impl Store for Away {
    async fn add_user(&self, _user: &User, _password_hash: &str) -> Result<(), AddError> {
        Err(away().into())
    }

    async fn user_by_name(&self, _username: &str) -> Result<Option<(User, String)>, Unavailable> {
        Err(away())
    }

    async fn user_by_subject(&self, _subject: &str) -> Result<Option<User>, Unavailable> {
        Err(away())
    }

    async fn list_users(&self, _after: Option<&str>, _limit: u32) -> Result<Page<User>, Unavailable> {
        Err(away())
    }

    async fn set_password_hash(&self, _subject: &str, _password_hash: &str) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn replace_password_hash(
        &self,
        _subject: &str,
        _old: &str,
        _new: &str,
    ) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn password_version(&self, _username: &str) -> Result<Option<(String, u64)>, Unavailable> {
        Err(away())
    }

    async fn set_user_disabled(&self, _subject: &str, _disabled: bool) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn add_link(&self, _link: &Link, _most: u32) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn add_linked_user(
        &self,
        _user: &User,
        _password_hash: &str,
        _link: &Link,
    ) -> Result<(), AddError> {
        Err(away().into())
    }

    async fn link(
        &self,
        _authenticator: &str,
        _issuer: &str,
        _identity: &str,
    ) -> Result<Option<Link>, Unavailable> {
        Err(away())
    }

    async fn links_of(&self, _subject: &str) -> Result<Vec<Link>, Unavailable> {
        Err(away())
    }

    async fn remove_link(
        &self,
        _subject: &str,
        _id: &str,
        _beside: Option<&[String]>,
    ) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn remove_links_of(&self, _subject: &str) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn set_user_claims(&self, _subject: &str, _claims: &[Claim]) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn add_credential(&self, credential: &StoredCredential, most: u32) -> Result<bool, Unavailable> {
        let mut credentials = self.credentials();
        let is_full = credentials.len() >= most as usize;
        if !is_full {
            credentials.push(credential.clone());
        }
        Ok(!is_full)
    }

    async fn authenticators_of(&self, subject: &str) -> Result<Vec<String>, Unavailable> {
        let own = self.credentials();
        Ok(own.iter().filter(|one| one.subject == subject).map(|one| one.authenticator.clone()).collect())
    }

    async fn credentials(
        &self,
        authenticator: &str,
        subject: &str,
    ) -> Result<Vec<StoredCredential>, Unavailable> {
        let is_theirs =
            |one: &&StoredCredential| one.authenticator == authenticator && one.subject == subject;
        Ok(self.credentials().iter().filter(is_theirs).cloned().collect())
    }

    async fn credential(
        &self,
        authenticator: &str,
        id: &str,
    ) -> Result<Option<StoredCredential>, Unavailable> {
        let is_it = |one: &&StoredCredential| one.authenticator == authenticator && one.id == id;
        Ok(self.credentials().iter().find(is_it).cloned())
    }

    async fn replace_credential(&self, credential: &StoredCredential) -> Result<bool, Unavailable> {
        let mut credentials = self.credentials();
        let found =
            credentials.iter_mut().find(|one| one.id == credential.id && one.version == credential.version);
        let Some(found) = found else { return Ok(false) };
        *found = StoredCredential { version: credential.version + 1, ..credential.clone() };
        Ok(true)
    }

    async fn remove_credential(
        &self,
        _authenticator: &str,
        _subject: &str,
        id: &str,
    ) -> Result<bool, Unavailable> {
        let mut credentials = self.credentials();
        let before = credentials.len();
        credentials.retain(|one| one.id != id);
        Ok(credentials.len() < before)
    }

    async fn remove_credentials_of(&self, _subject: &str) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn add_application(&self, _application: &Application) -> Result<(), AddError> {
        Err(away().into())
    }

    async fn update_application(&self, _application: &Application) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn application(&self, _id: &str) -> Result<Option<Application>, Unavailable> {
        Err(away())
    }

    async fn application_by_identifier(
        &self,
        _module: &str,
        identifier: &str,
    ) -> Result<Option<Application>, Unavailable> {
        if identifier == "slow" {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        if identifier == "never" {
            std::future::pending::<()>().await;
        }
        Ok(None)
    }

    async fn list_applications(
        &self,
        _after: Option<&str>,
        _limit: u32,
    ) -> Result<Page<Application>, Unavailable> {
        Err(away())
    }

    async fn remove_application(&self, _id: &str) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn add_session(&self, _session: &Session) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn session(&self, _secret: Fingerprint, _now: Timestamp) -> Result<Option<Session>, Unavailable> {
        Err(away())
    }

    async fn renew_session(&self, _session: &Session) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn touch_session(&self, _id: &str, _now: Timestamp) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn end_session(&self, _id: &str) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn end_sessions_of(&self, _subject: &str) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn end_other_sessions_of(&self, _subject: &str, _keep: &str) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn sessions_of(
        &self,
        _subject: &str,
        _now: Timestamp,
        _limit: u32,
    ) -> Result<Vec<Session>, Unavailable> {
        Err(away())
    }

    async fn list_sessions(
        &self,
        _now: Timestamp,
        _after: Option<&str>,
        _limit: u32,
    ) -> Result<Page<Session>, Unavailable> {
        Err(away())
    }

    async fn join_session(
        &self,
        _session: &str,
        _application: &str,
        _session_index: &str,
    ) -> Result<String, Unavailable> {
        Err(away())
    }

    async fn participants(&self, _session: &str) -> Result<Vec<Participant>, Unavailable> {
        Err(away())
    }

    async fn session_by_index(
        &self,
        _module: &str,
        _session_index: &str,
        _now: Timestamp,
    ) -> Result<Option<Session>, Unavailable> {
        Err(away())
    }

    async fn add_transaction(
        &self,
        _id: Fingerprint,
        _browser: Option<Fingerprint>,
        _data: &[u8],
        _until: Timestamp,
    ) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn transaction(
        &self,
        _id: Fingerprint,
        _now: Timestamp,
    ) -> Result<Option<(Option<Fingerprint>, Vec<u8>)>, Unavailable> {
        Err(away())
    }

    async fn bind_transaction(
        &self,
        _id: Fingerprint,
        _browser: Fingerprint,
        _now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn update_transaction(
        &self,
        _id: Fingerprint,
        _data: &[u8],
        _now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn take_transaction(
        &self,
        _id: Fingerprint,
        _now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        Err(away())
    }

    async fn put_artifact(
        &self,
        _module: &str,
        _key: &str,
        _value: &[u8],
        _grant: Option<&str>,
        _until: Timestamp,
    ) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn take_artifact(&self, _module: &str, _key: &str, _now: Timestamp) -> Result<Taken, Unavailable> {
        Err(away())
    }

    async fn remember(
        &self,
        _module: &str,
        _value: &str,
        _until: Timestamp,
        _now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Ok(true)
    }

    async fn add_grant(&self, _grant: &Grant) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn grant(&self, _module: &str, _id: &str, _now: Timestamp) -> Result<Option<Grant>, Unavailable> {
        Err(away())
    }

    async fn revoke_grants_of_link(&self, _subject: &str, _link: &str) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn revoke_grant(&self, _module: &str, _id: &str) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn consents(&self, _subject: &str, _application: &str) -> Result<Vec<String>, Unavailable> {
        Err(away())
    }

    async fn add_consents(
        &self,
        _subject: &str,
        _application: &str,
        _items: &[String],
        _now: Timestamp,
    ) -> Result<(), Unavailable> {
        Err(away())
    }

    /// Messages are counted, failures are not.
    async fn admit_try(
        &self,
        limits: &[Limit],
        throttle: Throttle,
        now: Timestamp,
    ) -> Result<Admission, Unavailable> {
        let mut messages = self.messages.lock().unwrap();
        for limit in limits.iter().filter(|limit| limit.key.starts_with("message:")) {
            let count = messages.iter().filter(|(key, _)| *key == limit.key).count();
            let last = messages.iter().rev().find(|(key, _)| *key == limit.key).map(|(_, at)| *at);
            let wait = throttle.wait(u32::try_from(count).unwrap(), limit.failures, last, now);
            if wait > 0 {
                return Ok(Admission::Wait(u32::try_from(wait).unwrap()));
            }
            messages.push((limit.key.clone(), now));
        }
        Ok(Admission::Granted)
    }

    async fn take_back_failure(&self, key: &str, at: Timestamp) -> Result<(), Unavailable> {
        let mut messages = self.messages.lock().unwrap();
        if let Some(found) = messages.iter().rposition(|one| *one == (key.to_owned(), at)) {
            messages.remove(found);
        }
        Ok(())
    }

    async fn failures(
        &self,
        _key: &str,
        _now: Timestamp,
        _window: u64,
    ) -> Result<(u32, Option<Timestamp>), Unavailable> {
        Ok((0, None))
    }

    async fn clear_failures(&self, _key: &str) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn admit_in_a_row(
        &self,
        _authenticator: &str,
        _subject: &str,
        _most: u32,
    ) -> Result<bool, Unavailable> {
        Ok(true)
    }

    async fn take_back_in_a_row(&self, _authenticator: &str, _subject: &str) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn failures_in_a_row(&self, _authenticator: &str, _subject: &str) -> Result<u32, Unavailable> {
        Ok(0)
    }

    async fn clear_in_a_row(&self, _authenticator: &str, _subject: &str) -> Result<bool, Unavailable> {
        Ok(false)
    }

    async fn clear_in_a_row_of(&self, _subject: &str) -> Result<u64, Unavailable> {
        Ok(0)
    }

    async fn keys(&self) -> Result<Vec<StoredKey>, Unavailable> {
        Err(away())
    }

    async fn add_key(&self, _key: &StoredKey) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn add_first_key(&self, _key: &StoredKey) -> Result<bool, Unavailable> {
        Err(away())
    }

    async fn remove_keys_retired_before(&self, _time: Timestamp) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn installation_value(&self, _name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Err(away())
    }

    async fn provide_installation_value(&self, _name: &str, _value: &[u8]) -> Result<Vec<u8>, Unavailable> {
        Err(away())
    }

    async fn set_installation_value(&self, _name: &str, _value: &[u8]) -> Result<(), Unavailable> {
        Err(away())
    }

    async fn purge(&self, _now: Timestamp) -> Result<u64, Unavailable> {
        Err(away())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        Err(away())
    }
}
