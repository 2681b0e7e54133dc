//! The store trait over the tables.

use std::path::Path;

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
use rusqlite::Connection;

use crate::check::CheckedStore;
use crate::open::{OpenError, open_writer};
use crate::readers::Readers;
use crate::tables::{
    applications, artifacts, consents, credentials, factor_failures, failures, grants, installation, keys,
    links, participants, purge, sessions, transactions, users,
};
use crate::writer::Writer;

/// State in one SQLite file.
///
/// Writes go through one thread with group commit and are on the disk when the call returns;
/// a write that was handed over happens even if its caller stops waiting. Reads run on the
/// calling thread. Grants and participants refer to their application and session: they can't be
/// added to one that is gone ([`Unavailable`]) and go when it goes. Lists yield at most 1,000
/// items a page.
///
/// Dropping it waits until what is queued is written.
pub struct SqliteStore {
    // In this order: SQLite tidies its log up when the last connection closes.
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the database file, makes it (mode 0600) when it is not there, and brings its schema
    /// up to date. Blocks: call it before serving.
    ///
    /// # Errors
    /// [`OpenError`], with a reason code and what to do about it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let writer = open_writer(path)?;
        let readers =
            Readers::open(path.into()).map_err(|error| OpenError::Sqlite { path: path.into(), error })?;
        let writer = Writer::start(writer).map_err(|error| OpenError::File { path: path.into(), error })?;
        Ok(Self { readers, writer })
    }

    /// Looks at the database file without changing anything: who has access to it, whose it is, its
    /// schema, and whether it is whole. `None`: it is not there yet. Blocks for as long as reading
    /// the file takes.
    ///
    /// # Errors
    /// [`OpenError`], with a reason code and what to do about it.
    pub fn check(path: &Path) -> Result<Option<CheckedStore>, OpenError> {
        CheckedStore::open(path)
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Unavailable> {
        self.readers.read(work).map_err(|error| Unavailable::new("store", error))
    }

    async fn write<T, F>(&self, work: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.writer.write(work).await
    }
}

fn added(added: bool) -> Result<(), AddError> {
    if added { Ok(()) } else { Err(AddError::Exists) }
}

#[async_trait]
impl Store for SqliteStore {
    async fn add_user(&self, user: &User, password_hash: &str) -> Result<(), AddError> {
        let (user, hash) = (user.clone(), password_hash.to_owned());
        added(self.write(move |c| users::add(c, &user, &hash)).await?)
    }

    async fn user_by_name(&self, username: &str) -> Result<Option<(User, String)>, Unavailable> {
        self.read(|c| users::by_name(c, username))
    }

    async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, Unavailable> {
        self.read(|c| users::by_subject(c, subject))
    }

    async fn list_users(&self, after: Option<&str>, limit: u32) -> Result<Page<User>, Unavailable> {
        self.read(|c| users::list(c, after, limit))
    }

    async fn set_password_hash(&self, subject: &str, password_hash: &str) -> Result<bool, Unavailable> {
        let (subject, hash) = (subject.to_owned(), password_hash.to_owned());
        self.write(move |c| users::set_password_hash(c, &subject, &hash)).await
    }

    async fn replace_password_hash(&self, subject: &str, old: &str, new: &str) -> Result<bool, Unavailable> {
        let (subject, old, new) = (subject.to_owned(), old.to_owned(), new.to_owned());
        self.write(move |c| users::replace_password_hash(c, &subject, &old, &new)).await
    }

    async fn password_version(&self, username: &str) -> Result<Option<(String, u64)>, Unavailable> {
        self.read(|c| users::password_version(c, username))
    }

    async fn set_user_disabled(&self, subject: &str, disabled: bool) -> Result<bool, Unavailable> {
        let subject = subject.to_owned();
        self.write(move |c| users::set_disabled(c, &subject, disabled)).await
    }

    async fn add_credential(&self, credential: &StoredCredential, most: u32) -> Result<bool, Unavailable> {
        let credential = credential.clone();
        self.write(move |c| credentials::add(c, &credential, most)).await
    }

    async fn credentials(
        &self,
        authenticator: &str,
        subject: &str,
    ) -> Result<Vec<StoredCredential>, Unavailable> {
        self.read(|c| credentials::of(c, authenticator, subject))
    }

    async fn authenticators_of(&self, subject: &str) -> Result<Vec<String>, Unavailable> {
        self.read(|c| credentials::authenticators_of(c, subject))
    }

    async fn credential(
        &self,
        authenticator: &str,
        id: &str,
    ) -> Result<Option<StoredCredential>, Unavailable> {
        self.read(|c| credentials::by_id(c, authenticator, id))
    }

    async fn replace_credential(&self, credential: &StoredCredential) -> Result<bool, Unavailable> {
        let credential = credential.clone();
        self.write(move |c| credentials::replace(c, &credential)).await
    }

    async fn remove_credential(
        &self,
        authenticator: &str,
        subject: &str,
        id: &str,
    ) -> Result<bool, Unavailable> {
        let (authenticator, subject, id) = (authenticator.to_owned(), subject.to_owned(), id.to_owned());
        self.write(move |c| credentials::remove(c, &authenticator, &subject, &id)).await
    }

    async fn remove_credentials_of(&self, subject: &str) -> Result<u64, Unavailable> {
        let subject = subject.to_owned();
        self.write(move |c| credentials::remove_all_of(c, &subject)).await
    }

    async fn add_link(&self, link: &Link, most: u32) -> Result<bool, Unavailable> {
        let link = link.clone();
        self.write(move |c| links::add(c, &link, most)).await
    }

    async fn add_linked_user(&self, user: &User, password_hash: &str, link: &Link) -> Result<(), AddError> {
        let (user, hash, link) = (user.clone(), password_hash.to_owned(), link.clone());
        added(self.write(move |c| links::add_with_user(c, &user, &hash, &link)).await?)
    }

    async fn link(
        &self,
        authenticator: &str,
        issuer: &str,
        identity: &str,
    ) -> Result<Option<Link>, Unavailable> {
        self.read(|c| links::find(c, authenticator, issuer, identity))
    }

    async fn links_of(&self, subject: &str) -> Result<Vec<Link>, Unavailable> {
        self.read(|c| links::of(c, subject))
    }

    async fn remove_link(
        &self,
        subject: &str,
        id: &str,
        beside: Option<&[String]>,
    ) -> Result<bool, Unavailable> {
        let (subject, id, beside) = (subject.to_owned(), id.to_owned(), beside.map(<[_]>::to_vec));
        self.write(move |c| links::remove(c, &subject, &id, beside.as_deref())).await
    }

    async fn remove_links_of(&self, subject: &str) -> Result<u64, Unavailable> {
        let subject = subject.to_owned();
        self.write(move |c| links::remove_all_of(c, &subject)).await
    }

    async fn set_user_claims(&self, subject: &str, claims: &[Claim]) -> Result<bool, Unavailable> {
        let (subject, claims) = (subject.to_owned(), claims.to_vec());
        self.write(move |c| users::set_claims(c, &subject, &claims)).await
    }

    async fn add_application(&self, application: &Application) -> Result<(), AddError> {
        let application = application.clone();
        added(self.write(move |c| applications::add(c, &application)).await?)
    }

    async fn update_application(&self, application: &Application) -> Result<bool, Unavailable> {
        let application = application.clone();
        self.write(move |c| applications::update(c, &application)).await
    }

    async fn application(&self, id: &str) -> Result<Option<Application>, Unavailable> {
        self.read(|c| applications::by_id(c, id))
    }

    async fn application_by_identifier(
        &self,
        module: &str,
        identifier: &str,
    ) -> Result<Option<Application>, Unavailable> {
        self.read(|c| applications::by_identifier(c, module, identifier))
    }

    async fn list_applications(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Application>, Unavailable> {
        self.read(|c| applications::list(c, after, limit))
    }

    async fn remove_application(&self, id: &str) -> Result<bool, Unavailable> {
        let id = id.to_owned();
        self.write(move |c| applications::remove(c, &id)).await
    }

    async fn add_session(&self, session: &Session) -> Result<(), Unavailable> {
        let session = session.clone();
        self.write(move |c| sessions::add(c, &session)).await
    }

    async fn session(&self, secret: Fingerprint, now: Timestamp) -> Result<Option<Session>, Unavailable> {
        self.read(|c| sessions::by_secret(c, secret, now))
    }

    async fn renew_session(&self, session: &Session) -> Result<bool, Unavailable> {
        let session = session.clone();
        self.write(move |c| sessions::renew(c, &session)).await
    }

    async fn touch_session(&self, id: &str, now: Timestamp) -> Result<(), Unavailable> {
        let id = id.to_owned();
        self.write(move |c| sessions::touch(c, &id, now)).await
    }

    async fn end_session(&self, id: &str) -> Result<bool, Unavailable> {
        let id = id.to_owned();
        self.write(move |c| sessions::end(c, &id)).await
    }

    async fn end_sessions_of(&self, subject: &str) -> Result<u64, Unavailable> {
        let subject = subject.to_owned();
        self.write(move |c| sessions::end_all_of(c, &subject)).await
    }

    async fn end_other_sessions_of(&self, subject: &str, keep: &str) -> Result<u64, Unavailable> {
        let (subject, keep) = (subject.to_owned(), keep.to_owned());
        self.write(move |c| sessions::end_others_of(c, &subject, &keep)).await
    }

    async fn sessions_of(
        &self,
        subject: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Unavailable> {
        self.read(|c| sessions::of(c, subject, now, limit))
    }

    async fn list_sessions(
        &self,
        now: Timestamp,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Session>, Unavailable> {
        self.read(|c| sessions::list(c, now, after, limit))
    }

    async fn join_session(
        &self,
        session: &str,
        application: &str,
        session_index: &str,
    ) -> Result<String, Unavailable> {
        let (session, application) = (session.to_owned(), application.to_owned());
        let session_index = session_index.to_owned();
        self.write(move |c| participants::join(c, &session, &application, &session_index)).await
    }

    async fn participants(&self, session: &str) -> Result<Vec<Participant>, Unavailable> {
        self.read(|c| participants::of_session(c, session))
    }

    async fn session_by_index(
        &self,
        module: &str,
        session_index: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, Unavailable> {
        self.read(|c| sessions::by_index(c, module, session_index, now))
    }

    async fn add_transaction(
        &self,
        id: Fingerprint,
        browser: Option<Fingerprint>,
        data: &[u8],
        until: Timestamp,
    ) -> Result<(), Unavailable> {
        let data = data.to_owned();
        self.write(move |c| transactions::add(c, id, browser, &data, until)).await
    }

    async fn transaction(
        &self,
        id: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<(Option<Fingerprint>, Vec<u8>)>, Unavailable> {
        self.read(|c| transactions::by_id(c, id, now))
    }

    async fn bind_transaction(
        &self,
        id: Fingerprint,
        browser: Fingerprint,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        self.write(move |c| transactions::bind(c, id, browser, now)).await
    }

    async fn update_transaction(
        &self,
        id: Fingerprint,
        data: &[u8],
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let data = data.to_owned();
        self.write(move |c| transactions::update(c, id, &data, now)).await
    }

    async fn take_transaction(
        &self,
        id: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        self.write(move |c| transactions::take(c, id, now)).await
    }

    async fn put_artifact(
        &self,
        module: &str,
        key: &str,
        value: &[u8],
        grant: Option<&str>,
        until: Timestamp,
    ) -> Result<(), Unavailable> {
        let (module, key, value) = (module.to_owned(), key.to_owned(), value.to_owned());
        let grant = grant.map(str::to_owned);
        self.write(move |c| artifacts::put(c, &module, &key, &value, grant.as_deref(), until)).await
    }

    async fn take_artifact(&self, module: &str, key: &str, now: Timestamp) -> Result<Taken, Unavailable> {
        let (module, key) = (module.to_owned(), key.to_owned());
        self.write(move |c| artifacts::take(c, &module, &key, now)).await
    }

    async fn remember(
        &self,
        module: &str,
        value: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let (module, value) = (module.to_owned(), value.to_owned());
        self.write(move |c| artifacts::remember(c, &module, &value, until, now)).await
    }

    async fn add_grant(&self, grant: &Grant) -> Result<(), Unavailable> {
        let grant = grant.clone();
        self.write(move |c| grants::add(c, &grant)).await
    }

    async fn grant(&self, module: &str, id: &str, now: Timestamp) -> Result<Option<Grant>, Unavailable> {
        self.read(|c| grants::by_id(c, module, id, now))
    }

    async fn revoke_grants_of_link(&self, subject: &str, link: &str) -> Result<u64, Unavailable> {
        let (subject, link) = (subject.to_owned(), link.to_owned());
        self.write(move |c| grants::revoke_of_link(c, &subject, &link)).await
    }

    async fn revoke_grant(&self, module: &str, id: &str) -> Result<bool, Unavailable> {
        let (module, id) = (module.to_owned(), id.to_owned());
        self.write(move |c| grants::revoke(c, &module, &id)).await
    }

    async fn consents(&self, subject: &str, application: &str) -> Result<Vec<String>, Unavailable> {
        self.read(|c| consents::of(c, subject, application))
    }

    async fn add_consents(
        &self,
        subject: &str,
        application: &str,
        items: &[String],
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let (subject, application) = (subject.to_owned(), application.to_owned());
        let items = items.to_owned();
        self.write(move |c| consents::add(c, &subject, &application, &items, now)).await
    }

    async fn admit_try(
        &self,
        limits: &[Limit],
        throttle: Throttle,
        now: Timestamp,
    ) -> Result<Admission, Unavailable> {
        let limits = limits.to_owned();
        self.write(move |c| failures::admit(c, &limits, throttle, now)).await
    }

    async fn take_back_failure(&self, key: &str, at: Timestamp) -> Result<(), Unavailable> {
        let key = key.to_owned();
        self.write(move |c| failures::take_back(c, &key, at)).await
    }

    async fn failures(
        &self,
        key: &str,
        now: Timestamp,
        window: u64,
    ) -> Result<(u32, Option<Timestamp>), Unavailable> {
        self.read(|c| failures::within(c, key, now, window))
    }

    async fn clear_failures(&self, key: &str) -> Result<(), Unavailable> {
        let key = key.to_owned();
        self.write(move |c| failures::clear(c, &key)).await
    }

    async fn admit_in_a_row(
        &self,
        authenticator: &str,
        subject: &str,
        most: u32,
    ) -> Result<bool, Unavailable> {
        let (authenticator, subject) = (authenticator.to_owned(), subject.to_owned());
        self.write(move |c| factor_failures::admit(c, &authenticator, &subject, most)).await
    }

    async fn take_back_in_a_row(&self, authenticator: &str, subject: &str) -> Result<(), Unavailable> {
        let (authenticator, subject) = (authenticator.to_owned(), subject.to_owned());
        self.write(move |c| factor_failures::take_back(c, &authenticator, &subject)).await
    }

    async fn failures_in_a_row(&self, authenticator: &str, subject: &str) -> Result<u32, Unavailable> {
        self.read(|c| factor_failures::count(c, authenticator, subject))
    }

    async fn clear_in_a_row(&self, authenticator: &str, subject: &str) -> Result<bool, Unavailable> {
        let (authenticator, subject) = (authenticator.to_owned(), subject.to_owned());
        self.write(move |c| factor_failures::clear(c, &authenticator, &subject)).await
    }

    async fn clear_in_a_row_of(&self, subject: &str) -> Result<u64, Unavailable> {
        let subject = subject.to_owned();
        self.write(move |c| factor_failures::clear_all_of(c, &subject)).await
    }

    async fn keys(&self) -> Result<Vec<StoredKey>, Unavailable> {
        self.read(keys::all)
    }

    async fn add_key(&self, key: &StoredKey) -> Result<(), Unavailable> {
        let key = key.clone();
        self.write(move |c| keys::add(c, &key)).await
    }

    async fn add_first_key(&self, key: &StoredKey) -> Result<bool, Unavailable> {
        let key = key.clone();
        self.write(move |c| keys::add_first(c, &key)).await
    }

    async fn remove_keys_retired_before(&self, time: Timestamp) -> Result<u64, Unavailable> {
        self.write(move |c| keys::remove_retired_before(c, time)).await
    }

    async fn installation_value(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.read(|c| installation::get(c, name))
    }

    async fn provide_installation_value(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |c| installation::provide(c, &name, &value)).await
    }

    async fn set_installation_value(&self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |c| installation::set(c, &name, &value)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Unavailable> {
        let mut purged = 0;
        for kind in purge::KINDS {
            // Each step is a write of its own, so that others come in between.
            loop {
                let step = self.write(move |c| purge::step(c, kind, now)).await?;
                purged += step;
                if step < u64::from(purge::STEP) {
                    break;
                }
            }
        }
        Ok(purged)
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        if !self.writer.is_running() {
            return Err(Unavailable::new("store", "the writing thread has ended"));
        }
        self.read(|c| installation::get(c, "ping").map(drop))
    }
}
