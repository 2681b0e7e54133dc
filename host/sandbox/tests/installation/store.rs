//! A store that is away, but for the few calls that the guests of these tests make.

use std::time::Duration;

use async_trait::async_trait;
use postern_kernel::clock::Timestamp;
use postern_kernel::randomness::Fingerprint;
use postern_kernel::store::{
    AddError, Application, Grant, Page, Participant, Session, Store, StoredKey, Taken, User,
};
use postern_kernel::throttle::{Admission, Limit, Throttle};
use postern_kernel::unavailable::Unavailable;

pub(super) struct Away;

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

    async fn admit_try(
        &self,
        _limits: &[Limit],
        _throttle: Throttle,
        _now: Timestamp,
    ) -> Result<Admission, Unavailable> {
        Ok(Admission::Granted)
    }

    async fn take_back_failure(&self, _key: &str, _at: Timestamp) -> Result<(), Unavailable> {
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
