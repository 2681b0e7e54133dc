//! People in Postern's own store.

use std::sync::Arc;

use argon2::Params;
use async_trait::async_trait;
use postern_kernel::clock::Clock;
use postern_kernel::directory::{Account, Claim, Creation, Directory, PasswordChange, PasswordVerdict};
use postern_kernel::randomness::{Randomness, identifier};
use postern_kernel::store::{AddError, Link, Store, User};
use postern_kernel::unavailable::Unavailable;

use crate::password::{PasswordPool, PasswordSettings, SettingsError, StoredHash};
use crate::policy::{MAX_PASSWORD, PolicyError, check_claims, check_new_password, check_username};

/// A person to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// What the person types to sign in. Unique, ignoring case.
    pub username: String,
    /// Claims by their OpenID Connect names: `given_name`, `email`, `email_verified`, `groups`, ….
    pub claims: Vec<Claim>,
}

/// Why a person was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// A name, password or claim that is not allowed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The name is in use.
    #[error("user.name.exists: there is a user of that name")]
    Exists,
    /// Nobody has that name.
    #[error("user.name.unknown: there is no user of that name")]
    Unknown,
    /// Not to be had now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The embedded user store.
///
/// Passwords are hashed with argon2id by threads of their own; when the cost in the settings has
/// changed, a hash is renewed as its person signs in. Until then, a try at that person's password
/// takes the time of the old cost.
pub struct EmbeddedDirectory {
    store: Arc<dyn Store>,
    randomness: Arc<dyn Randomness>,
    clock: Arc<dyn Clock>,
    passwords: PasswordPool,
    /// What a password is compared with when there is no such person.
    nobody: Arc<StoredHash>,
}

impl EmbeddedDirectory {
    /// The people in this store. Starts the threads; they end when it is dropped.
    ///
    /// # Errors
    /// [`SettingsError`] when the cost is below OWASP's recommendation or beyond reason.
    pub fn new(
        store: Arc<dyn Store>,
        randomness: Arc<dyn Randomness>,
        clock: Arc<dyn Clock>,
        settings: PasswordSettings,
    ) -> Result<Self, SettingsError> {
        let passwords = PasswordPool::start(settings)?;
        let nobody = Arc::new(unmatchable(passwords.params(), randomness.as_ref()));
        Ok(Self { store, randomness, clock, passwords, nobody })
    }

    /// Adds a person and returns them with their subject.
    ///
    /// # Errors
    /// [`UserError`] with a reason code.
    pub async fn add_user(&self, new: NewUser, password: &str) -> Result<User, UserError> {
        check_username(&new.username)?;
        check_claims(&new.claims)?;
        check_new_password(&new.username, password)?;
        let hash = self.hash(password).await?;
        let user = User {
            subject: identifier(self.randomness.as_ref()),
            username: new.username,
            disabled: false,
            claims: new.claims,
            created_at: self.clock.now(),
        };
        match self.store.add_user(&user, &hash).await {
            Ok(()) => Ok(user),
            Err(AddError::Exists) => Err(UserError::Exists),
            Err(AddError::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Sets the person's password and ends their sessions and what they allowed applications: whoever
    /// knew the old one is out.
    /// Returns the person.
    ///
    /// # Errors
    /// [`UserError`] with a reason code.
    pub async fn set_password(&self, username: &str, password: &str) -> Result<User, UserError> {
        let user = self.user(username).await?;
        check_new_password(&user.username, password)?;
        let hash = self.hash(password).await?;
        if !self.store.set_password_hash(&user.subject, &hash).await? {
            return Err(UserError::Unknown);
        }
        self.store.end_sessions_of(&user.subject).await?;
        Ok(user)
    }

    /// Lets the person sign in or not. Their sessions end when not. Returns the person as they
    /// are then.
    ///
    /// # Errors
    /// [`UserError`] with a reason code.
    pub async fn set_disabled(&self, username: &str, disabled: bool) -> Result<User, UserError> {
        let user = self.user(username).await?;
        if !self.store.set_user_disabled(&user.subject, disabled).await? {
            return Err(UserError::Unknown);
        }
        if disabled {
            self.store.end_sessions_of(&user.subject).await?;
        }
        Ok(User { disabled, ..user })
    }

    /// Password hashes computed since the start, for metrics.
    pub fn password_hashes(&self) -> u64 {
        self.passwords.computed()
    }

    async fn user(&self, username: &str) -> Result<User, UserError> {
        let found = self.store.user_by_name(username).await?;
        found.map(|(user, _)| user).ok_or(UserError::Unknown)
    }

    async fn hash(&self, password: &str) -> Result<String, Unavailable> {
        let mut salt = [0; 16];
        self.randomness.fill(&mut salt);
        self.passwords.make(password, salt).await
    }

    /// A failure here is for the log: the person has proven who they are.
    async fn renew_hash(&self, user: &User, old: &str, password: &str) {
        let renewed = match self.hash(password).await {
            Ok(hash) => self.store.replace_password_hash(&user.subject, old, &hash).await,
            Err(error) => Err(error),
        };
        match renewed {
            Ok(true) => tracing::info!(subject = user.subject, "password hash renewed at the present cost"),
            Ok(false) => {
                tracing::info!(subject = user.subject, "password changed meanwhile, hash not renewed")
            }
            Err(error) => tracing::warn!(subject = user.subject, %error, "password hash not renewed"),
        }
    }
}

#[async_trait]
impl Directory for EmbeddedDirectory {
    async fn check_password(&self, username: &str, password: &str) -> Result<PasswordVerdict, Unavailable> {
        // Names and passwords that nobody can have are compared with nobody's hash, like unknown
        // names: one lookup, one hash, whatever comes.
        let possible = check_username(username).is_ok() && password.len() <= MAX_PASSWORD;
        let looked_up = if possible { username } else { "" };
        let password = if possible { password } else { "" };
        let Some((user, phc)) = self.store.user_by_name(looked_up).await? else {
            self.passwords.compare(password, Arc::clone(&self.nobody)).await?;
            return Ok(PasswordVerdict::Wrong);
        };
        let hash = StoredHash::parse(&phc).map_err(|_| {
            Unavailable::new(
                "directory",
                format_args!("unreadable password hash of subject {}", user.subject),
            )
        })?;
        let hash = Arc::new(hash);
        let correct = self.passwords.compare(password, Arc::clone(&hash)).await?;
        if !correct || user.disabled {
            return Ok(PasswordVerdict::Wrong);
        }
        if hash.is_outdated(self.passwords.params()) {
            self.renew_hash(&user, &phc, password).await;
        }
        Ok(PasswordVerdict::Correct(account(user)))
    }

    async fn device_binding(&self, username: &str) -> Result<Option<String>, Unavailable> {
        let found = self.store.password_version(username).await?;
        // No subject is used for a second person, and no number for a second password.
        Ok(found.map(|(subject, version)| format!("{subject}:{version}")))
    }

    async fn change_password(&self, subject: &str, new: &str) -> Result<PasswordChange, Unavailable> {
        let Some(user) = self.store.user_by_subject(subject).await?.filter(|user| !user.disabled) else {
            return Ok(PasswordChange::Elsewhere);
        };
        match check_new_password(&user.username, new) {
            Ok(()) => {}
            Err(PolicyError::PasswordShort) => return Ok(PasswordChange::TooShort),
            Err(PolicyError::PasswordIsName) => return Ok(PasswordChange::IsName),
            Err(_) => return Ok(PasswordChange::TooLong),
        }
        let hash = self.hash(new).await?;
        let is_set = self.store.set_password_hash(subject, &hash).await?;
        Ok(if is_set { PasswordChange::Changed } else { PasswordChange::Elsewhere })
    }

    async fn create_account(
        &self,
        username: &str,
        claims: &[Claim],
        link: Link,
    ) -> Result<Creation, Unavailable> {
        if let Err(error) = check_username(username).and_then(|()| check_claims(claims)) {
            return Ok(Creation::Refused(error.to_string()));
        }
        let user = User {
            subject: identifier(self.randomness.as_ref()),
            username: username.into(),
            disabled: false,
            claims: claims.to_vec(),
            created_at: self.clock.now(),
        };
        let mut output = [0; 32];
        self.randomness.fill(&mut output);
        let hash = StoredHash::none(self.passwords.params(), &output);
        let hash = hash.map_err(|error| Unavailable::new("directory", error))?;
        let link = Link { subject: user.subject.clone(), ..link };
        match self.store.add_linked_user(&user, &hash, &link).await {
            Ok(()) => Ok(Creation::Created(account(user))),
            Err(AddError::Exists) => Ok(Creation::Exists),
            Err(AddError::Unavailable(error)) => Err(error),
        }
    }

    async fn update_claims(&self, subject: &str, claims: &[Claim]) -> Result<bool, Unavailable> {
        if check_claims(claims).is_err() {
            return Ok(false);
        }
        self.store.set_user_claims(subject, claims).await
    }

    async fn has_password(&self, username: &str) -> Result<bool, Unavailable> {
        let found = self.store.user_by_name(username).await?;
        let hash = found.and_then(|(_, phc)| StoredHash::parse(&phc).ok());
        Ok(hash.is_some_and(|hash| !hash.is_none()))
    }

    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable> {
        let found = self.store.user_by_subject(subject).await?;
        Ok(found.filter(|user| !user.disabled).map(account))
    }
}

/// What others see of a person: the name as `preferred_username`, and the claims as stored.
fn account(user: User) -> Account {
    let mut claims = vec![Claim { name: "preferred_username".into(), values: vec![user.username.clone()] }];
    claims.extend(user.claims);
    Account { subject: user.subject, username: user.username, claims }
}

fn unmatchable(params: &Params, randomness: &dyn Randomness) -> StoredHash {
    let mut random = [0; 48];
    randomness.fill(&mut random);
    StoredHash::unmatchable(params, &random)
}
