//! What authenticators may ask of the kernel: the imports of `wit/authenticator.wit`.

mod credential_index;
mod directory;
mod kerberos;
mod messages;
mod outbound;
mod own_keys;
mod redirections;

use core::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::{Installation, MAX_RANDOM};
use crate::audit::Event;
use crate::authenticator::{Carrier, Demanded, Origin, PostedFields, Purpose, Translations};
use crate::clock::Timestamp;
use crate::credentials::{self, Credential, Credentials};
use crate::device;
use crate::directory::PasswordVerdict;
use crate::throttle::{Admission, Pool};
use crate::unavailable::Unavailable;

pub use credential_index::{Found, IndexedCredential, MAX_HANDLE};
pub use directory::AttributeError;
pub use kerberos::{TicketVerdict, TooManyTickets};
pub use messages::{MessageError, Sending};
pub use outbound::TooManyRequests;
pub use own_keys::TooManyUses;
pub use redirections::PostedTwice;

/// Which authenticator is called, for what, and about whom.
#[derive(Clone, Debug)]
pub struct AuthenticatorCall {
    /// The authenticator's name.
    pub authenticator: String,
    /// What it is called for.
    pub purpose: Purpose,
    /// Who is known. Then the call can be about nobody else.
    pub subject: Option<String>,
}

/// What an authenticator may ask for during one request.
pub struct AuthenticatorServices {
    installation: Arc<Installation>,
    call: AuthenticatorCall,
    origin: Origin,
    correlation: String,
    /// Subjects that this call has proven. The flow accepts no others from the component.
    proven: Mutex<Vec<String>>,
    /// What it has drawn.
    drawn: Mutex<Vec<Vec<u8>>>,
    /// Whether a failure of this call is in the audit log already.
    audited: AtomicBool,
    /// What messages are written in: the person's language and the authenticator's own texts.
    language: String,
    translations: Translations,
    /// Messages that this call has sent.
    messages: AtomicU8,
    /// Uses of its private keys by this call.
    key_uses: AtomicU8,
    /// [`crate::authenticator::Context::redirect_state`]; empty where nobody is sent elsewhere.
    redirect_state: String,
    /// What passwords of this call were counted among that were right, and how many failures there were.
    passed: Mutex<Vec<Pool>>,
    demanded: Demanded,
    /// Claims of people that it may read, by their names.
    readable: Vec<String>,
    came_back_by: Option<Carrier>,
    /// What goes along with whom this call sends elsewhere.
    post: Mutex<Option<PostedFields>>,
    failures_before: AtomicU32,
    /// Requests to hosts outside that this call has made.
    outbound: AtomicU8,
    /// Tickets that this call has had judged.
    tickets: AtomicU8,
}

/// What [`AuthenticatorServices::check_password`] yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    /// It is this person's.
    Correct {
        /// Who.
        subject: String,
        /// Their name.
        username: String,
    },
    /// It is not, or there is no such person, or they are disabled.
    Wrong,
    /// Too many failures: not looked at. Seconds until it is again.
    Throttled(u32),
    /// Not to be had now.
    Unavailable,
}

/// Why a record was not to be had.
#[derive(Debug)]
pub enum CredentialError {
    /// The component asked for a subject that it may not name.
    ForeignSubject,
    /// It adds records while the person signs in.
    NotEnrolling,
    /// Label or data have more bytes than they may.
    TooLarge,
    /// Not to be had now.
    Unavailable(Unavailable),
}

impl From<Unavailable> for CredentialError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignSubject => f.write_str(
                "authenticator.subject.foreign: it asked for the records of a subject that it may not name",
            ),
            Self::NotEnrolling => {
                f.write_str("authenticator.enrolment.unasked: it adds a record while nobody enrols")
            }
            Self::TooLarge => f.write_str("authenticator.credential.too-large: label or data"),
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CredentialError {}

impl AuthenticatorServices {
    /// The services for one call during a request from `origin`.
    pub fn new(
        installation: Arc<Installation>,
        call: AuthenticatorCall,
        origin: Origin,
        correlation: &str,
    ) -> Self {
        Self {
            installation,
            call,
            origin,
            correlation: correlation.into(),
            proven: Mutex::default(),
            drawn: Mutex::default(),
            audited: AtomicBool::new(false),
            language: "en".into(),
            translations: Arc::new([]),
            messages: AtomicU8::new(0),
            key_uses: AtomicU8::new(0),
            redirect_state: String::new(),
            passed: Mutex::default(),
            demanded: Demanded::default(),
            readable: Vec::new(),
            came_back_by: None,
            post: Mutex::default(),
            failures_before: AtomicU32::new(0),
            outbound: AtomicU8::new(0),
            tickets: AtomicU8::new(0),
        }
    }

    /// The same with the state that somebody would come back with whom this call sends elsewhere.
    #[must_use]
    pub fn sending(self, redirect_state: String) -> Self {
        Self { redirect_state, ..self }
    }

    /// That state.
    pub fn redirect_state(&self) -> &str {
        &self.redirect_state
    }

    /// The same with what is asked of the sign-in. Without, nothing is.
    #[must_use]
    pub fn demanding(self, demanded: Demanded) -> Self {
        Self { demanded, ..self }
    }

    /// What is asked of the sign-in.
    pub fn demanded(&self) -> &Demanded {
        &self.demanded
    }

    /// The same with what its messages are written in. Without, it can send none.
    #[must_use]
    pub fn writing(self, language: &str, translations: &Translations) -> Self {
        Self { language: language.into(), translations: Arc::clone(translations), ..self }
    }

    /// The request that the authenticator works on.
    pub fn correlation(&self) -> &str {
        &self.correlation
    }

    /// Whether a failure of this call is in the audit log already: that of a password is.
    pub(crate) fn has_audited(&self) -> bool {
        self.audited.load(Ordering::Relaxed)
    }

    /// What the passwords that were right are counted among: these failures are forgotten when the whole sign-in
    /// is done, and not before. Who guessed a password would be rid of them by beginning anew.
    pub(crate) fn take_passed(&self) -> Vec<Pool> {
        self.passed.lock().map(|mut passed| core::mem::take(&mut *passed)).unwrap_or_default()
    }

    /// Failures under the name, or of the device, before the password that was right.
    pub(crate) fn failures_before(&self) -> u32 {
        self.failures_before.load(Ordering::Relaxed)
    }

    /// Compares a password, within the limits on failures.
    pub async fn check_password(&self, username: &str, password: &str) -> PasswordCheck {
        match self.try_check_password(username, password).await {
            Ok(check) => check,
            Err(error) => {
                tracing::error!(correlation = %self.correlation, %error, "password not checked");
                PasswordCheck::Unavailable
            }
        }
    }

    async fn try_check_password(&self, username: &str, password: &str) -> Result<PasswordCheck, Unavailable> {
        let installation = &self.installation;
        let store = installation.store.as_ref();
        let now = installation.clock.now();
        let pool = self.pool(username, now).await?;
        // Names that exist and names that do not are counted alike, so that a limit tells nothing.
        if let Admission::Wait(seconds) = installation.throttle.admit(store, &pool, now).await? {
            self.audit("sign-in.throttled", &pool);
            return Ok(PasswordCheck::Throttled(seconds));
        }
        let verdict = match installation.directory.check_password(username, password).await {
            Ok(verdict) => verdict,
            Err(error) => {
                installation.throttle.take_back(store, &pool, now).await?;
                return Err(error);
            }
        };
        match verdict {
            PasswordVerdict::Correct(account) => {
                // This try is counted already.
                installation.throttle.take_back(store, &pool, now).await?;
                let counted = installation.throttle.failures_in(store, &pool, now).await?;
                self.failures_before.fetch_max(counted, Ordering::Relaxed);
                if let Ok(mut passed) = self.passed.lock() {
                    passed.push(pool);
                }
                if let Ok(mut proven) = self.proven.lock() {
                    proven.push(account.subject.clone());
                }
                Ok(PasswordCheck::Correct { subject: account.subject, username: account.username })
            }
            PasswordVerdict::Wrong => {
                self.audit("sign-in.failed", &pool);
                Ok(PasswordCheck::Wrong)
            }
        }
    }

    /// Whose failures this try is counted among.
    async fn pool(&self, username: &str, now: Timestamp) -> Result<Pool, Unavailable> {
        let installation = &self.installation;
        let strangers = || Pool::strangers(username, self.origin.address);
        let Some(cookie) = &self.origin.device else { return Ok(strangers()) };
        let binding = installation.directory.device_binding(username).await?;
        let known = device::recognise(installation.keys.as_ref(), cookie, binding.as_deref(), now);
        Ok(known.map_or_else(strangers, Pool::device))
    }

    /// Whether the component may say that the person is `subject`: the one who is known, or when nobody
    /// is, one whom this call has proven.
    pub fn may_name(&self, subject: &str) -> bool {
        match &self.call.subject {
            Some(known) => known == subject,
            None => self.proven.lock().is_ok_and(|proven| proven.iter().any(|known| known == subject)),
        }
    }

    /// This authenticator's records of the person, the oldest first.
    pub async fn credentials(&self, subject: &str) -> Result<Vec<Credential>, CredentialError> {
        Ok(self.credentials_of(subject)?.list().await?)
    }

    /// Adds a record; its identifier, or `None` when there are [`credentials::MOST`].
    pub async fn add_credential(
        &self,
        subject: &str,
        label: &str,
        data: &[u8],
    ) -> Result<Option<String>, CredentialError> {
        let credentials = self.credentials_of(subject)?;
        if self.call.purpose != Purpose::Enrol {
            return Err(CredentialError::NotEnrolling);
        }
        if label.len() > credentials::MAX_LABEL || data.len() > credentials::MAX_DATA {
            return Err(CredentialError::TooLarge);
        }
        let added = credentials.add(label, data).await?;
        if let Some(id) = &added {
            self.audit_credential("credential.added", subject, id);
        }
        Ok(added)
    }

    /// Writes a record unless it has changed since that version.
    pub async fn replace_credential(
        &self,
        subject: &str,
        id: &str,
        version: u64,
        data: &[u8],
    ) -> Result<bool, CredentialError> {
        let credentials = self.credentials_of(subject)?;
        if data.len() > credentials::MAX_DATA {
            return Err(CredentialError::TooLarge);
        }
        Ok(credentials.replace(id, version, data).await?)
    }

    /// Removes a record; false when it was not there.
    pub async fn remove_credential(&self, subject: &str, id: &str) -> Result<bool, CredentialError> {
        let removed = self.credentials_of(subject)?.remove(id).await?;
        if removed {
            self.audit_credential("credential.removed", subject, id);
        }
        Ok(removed)
    }

    fn credentials_of<'s>(&'s self, subject: &'s str) -> Result<Credentials<'s>, CredentialError> {
        if !self.may_name(subject) {
            return Err(CredentialError::ForeignSubject);
        }
        let authenticator = &self.call.authenticator;
        Ok(Credentials { installation: &self.installation, authenticator, subject })
    }

    fn audit_credential(&self, event: &str, subject: &str, id: &str) {
        self.installation.audit.record(&Event {
            name: event,
            module: Some(&self.call.authenticator),
            relying_party: None,
            subject: Some(subject),
            correlation: Some(&self.correlation),
            fields: &[("credential", id)],
        });
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.installation.clock.now()
    }

    /// Random bytes, [`MAX_RANDOM`] at most.
    pub fn random(&self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; length.min(MAX_RANDOM) as usize];
        self.installation.randomness.fill(&mut bytes);
        if let Ok(mut drawn) = self.drawn.lock() {
            drawn.push(bytes.clone());
        }
        bytes
    }

    /// Whether these bytes were drawn in this call: a challenge that was not is somebody else's, whose answer
    /// the person would be made to give.
    pub fn has_drawn(&self, bytes: &[u8]) -> bool {
        self.drawn.lock().is_ok_and(|drawn| drawn.iter().any(|one| one == bytes))
    }

    fn audit(&self, event: &str, pool: &Pool) {
        self.audited.store(true, Ordering::Relaxed);
        let address = self.origin.address.to_string();
        self.installation.audit.record(&Event {
            name: event,
            module: Some(&self.call.authenticator),
            relying_party: None,
            subject: None,
            correlation: Some(&self.correlation),
            fields: &[("address", &address), ("counted-with", pool.as_str())],
        });
    }
}
