//! Policies, behind a trait: the Rust side of `wit/policy.wit`. They say which steps a sign-in goes through,
//! within what the operator allows.

mod network;

use std::net::IpAddr;

use async_trait::async_trait;

use crate::authenticator::Translations;
use crate::directory::Claim;
use crate::module::ModuleFailure;

pub use network::{Network, NetworkError};

/// Most steps of a decision.
pub const MOST_STEPS: usize = 8;
/// Most alternatives of a step.
pub const MOST_ALTERNATIVES: usize = 16;
/// Failures are counted up to here.
pub const MOST_FAILURES: u32 = 1_000;

/// What a policy says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Description {
    pub name: String,
    pub version: String,
    pub title: String,
    pub settings_schema: String,
    pub translations: Translations,
}

/// Why a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub enum Occasion {
    Begin,
    Step,
    Session,
}

impl Occasion {
    /// As the audit log writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Step => "step",
            Self::Session => "session",
        }
    }
}

/// Where people sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Application {
    pub identifier: String,
    pub name: String,
}

/// What the application asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Demanded {
    pub contexts: Vec<String>,
    pub force: bool,
    pub passive: bool,
}

/// Who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Person {
    pub subject: String,
    pub username: String,
    pub groups: Vec<String>,
    pub claims: Vec<Claim>,
}

/// The person's browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Device {
    pub known: bool,
    pub remembered: bool,
}

/// Failures of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Failures {
    pub person: u32,
    pub address: u32,
}

/// What a policy is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub struct Context {
    pub occasion: Occasion,
    pub application: Option<Application>,
    pub demand: Demanded,
    pub person: Option<Person>,
    pub client_address: IpAddr,
    pub networks: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub device: Device,
    pub time: u64,
    pub failures: Failures,
    pub done: Vec<String>,
    pub reached: Vec<String>,
    pub steps: Vec<Vec<String>>,
    pub settings: String,
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Message key of what the person is told.
    pub text: String,
    /// For the log.
    pub reason: String,
}

/// What a policy decides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub enum Decision {
    Unchanged,
    Steps(Vec<Vec<String>>),
    Deny(Denial),
}

/// A policy.
#[async_trait]
pub trait PolicyModule: Send + Sync {
    /// What it said of itself when it was loaded.
    fn description(&self) -> &Description;
    /// SHA-256 of its file in hexadecimal. Empty when it has none.
    fn digest(&self) -> &str {
        ""
    }
    /// Which steps follow. `correlation` is the request that it is about, for the log.
    async fn decide(&self, correlation: &str, context: Context) -> Result<Decision, ModuleFailure>;
}
