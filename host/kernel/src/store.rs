//! State, behind a trait. `host/store` has the implementations and the conformance suite that
//! each of them passes.
//!
//! Rules for an implementation: what must happen at most once ([`Store::take_artifact`],
//! [`Store::remember`], [`Store::bind_transaction`], [`Store::take_transaction`]) happens at most
//! once across all nodes that share the state. A record whose time has passed is not found, whether
//! [`Store::purge`] has run or not: `now` is an argument for that reason.

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::directory::Claim;
use crate::randomness::Fingerprint;
use crate::throttle::{Admission, Limit, Throttle};
use crate::unavailable::Unavailable;

/// A person in the embedded user store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Stable identifier, never used again.
    pub subject: String,
    /// Unique, compared after Unicode lower-casing (`username.to_lowercase()`), kept as written.
    pub username: String,
    /// Whether the person may not sign in.
    pub disabled: bool,
    /// Claims by their OpenID Connect names.
    pub claims: Vec<Claim>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A registered application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The kernel's own identifier.
    pub id: String,
    /// The module that serves it: `saml2`, `oidc`.
    pub module: String,
    /// The protocol's identifier, unique within the module: entity ID, client_id.
    pub identifier: String,
    /// What people call it.
    pub name: String,
    /// JSON as the module's `register` returned it.
    pub settings: String,
    /// Fingerprint of its secret, when it has one.
    pub secret: Option<Fingerprint>,
    /// Whether nobody may sign in to it.
    pub disabled: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A session: one person, signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// For lists and grants. Not what the cookie holds.
    pub id: String,
    /// Of the cookie's secret.
    pub secret: Fingerprint,
    /// Who is signed in.
    pub subject: String,
    /// The name to show.
    pub username: String,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
    /// Authentication context class reached: of the last step.
    pub context: String,
    /// Those of all steps, in their order. Empty in sessions of the release before, which had one step.
    pub contexts: Vec<String>,
    /// Authentication methods used, RFC 8176.
    pub methods: Vec<String>,
    /// The authenticators that did the steps, and those that the person has set up in this session. Empty in
    /// sessions of the release before.
    pub authenticators: Vec<String>,
    /// Those of them that were several factors by themselves when they did their step. Empty in sessions of the
    /// release before.
    pub several: Vec<String>,
    /// The links that did steps, by [`Link::id`]: it ends with each of them. Empty in sessions of the release
    /// before.
    pub links: Vec<String>,
    /// When the person last showed in it that they are there: by something that they did here, or elsewhere where that
    /// was demanded. None: nobody knows, as with a ticket that a browser shows by itself, and in sessions of the
    /// release before.
    pub proven_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// What the browser said of itself at the last sign-in, 256 bytes at most. Empty: not known.
    pub user_agent: String,
    /// Where the last sign-in came from. Empty: not known.
    pub address: String,
}

/// An application that a session has signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// [`Application::id`].
    pub application: String,
    /// The session's identifier for that application alone.
    pub session_index: String,
}

/// What did the steps of a sign-in. Kept as JSON: fields are added, never changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SignedIn {
    /// [`Session::authenticators`].
    pub authenticators: Vec<String>,
    /// [`Session::several`].
    pub several: Vec<String>,
    /// [`Session::contexts`].
    pub contexts: Vec<String>,
    /// [`Session::links`].
    pub links: Vec<String>,
}

/// What a subject allowed an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Unguessable.
    pub id: String,
    /// The module that made it.
    pub module: String,
    /// [`Application::id`].
    pub application: String,
    /// Who allowed it.
    pub subject: String,
    /// The session that it ends with, if any.
    pub session: Option<String>,
    /// The module's own JSON.
    pub data: String,
    /// The sign-in that it came from. None: of no sign-in, or made by the release before.
    pub signed_in: Option<SignedIn>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// What [`Store::take_artifact`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The value; to one caller only.
    Fresh(Vec<u8>),
    /// Taken before; the grant that it belonged to.
    Spent(Option<String>),
    /// Unknown or expired.
    Absent,
}

/// A signing key, sealed. What the sealed bytes mean is the key ring's business.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// JWK `kid`.
    pub key_id: String,
    /// The module that signs with it.
    pub module: String,
    /// JWA name.
    pub algorithm: String,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// X.509 certificate, DER.
    pub certificate: Vec<u8>,
    /// The private key, encrypted.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when no new signatures are made with it.
    pub retired_at: Option<Timestamp>,
}

impl core::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "StoredKey({} {} {})", self.module, self.algorithm, self.key_id)
    }
}

/// What an authenticator keeps about a person, sealed. See [`crate::credentials`].
#[derive(Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// Unique.
    pub id: String,
    /// Whose it is, by the authenticator's name.
    pub authenticator: String,
    /// The person.
    pub subject: String,
    /// What the authenticator wrote, encrypted.
    pub sealed: Vec<u8>,
    /// 1, and one more with each change.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
}

impl core::fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "StoredCredential({} {} {})", self.authenticator, self.id, self.version)
    }
}

/// An outside identity that is somebody's here: what this authenticator says of this issuer's `identity` is
/// about `subject`. What another authenticator says of it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Unique.
    pub id: String,
    /// The authenticator's name.
    pub authenticator: String,
    /// Who vouches for the identity: 1,024 bytes at most.
    pub issuer: String,
    /// Their stable identifier of it: 255 bytes at most.
    pub identity: String,
    /// Whose it is.
    pub subject: String,
    /// What people call it.
    pub label: String,
    /// Whether the account was made for it.
    pub created: bool,
    /// Since when.
    pub created_at: Timestamp,
}

/// A list's page: what was found, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// At most as many as asked for.
    pub items: Vec<T>,
    /// Hand this to the next call; `None` at the end.
    pub next: Option<String>,
}

/// Why something was not added.
#[derive(Debug)]
pub enum AddError {
    /// The name or identifier is in use.
    Exists,
    /// The store can't serve.
    Unavailable(Unavailable),
}

impl From<Unavailable> for AddError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl core::fmt::Display for AddError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exists => f.write_str("it exists already"),
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AddError {}

/// The state of an installation.
#[async_trait]
pub trait Store: Send + Sync {
    // People.

    /// Adds a person with the PHC string of their password's hash.
    async fn add_user(&self, user: &User, password_hash: &str) -> Result<(), AddError>;
    /// By name, ignoring case; with the PHC string of the password's hash.
    async fn user_by_name(&self, username: &str) -> Result<Option<(User, String)>, Unavailable>;
    /// By subject.
    async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, Unavailable>;
    /// In the order of their names, `after` being a `next` of the page before.
    async fn list_users(&self, after: Option<&str>, limit: u32) -> Result<Page<User>, Unavailable>;
    /// False when there is no such person.
    async fn set_password_hash(&self, subject: &str, password_hash: &str) -> Result<bool, Unavailable>;
    /// Sets it unless it has changed meanwhile, so that a hash renewed at sign-in never undoes a
    /// change of password; false when it has, or when there is no such person. Atomic.
    async fn replace_password_hash(&self, subject: &str, old: &str, new: &str) -> Result<bool, Unavailable>;
    /// The person's subject, and how often [`Store::set_password_hash`] has set their password; by
    /// name, ignoring case.
    async fn password_version(&self, username: &str) -> Result<Option<(String, u64)>, Unavailable>;
    /// False when there is no such person.
    async fn set_user_disabled(&self, subject: &str, disabled: bool) -> Result<bool, Unavailable>;

    // What authenticators keep about people.

    /// Adds a record; false when the authenticator has `most` of the person already. Atomic.
    async fn add_credential(&self, credential: &StoredCredential, most: u32) -> Result<bool, Unavailable>;
    /// The authenticator's records of the person, the oldest first.
    async fn credentials(
        &self,
        authenticator: &str,
        subject: &str,
    ) -> Result<Vec<StoredCredential>, Unavailable>;
    /// The authenticators that have records of the person.
    async fn authenticators_of(&self, subject: &str) -> Result<Vec<String>, Unavailable>;
    /// The authenticator's record of this id, whosever it is.
    async fn credential(
        &self,
        authenticator: &str,
        id: &str,
    ) -> Result<Option<StoredCredential>, Unavailable>;
    /// Writes `sealed` to the record of this authenticator, person, id and version, and counts the
    /// version up; false when there is none. Atomic: of several callers with one version, one gets true.
    async fn replace_credential(&self, credential: &StoredCredential) -> Result<bool, Unavailable>;
    /// False when it was not there.
    async fn remove_credential(
        &self,
        authenticator: &str,
        subject: &str,
        id: &str,
    ) -> Result<bool, Unavailable>;
    /// Removes all records of the person, of all authenticators; how many.
    async fn remove_credentials_of(&self, subject: &str) -> Result<u64, Unavailable>;

    // Outside identities.

    /// Links an identity with a person; false when it is linked already, with whomever, or the person has
    /// `most` links. Atomic.
    async fn add_link(&self, link: &Link, most: u32) -> Result<bool, Unavailable>;
    /// Adds a person as [`Store::add_user`] does, with their link. [`AddError::Exists`] as well when the
    /// identity is linked already. Both or neither.
    async fn add_linked_user(&self, user: &User, password_hash: &str, link: &Link) -> Result<(), AddError>;
    /// The link of the authenticator's, issuer's identity.
    async fn link(
        &self,
        authenticator: &str,
        issuer: &str,
        identity: &str,
    ) -> Result<Option<Link>, Unavailable>;
    /// A person's links, the oldest first.
    async fn links_of(&self, subject: &str) -> Result<Vec<Link>, Unavailable>;
    /// False when it was not there, or is not the person's. With `beside` it goes only while another link of
    /// theirs is of one of these authenticators: of two that go at once, one stays. Atomic.
    async fn remove_link(
        &self,
        subject: &str,
        id: &str,
        beside: Option<&[String]>,
    ) -> Result<bool, Unavailable>;
    /// Removes all links of the person; how many.
    async fn remove_links_of(&self, subject: &str) -> Result<u64, Unavailable>;
    /// Writes a person's claims; false when there is no such person.
    async fn set_user_claims(&self, subject: &str, claims: &[Claim]) -> Result<bool, Unavailable>;

    // Applications.

    /// Registers an application.
    async fn add_application(&self, application: &Application) -> Result<(), AddError>;
    /// Writes name, settings, secret and disabled of a registered application; false when it is not there.
    async fn update_application(&self, application: &Application) -> Result<bool, Unavailable>;
    /// By the kernel's identifier.
    async fn application(&self, id: &str) -> Result<Option<Application>, Unavailable>;
    /// By the protocol's identifier.
    async fn application_by_identifier(
        &self,
        module: &str,
        identifier: &str,
    ) -> Result<Option<Application>, Unavailable>;
    /// In the order of module and identifier.
    async fn list_applications(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Application>, Unavailable>;
    /// False when it was not there. Its grants and consents go with it.
    async fn remove_application(&self, id: &str) -> Result<bool, Unavailable>;

    // Sessions.

    /// Begins a session.
    async fn add_session(&self, session: &Session) -> Result<(), Unavailable>;
    /// The session of a cookie's secret, unless it ended.
    async fn session(&self, secret: Fingerprint, now: Timestamp) -> Result<Option<Session>, Unavailable>;
    /// Writes secret, authenticated_at, context, contexts, methods, authenticators, several, links,
    /// last_used_at, expires_at, user_agent and address of the session with this id: the person proved anew who they are, and the cookie's secret changes.
    /// False when it is not there.
    async fn renew_session(&self, session: &Session) -> Result<bool, Unavailable>;
    /// Writes `last_used_at`.
    async fn touch_session(&self, id: &str, now: Timestamp) -> Result<(), Unavailable>;
    /// Ends a session, its participants and the grants bound to it; false when it was not there.
    async fn end_session(&self, id: &str) -> Result<bool, Unavailable>;
    /// Ends all sessions of a person, and every grant of theirs, bound to a session or not; how
    /// many sessions.
    async fn end_sessions_of(&self, subject: &str) -> Result<u64, Unavailable>;
    /// Ends all sessions of a person but the one with the identifier `keep`, and every grant of theirs
    /// that is not bound to that one; how many sessions.
    async fn end_other_sessions_of(&self, subject: &str, keep: &str) -> Result<u64, Unavailable>;
    /// A person's sessions, the one that was used last first.
    async fn sessions_of(
        &self,
        subject: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Unavailable>;
    /// In the order of their identifiers.
    async fn list_sessions(
        &self,
        now: Timestamp,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Session>, Unavailable>;
    /// The session's identifier for the application: the one it has, or else `session_index`, kept from now on.
    async fn join_session(
        &self,
        session: &str,
        application: &str,
        session_index: &str,
    ) -> Result<String, Unavailable>;
    /// The applications that the session has signed in to.
    async fn participants(&self, session: &str) -> Result<Vec<Participant>, Unavailable>;
    /// The session that has this identifier for some application of the module.
    async fn session_by_index(
        &self,
        module: &str,
        session_index: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, Unavailable>;

    // Login transactions. `data` is the kernel's.

    /// Keeps a transaction, bound to a browser or not yet.
    async fn add_transaction(
        &self,
        id: Fingerprint,
        browser: Option<Fingerprint>,
        data: &[u8],
        until: Timestamp,
    ) -> Result<(), Unavailable>;
    /// The transaction and the browser that it is bound to.
    async fn transaction(
        &self,
        id: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<(Option<Fingerprint>, Vec<u8>)>, Unavailable>;
    /// Binds it to the browser; false when it is bound to another one or gone. Atomic.
    async fn bind_transaction(
        &self,
        id: Fingerprint,
        browser: Fingerprint,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;
    /// Replaces its data; false when it is gone.
    async fn update_transaction(
        &self,
        id: Fingerprint,
        data: &[u8],
        now: Timestamp,
    ) -> Result<bool, Unavailable>;
    /// Takes it away: to exactly one caller.
    async fn take_transaction(&self, id: Fingerprint, now: Timestamp)
    -> Result<Option<Vec<u8>>, Unavailable>;

    // One-time values and grants, apart for each module.

    /// Keeps a value to be taken once. A key in use is an error of the module: [`Unavailable`].
    async fn put_artifact(
        &self,
        module: &str,
        key: &str,
        value: &[u8],
        grant: Option<&str>,
        until: Timestamp,
    ) -> Result<(), Unavailable>;
    /// Takes it: fresh to exactly one caller, spent to all later ones until its time has passed.
    async fn take_artifact(&self, module: &str, key: &str, now: Timestamp) -> Result<Taken, Unavailable>;
    /// True to the first caller with this value, false to others until the time has passed.
    async fn remember(
        &self,
        module: &str,
        value: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Unavailable>;
    /// Keeps a grant.
    async fn add_grant(&self, grant: &Grant) -> Result<(), Unavailable>;
    /// Unless it ended or was revoked.
    async fn grant(&self, module: &str, id: &str, now: Timestamp) -> Result<Option<Grant>, Unavailable>;
    /// Revokes the person's grants that came of a sign-in by this link; how many.
    async fn revoke_grants_of_link(&self, subject: &str, link: &str) -> Result<u64, Unavailable>;
    /// False when it was not there.
    async fn revoke_grant(&self, module: &str, id: &str) -> Result<bool, Unavailable>;

    // Consent.

    /// What the subject agreed to for the application so far.
    async fn consents(&self, subject: &str, application: &str) -> Result<Vec<String>, Unavailable>;
    /// Adds to it.
    async fn add_consents(
        &self,
        subject: &str,
        application: &str,
        items: &[String],
        now: Timestamp,
    ) -> Result<(), Unavailable>;

    // Throttling of failures.

    /// Counts a failure under each key, unless [`Throttle::wait`] makes the try wait under one of
    /// them: then nothing is counted, and the longest wait is the answer. Atomic.
    async fn admit_try(
        &self,
        limits: &[Limit],
        throttle: Throttle,
        now: Timestamp,
    ) -> Result<Admission, Unavailable>;
    /// Takes one failure back that was counted at `at`. None there: nothing happens.
    async fn take_back_failure(&self, key: &str, at: Timestamp) -> Result<(), Unavailable>;
    /// How many there were within the last `window` seconds, and when the last one was.
    async fn failures(
        &self,
        key: &str,
        now: Timestamp,
        window: u64,
    ) -> Result<(u32, Option<Timestamp>), Unavailable>;
    /// Forgets the failures under the key.
    async fn clear_failures(&self, key: &str) -> Result<(), Unavailable>;

    // Failures in a row, which lock a further factor of a person.

    /// Counts a failure unless there are `most` already: false then. Atomic.
    async fn admit_in_a_row(
        &self,
        authenticator: &str,
        subject: &str,
        most: u32,
    ) -> Result<bool, Unavailable>;
    /// Takes one failure back. None there: nothing happens.
    async fn take_back_in_a_row(&self, authenticator: &str, subject: &str) -> Result<(), Unavailable>;
    /// How many there are.
    async fn failures_in_a_row(&self, authenticator: &str, subject: &str) -> Result<u32, Unavailable>;
    /// Forgets them; false when there were none.
    async fn clear_in_a_row(&self, authenticator: &str, subject: &str) -> Result<bool, Unavailable>;
    /// Forgets those of all factors of the person; of how many.
    async fn clear_in_a_row_of(&self, subject: &str) -> Result<u64, Unavailable>;

    // Keys and the installation's own values.

    /// All keys of all modules.
    async fn keys(&self) -> Result<Vec<StoredKey>, Unavailable>;
    /// Adds a key and retires the active one of the same module and algorithm, in one step.
    async fn add_key(&self, key: &StoredKey) -> Result<(), Unavailable>;
    /// Adds a key unless the module has an active one of the algorithm; false when it has. Atomic.
    async fn add_first_key(&self, key: &StoredKey) -> Result<bool, Unavailable>;
    /// Removes keys that were retired before the time; how many.
    async fn remove_keys_retired_before(&self, time: Timestamp) -> Result<u64, Unavailable>;
    /// A value of the installation by name.
    async fn installation_value(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    /// Sets it if it is not there yet, and returns the one that is there afterwards. Atomic.
    async fn provide_installation_value(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, Unavailable>;
    /// Sets it.
    async fn set_installation_value(&self, name: &str, value: &[u8]) -> Result<(), Unavailable>;

    /// Deletes what has expired, in bounded steps; how many records. Called now and then.
    async fn purge(&self, now: Timestamp) -> Result<u64, Unavailable>;
    /// Answers when the store can serve: for health checks.
    async fn ping(&self) -> Result<(), Unavailable>;
}
