//! Authenticators, behind a trait: the Rust side of `wit/authenticator.wit`.

use core::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;

use crate::module::ModuleFailure;
use crate::services::AuthenticatorServices;

/// What an authenticator says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Description {
    pub name: String,
    pub title: String,
    pub factor: Factor,
    pub methods: Vec<String>,
    pub context: String,
    pub settings_schema: String,
}

/// RFC 4949's factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Factor {
    Knowledge,
    Possession,
    Inherence,
}

/// What an authenticator is told. See `context` in `wit/authenticator.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Context {
    pub relying_party: String,
    pub login_hint: Option<String>,
    pub subject: Option<String>,
    pub language: String,
    pub settings: String,
}

/// Kinds of form fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum FieldKind {
    Text,
    Secret,
    OneTimeCode,
}

/// A form field. Labels are message keys.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub label: String,
    pub value: String,
    pub required: bool,
    pub autocomplete: String,
}

/// A form as the host renders it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Challenge {
    pub title: String,
    pub fields: Vec<Field>,
    pub submit: String,
    pub error: Option<String>,
    #[serde(with = "crate::opaque")]
    pub state: Vec<u8>,
}

/// Who it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Identity {
    pub subject: String,
    pub methods: Vec<String>,
    pub context: String,
}

/// What a call of an authenticator leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub enum Step {
    Challenge(Challenge),
    Authenticated(Identity),
    Denied(String),
    Unavailable(String),
}

/// The fields that a person sent.
#[derive(Clone, Default)]
pub struct Form(pub Vec<(String, String)>);

impl fmt::Debug for Form {
    /// Values are secrets: only names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
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
    /// The first step.
    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure>;
    /// The next step, with what the person sent.
    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        form: Form,
    ) -> Result<Step, ModuleFailure>;
}
