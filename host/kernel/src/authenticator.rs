//! Authenticators, behind a trait: the Rust side of `wit/authenticator.wit`.

mod challenge;
mod redirection;
mod translated;

use core::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;

pub use challenge::{
    Ceremony, Challenge, Choice, ChoiceOption, Element, Field, FieldKind, Link, Message, QrCode, Text,
    Waiting, WebAuthn,
};

pub use redirection::{Carrier, MAX_REDIRECT, PostedFields, RedirectError, Redirection, is_redirect_host};
pub use translated::translated;

use crate::directory::Claim;
use crate::module::ModuleFailure;
use crate::services::AuthenticatorServices;

/// What an authenticator says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Description {
    pub name: String,
    pub version: String,
    pub title: Text,
    pub factors: Vec<Factor>,
    pub methods: Vec<String>,
    pub contexts: Vec<String>,
    pub identifies: bool,
    pub enrols: bool,
    pub settings_schema: String,
    pub translations: Translations,
}

/// A component's own texts.
pub type Translations = Arc<[Translation]>;

/// A text of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Translation {
    pub language: String,
    pub key: String,
    pub text: String,
}

/// RFC 4949's factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Factor {
    Knowledge,
    Possession,
    Inherence,
}

/// What an authenticator is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To find out or to confirm who somebody is.
    SignIn,
    /// To let somebody who is signed in set it up.
    Enrol,
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Person {
    pub subject: String,
    pub username: String,
}

/// What an authenticator is told. See `context` in `wit/authenticator.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Context {
    pub purpose: Purpose,
    pub relying_party: String,
    pub login_hint: Option<String>,
    pub person: Option<Person>,
    pub language: String,
    pub settings: String,
    pub base_url: String,
    pub client_address: IpAddr,
    /// `redirect-uri` in the contract.
    pub return_uri: String,
    pub redirect_state: String,
    pub client_certificate: Option<Arc<[u8]>>,
}

/// What is asked of a sign-in. See `demands` in `wit/authenticator.wit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Demanded {
    pub fresh: bool,
    pub max_age: Option<u64>,
    pub contexts: Vec<String>,
}

impl Demanded {
    /// Whether the person has to show that they are there.
    pub fn asks_presence(&self) -> bool {
        self.fresh || self.max_age.is_some()
    }
}

/// Whom an authenticator names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub enum Who {
    Account(String),
    Claims(ClaimSet),
}

/// Somebody whom an outside provider vouches for.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct ClaimSet {
    pub issuer: String,
    pub subject: String,
    pub claims: Vec<Claim>,
}

impl ClaimSet {
    /// The first value of a claim.
    pub fn first(&self, name: &str) -> Option<&str> {
        let claim = self.claims.iter().find(|claim| claim.name == name)?;
        claim.values.first().map(String::as_str)
    }
}

impl fmt::Debug for ClaimSet {
    /// The claims are about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimSet({} {})", self.issuer, self.subject)
    }
}

/// Who it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Identity {
    pub who: Who,
    pub methods: Vec<String>,
    pub context: String,
    pub remember: Option<u32>,
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Denial {
    pub text: Text,
    pub reason: String,
}

/// What a call of an authenticator leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub enum Step {
    Challenge(Challenge),
    Redirect(Redirection),
    Authenticated(Identity),
    Enrolled,
    NotEnrolled,
    Denied(Denial),
    Unavailable(String),
}

/// The fields that a person sent.
#[derive(Clone, Default)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    /// The value of the field that came exactly once.
    pub fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }
}

impl fmt::Debug for Form {
    /// Values are secrets: only names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What an authenticator goes on with.
#[derive(Clone, Debug)]
pub enum Event {
    /// What the person sent.
    Form(Form),
    /// The person is back from elsewhere.
    Returned(Returned),
    /// The page waits, and asks again.
    Poll,
}

/// The query, or the form that was posted, as `application/x-www-form-urlencoded` and byte for byte.
#[derive(Clone)]
pub struct Returned(pub String);

impl fmt::Debug for Returned {
    /// It has codes and assertions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Returned({} bytes)", self.0.len())
    }
}

impl From<Form> for Event {
    fn from(form: Form) -> Self {
        Self::Form(form)
    }
}

/// Where a sign-in comes from: what throttling counts by.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The person's address as the DMZ proxy saw it.
    pub address: IpAddr,
    /// Value of the device cookie, see [`crate::device`].
    pub device: Option<String>,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.address)
    }
}

/// A way to sign in.
#[async_trait]
pub trait AuthenticatorModule: Send + Sync {
    /// What it said of itself when it was loaded.
    fn description(&self) -> &Description;
    /// What the operator calls it, as one of several that run the same file. Text, never HTML.
    fn title(&self) -> Option<&str> {
        None
    }
    /// SHA-256 of its file in hexadecimal: another one after the file was replaced. Empty when it has none.
    fn digest(&self) -> &str {
        ""
    }
    /// Whether it has keys of its own, which the kernel keeps.
    fn has_own_keys(&self) -> bool {
        false
    }
    /// Whether it asks what is demanded of a sign-in. One that sends people elsewhere and does not is passed over where
    /// somebody has to show that they are there.
    fn heeds_demands(&self) -> bool {
        false
    }
    /// Whether Kerberos tickets are judged for it, so that browsers may be asked for one.
    fn takes_tickets(&self) -> bool {
        false
    }
    /// The first step.
    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure>;
    /// The next step, with what the person sent or came back with.
    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        event: Event,
    ) -> Result<Step, ModuleFailure>;
}
