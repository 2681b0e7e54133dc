//! The sign-on flow: from a protocol's demand to somebody who is signed in, and back.
//!
//! | entry | request | what happens |
//! |---|---|---|
//! | [`Flow::handle`] | a module's endpoint | the module answers, or demands a sign-in or a sign-out |
//! | [`Flow::proceed`] | `GET /commonauth?t=…` | the transaction is bound to the browser; its session may suffice |
//! | [`Flow::show`] | `GET /authenticationendpoint/login?t=…` | the page that is due: sign-in, consent, sign-out |
//! | [`Flow::own_page`] | `GET /authenticationendpoint/factors`, `sessions`, `password` | the person's own pages |
//! | [`Flow::submit`] | `POST /commonauth` | what the person sent with that page |
//! | [`Flow::negotiating`] | `GET /commonauth/negotiate` | the browser is asked for a Kerberos ticket |
//! | [`Flow::returned`] | `/commonauth/return/…` | the person is back from where an authenticator sent them |
//!
//! A POST from another site arrives without our cookies (`SameSite=Lax`), so a demand that comes by
//! POST always goes through `/commonauth`, where the browser sends them.
//!
//! A transaction belongs to the browser that first went on with it, and its form carries a token
//! made from both: neither another browser nor another site can send it.

mod complete;
mod consent;
mod decide;
mod demanded;
mod enrol_at_sign_in;
mod errand;
mod factor_lock;
mod factors;
mod handle;
mod kept_challenge;
mod linking;
mod own_linking;
mod own_pages;
mod own_password;
mod own_sessions;
mod policy;
mod posted;
mod proceed;
mod progress;
mod provision;
mod realm;
mod remembered;
mod renewal;
mod replaced;
mod reply;
mod returned;
mod session;
mod show;
mod sign_in;
mod sign_out;
mod signed_in;
mod steps;
mod submit;
mod transaction;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::authenticator::AuthenticatorModule;
use crate::module::ProtocolModule;
use crate::services::Installation;

pub use own_pages::OwnPage;
pub use policy::{EnabledPolicy, Policies};
pub use provision::{AccountRules, UnknownIdentity};
pub use realm::Realms;
pub use renewal::{Renewal, Renewals};
pub use replaced::Replaced;
pub use reply::{
    Action, CookieChange, FactorOf, FactorsPage, LinkOf, OwnLink, OwnSession, Page, PasswordPage, Reply,
    SessionsPage, SignInPage,
};
pub use returned::{RETURN, Return};

/// Who asks, as the listener saw them.
#[derive(Clone)]
pub struct Visitor {
    /// Value of the session cookie.
    pub session: Option<String>,
    /// Value of the browser cookie, which binds login transactions.
    pub browser: Option<String>,
    /// Value of the device cookie, see [`crate::device`].
    pub device: Option<String>,
    /// Value of the cookie of a remembered device, see [`crate::remembered`].
    pub remembered: Option<String>,
    /// The person's address.
    pub address: IpAddr,
    /// Identifies the request in every log, and on the error page.
    pub correlation: String,
    /// BCP 47 language of the pages.
    pub language: String,
    /// What the browser says of itself, 256 bytes of printable ASCII at most. For the person's own eyes.
    pub user_agent: String,
    /// Those headers that policies are told of ([`Policies::headers`]), in lower case: the proxy's word.
    pub headers: Vec<(String, String)>,
    /// The certificate whose key the browser has proven to the proxy: DER, 16 KiB at most, not judged yet.
    pub client_certificate: Option<Arc<[u8]>>,
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
    /// How long after a sign-in the person may change their factors.
    pub recent: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { session_idle: 8 * 3_600, session: 24 * 3_600, transaction: 1_800, recent: 600 }
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
    /// The hosts that it may send people to, beside our own `/commonauth/…`. `None`: it sends nobody anywhere.
    pub redirects: Option<Vec<String>>,
    /// What becomes of identities from outside that it names.
    pub accounts: AccountRules,
    /// Names of the claims about people that it may read.
    pub readable: Vec<String>,
}

impl EnabledAuthenticator {
    /// With these settings, and nothing else that the operator says.
    pub fn new(module: Arc<dyn AuthenticatorModule>, settings: String) -> Self {
        let accounts = AccountRules::default();
        Self { module, settings, redirects: None, accounts, readable: Vec::new() }
    }
}

/// The modules that are switched on.
#[derive(Clone, Default)]
pub struct ModuleSet {
    /// By name.
    pub protocols: BTreeMap<String, EnabledProtocol>,
    /// In the operator's order.
    pub authenticators: Vec<EnabledAuthenticator>,
    /// The names of authenticators that a sign-in goes through, one of each step. Empty: one step, with
    /// all that find out who somebody is.
    pub steps: Vec<Vec<String>>,
    /// The same for single applications, by [`crate::store::Application::identifier`].
    pub steps_for: BTreeMap<String, Vec<Vec<String>>>,
    /// Seconds after which people prove anew who they are, for single applications, whatever these ask for.
    pub max_age_for: BTreeMap<String, u64>,
    /// Longest time in seconds for which a device need not be asked for a further factor again; 0: never.
    pub remember: u64,
    /// Whether people who have no further factor may set one up while they sign in.
    pub enrol_at_sign_in: bool,
    /// The pages on which people look after their own account.
    pub own_pages: Vec<OwnPage>,
    /// Authenticators whose file was replaced, for the sign-ins that began with them.
    pub replaced: Vec<Replaced>,
    /// Adaptive rules.
    pub policies: Policies,
    /// Home-realm discovery.
    pub realms: Realms,
}

/// The sign-on flow.
pub struct Flow {
    installation: Arc<Installation>,
    lifetimes: Lifetimes,
    modules: RwLock<Arc<ModuleSet>>,
    posted: posted::PostedForms,
}

impl Flow {
    /// The flow of an installation.
    pub fn new(installation: Arc<Installation>, lifetimes: Lifetimes, modules: ModuleSet) -> Self {
        let posted = posted::PostedForms::default();
        Self { installation, lifetimes, modules: RwLock::new(Arc::new(modules)), posted }
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
