//! A flow over a real SQLite store, with a clock that is set, and a browser that keeps cookies.

mod browser;
mod modules;
mod parts;
mod people;

use postern_kernel::audit::Audit;
use postern_kernel::authenticator::AuthenticatorModule;
use postern_kernel::clock::Clock;
use postern_kernel::directory::Directory;
use postern_kernel::flow::{
    AccountRules, EnabledAuthenticator, EnabledProtocol, Flow, Lifetimes, ModuleSet, OwnPage,
};
use postern_kernel::module::{Demand, Logout, Outcome, ProtocolModule, SignOn};
use postern_kernel::services::{Installation, ModuleServices};
use postern_kernel::store::{Application, Store};
use postern_kernel::throttle::Throttle;
use postern_store::SqliteStore;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub(crate) use browser::{Browser, PageForm, form, name};
pub(crate) use modules::{Password, Scripted, document};
use parts::{Counted, MacOnly};
pub(crate) use parts::{Recorded, SetClock};
pub(crate) use people::TwoPeople;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const CONTEXT: &str = "password";

pub(crate) struct Scene {
    pub(crate) flow: Flow,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) directory: Arc<TwoPeople>,
    pub(crate) protocol: Arc<Scripted>,
    pub(crate) audit: Arc<Recorded>,
    state: Arc<tempfile::TempDir>,
}

impl Scene {
    /// Two applications (`one`, `two`) of the protocol `scripted`, and the people alice and bob.
    pub(crate) async fn new() -> Self {
        let state = Arc::new(tempfile::tempdir().unwrap());
        let store = open(&state);
        let clock = Arc::new(SetClock(AtomicU64::new(1_800_000_000)));
        let directory = Arc::new(TwoPeople::default());
        *directory.store.lock().unwrap() = Some(Arc::clone(&store));
        let protocol = Arc::new(Scripted::new());
        let audit = Arc::new(Recorded::default());
        for id in ["one", "two"] {
            let application = Application {
                id: id.into(),
                module: "scripted".into(),
                identifier: format!("urn:{id}"),
                name: format!("Application {id}"),
                settings: "{}".into(),
                secret: None,
                disabled: false,
                created_at: clock.now(),
            };
            store.add_application(&application).await.unwrap();
        }
        Self::node(state, store, clock, directory, protocol, audit, 1)
    }

    /// Another node on the same state.
    pub(crate) fn neighbour(&self) -> Self {
        Self::node(
            Arc::clone(&self.state),
            open(&self.state),
            Arc::clone(&self.clock),
            Arc::clone(&self.directory),
            Arc::clone(&self.protocol),
            Arc::clone(&self.audit),
            1 << 32,
        )
    }

    fn node(
        state: Arc<tempfile::TempDir>,
        store: Arc<dyn Store>,
        clock: Arc<SetClock>,
        directory: Arc<TwoPeople>,
        protocol: Arc<Scripted>,
        audit: Arc<Recorded>,
        first_random: u64,
    ) -> Self {
        let installation = Arc::new(Installation {
            base_url: "https://sso.example.com".into(),
            store: Arc::clone(&store),
            directory: Arc::clone(&directory) as Arc<dyn Directory>,
            keys: Arc::new(MacOnly),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            randomness: Arc::new(Counted(AtomicU64::new(first_random))),
            audit: Arc::clone(&audit) as Arc<dyn Audit>,
            throttle: Throttle::default(),
            mailer: None,
            outbound: None,
            tickets: None,
        });
        let modules = ModuleSet {
            protocols: [(
                "scripted".to_owned(),
                EnabledProtocol {
                    module: Arc::clone(&protocol) as Arc<dyn ProtocolModule>,
                    settings: "{}".into(),
                },
            )]
            .into(),
            authenticators: vec![EnabledAuthenticator::new(Arc::new(Password::new()), "{}".into())],
            own_pages: OwnPage::ALL.into(),
            ..ModuleSet::default()
        };
        let flow = Flow::new(installation, Lifetimes::default(), modules);
        Self { flow, store, clock, directory, protocol, audit, state }
    }

    /// Switches an authenticator on after those that are on already.
    pub(crate) fn enable(&self, module: impl AuthenticatorModule + 'static) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        modules.authenticators.push(EnabledAuthenticator::new(Arc::new(module), "{}".into()));
        self.flow.replace_modules(modules);
    }

    /// The same, and lets it send people to these hosts.
    pub(crate) fn enable_sending(&self, module: impl AuthenticatorModule + 'static, redirects: &[&str]) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        let enabled = EnabledAuthenticator::new(Arc::new(module), "{}".into());
        let redirects = Some(redirects.iter().map(|host| (*host).to_owned()).collect());
        modules.authenticators.push(EnabledAuthenticator { redirects, ..enabled });
        self.flow.replace_modules(modules);
    }

    /// Lets the authenticator read these claims of people.
    pub(crate) fn let_read(&self, name: &str, claims: &[&str]) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        for enabled in &mut modules.authenticators {
            if enabled.module.description().name == name {
                enabled.readable = claims.iter().map(|claim| (*claim).to_owned()).collect();
            }
        }
        self.flow.replace_modules(modules);
    }

    /// What becomes of identities that this authenticator names.
    pub(crate) fn provision(&self, name: &str, accounts: AccountRules) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        for enabled in &mut modules.authenticators {
            if enabled.module.description().name == name {
                enabled.accounts = accounts.clone();
            }
        }
        self.flow.replace_modules(modules);
    }

    /// Has people go through these steps.
    pub(crate) fn require(&self, steps: &[&[&str]]) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        let names = |step: &&[&str]| step.iter().map(|name| (*name).to_owned()).collect();
        modules.steps = steps.iter().map(names).collect();
        self.flow.replace_modules(modules);
    }

    /// The same for one application.
    pub(crate) fn require_for(&self, identifier: &str, steps: &[&[&str]]) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        let names = |step: &&[&str]| step.iter().map(|name| (*name).to_owned()).collect();
        modules.steps_for.insert(identifier.into(), steps.iter().map(names).collect());
        self.flow.replace_modules(modules);
    }

    /// Has people prove anew who they are when it is that long ago.
    pub(crate) fn age(&self, identifier: &str, seconds: u64) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        modules.max_age_for.insert(identifier.into(), seconds);
        self.flow.replace_modules(modules);
    }

    /// Lets devices be remembered for so many seconds.
    pub(crate) fn let_remember(&self, seconds: u64) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        modules.remember = seconds;
        self.flow.replace_modules(modules);
    }

    /// Lets people who have nothing set a factor up while they sign in.
    pub(crate) fn let_enrol(&self) {
        let mut modules = ModuleSet::clone(&self.flow.modules());
        modules.enrol_at_sign_in = true;
        self.flow.replace_modules(modules);
    }

    /// What the module answers with next time.
    pub(crate) fn script(&self, outcome: Outcome) {
        *self.protocol.next.lock().unwrap() = Some(outcome);
    }

    /// What the module was resumed with last.
    pub(crate) fn resumed(&self) -> Option<SignOn> {
        self.protocol.resumed.lock().unwrap().take()
    }

    /// What the module was given with the last request.
    pub(crate) fn services(&self) -> Arc<ModuleServices> {
        self.protocol.services.lock().unwrap().take().expect("a request")
    }

    /// What the module was told of a logout.
    pub(crate) fn logout_told(&self) -> Option<bool> {
        self.protocol.ended.lock().unwrap().take()
    }
}

fn open(state: &tempfile::TempDir) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&state.path().join("state.sqlite")).unwrap())
}

/// A demand with nothing special.
pub(crate) fn demand(application: &str) -> Demand {
    Demand {
        relying_party: application.into(),
        force: false,
        passive: false,
        select_account: false,
        max_age: None,
        contexts: Vec::new(),
        login_hint: None,
        consent: Vec::new(),
        consent_anew: false,
        state: b"state".to_vec(),
    }
}

pub(crate) fn logout(session_index: Option<String>) -> Logout {
    Logout { session_index, subject: None, relying_party: Some("one".into()), state: b"bye".to_vec() }
}
