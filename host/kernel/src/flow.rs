//! The sign-on flow: from a protocol's demand to somebody who is signed in, and back.
//!
//! | entry | request | what happens |
//! |---|---|---|
//! | [`Flow::handle`] | a module's endpoint | the module answers, or demands a sign-in or a sign-out |
//! | [`Flow::proceed`] | `GET /commonauth?t=…` | the transaction is bound to the browser; its session may suffice |
//! | [`Flow::show`] | `GET /authenticationendpoint/login?t=…` | the page that is due: sign-in, consent, sign-out |
//! | [`Flow::submit`] | `POST /commonauth` | what the person sent with that page |
//!
//! A POST from another site arrives without our cookies (`SameSite=Lax`), so a demand that comes by
//! POST always goes through `/commonauth`, where the browser sends them.
//!
//! A transaction belongs to the browser that first went on with it, and its form carries a token
//! made from both: neither another browser nor another site can send it.

mod complete;
mod consent;
mod decide;
mod handle;
mod proceed;
mod reply;
mod session;
mod show;
mod sign_in;
mod sign_out;
mod submit;
mod transaction;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::authenticator::AuthenticatorModule;
use crate::module::ProtocolModule;
use crate::services::Installation;

pub use reply::{Action, CookieChange, Page, Reply};

/// Who asks, as the listener saw them.
#[derive(Clone)]
pub struct Visitor {
    /// Value of the session cookie.
    pub session: Option<String>,
    /// Value of the browser cookie, which binds login transactions.
    pub browser: Option<String>,
    /// Value of the device cookie, see [`crate::device`].
    pub device: Option<String>,
    /// The person's address.
    pub address: IpAddr,
    /// Identifies the request in every log, and on the error page.
    pub correlation: String,
    /// BCP 47 language of the pages.
    pub language: String,
}

impl core::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Visitor({} {})", self.address, self.correlation)
    }
}

/// How long things live, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A session without use.
    pub session_idle: u64,
    /// A session at the longest.
    pub session: u64,
    /// A login transaction: from the application's request to its answer.
    pub transaction: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { session_idle: 8 * 3_600, session: 24 * 3_600, transaction: 1_800 }
    }
}

/// A protocol module that is switched on, with its settings as JSON.
#[derive(Clone)]
pub struct EnabledProtocol {
    /// The module.
    pub module: Arc<dyn ProtocolModule>,
    /// Its settings.
    pub settings: String,
}

/// An authenticator that is switched on, with its settings as JSON.
#[derive(Clone)]
pub struct EnabledAuthenticator {
    /// The authenticator.
    pub module: Arc<dyn AuthenticatorModule>,
    /// Its settings.
    pub settings: String,
}

/// The modules that are switched on.
#[derive(Clone, Default)]
pub struct ModuleSet {
    /// By name.
    pub protocols: BTreeMap<String, EnabledProtocol>,
    /// In the operator's order; the first that can reach what is demanded serves.
    pub authenticators: Vec<EnabledAuthenticator>,
}

/// The sign-on flow.
pub struct Flow {
    installation: Arc<Installation>,
    lifetimes: Lifetimes,
    modules: RwLock<Arc<ModuleSet>>,
}

impl Flow {
    /// The flow of an installation.
    pub fn new(installation: Arc<Installation>, lifetimes: Lifetimes, modules: ModuleSet) -> Self {
        Self { installation, lifetimes, modules: RwLock::new(Arc::new(modules)) }
    }

    /// What the flow stands on.
    pub fn installation(&self) -> &Arc<Installation> {
        &self.installation
    }

    /// The modules as they are now. Requests under way keep the set that they began with.
    pub fn modules(&self) -> Arc<ModuleSet> {
        Arc::clone(&self.modules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another set of modules in place.
    pub fn replace_modules(&self, modules: ModuleSet) {
        *self.modules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(modules);
    }
}
