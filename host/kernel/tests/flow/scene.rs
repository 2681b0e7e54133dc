//! A flow over a real SQLite store, with a clock that is set, and a browser that keeps cookies.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use postern_kernel::audit::{Audit, Event};
use postern_kernel::authenticator::{
    self, AuthenticatorModule, Challenge, Context, Element, Factor, Field, FieldKind, Identity, Step, Text,
};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::{Account, Claim, Creation, Directory, PasswordChange, PasswordVerdict};
use postern_kernel::flow::{
    AccountRules, Action, CookieChange, EnabledAuthenticator, EnabledProtocol, FactorsPage, Flow, Lifetimes,
    ModuleSet, OwnPage, Page, PasswordPage, Reply, Return, SessionsPage, SignInPage, Visitor,
};
use postern_kernel::keys::{KeyRing, Opened, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use postern_kernel::module::{
    self, Demand, Document, FormPost, Logout, Method, ModuleFailure, Outcome, ProtocolModule, Refusal,
    Registration, Request, Response, SignOn,
};
use postern_kernel::randomness::Randomness;
use postern_kernel::services::{AuthenticatorServices, Installation, ModuleServices, PasswordCheck};
use postern_kernel::store::{Application, Link, Store};
use postern_kernel::throttle::Throttle;
use postern_kernel::unavailable::Unavailable;
use postern_store::SqliteStore;

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

/// A browser: cookies, and the requests that a person makes with it.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) session: Option<String>,
    pub(crate) browser: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) remembered: Option<String>,
    pub(crate) address: IpAddr,
    pub(crate) headers: Vec<(String, String)>,
}

impl Default for Browser {
    fn default() -> Self {
        Self {
            session: None,
            browser: None,
            device: None,
            remembered: None,
            address: IpAddr::from([192, 0, 2, 1]),
            headers: Vec::new(),
        }
    }
}

impl Browser {
    fn visitor(&self) -> Visitor {
        Visitor {
            session: self.session.clone(),
            browser: self.browser.clone(),
            device: self.device.clone(),
            remembered: self.remembered.clone(),
            address: self.address,
            correlation: "test".into(),
            language: "en".into(),
            user_agent: "Browser/1".into(),
            headers: self.headers.clone(),
            client_certificate: None,
        }
    }

    fn keep(&mut self, reply: Reply) -> Action {
        for (cookie, change) in [
            (&mut self.session, reply.session),
            (&mut self.browser, reply.browser),
            (&mut self.device, reply.device),
            (&mut self.remembered, reply.remembered),
        ] {
            match change {
                CookieChange::Keep => {}
                CookieChange::Set(value) => *cookie = Some(value),
                CookieChange::Clear => *cookie = None,
            }
        }
        reply.action
    }

    /// Opens the module's endpoint.
    pub(crate) async fn open(&mut self, scene: &Scene, method: Method) -> Action {
        let request = Request {
            method,
            path: "/scripted".into(),
            query: String::new(),
            content_type: None,
            authorization: None,
            body: Vec::new(),
        };
        // A POST from another site carries no cookies.
        let visitor = match method {
            Method::Get => self.visitor(),
            Method::Post => {
                Visitor { session: None, browser: None, device: None, remembered: None, ..self.visitor() }
            }
        };
        let reply = scene.flow.handle(&visitor, "scripted", request).await;
        self.keep(reply)
    }

    /// Follows a redirect to one of our own pages.
    pub(crate) async fn follow(&mut self, scene: &Scene, action: Action) -> Action {
        let Action::Redirect(location) = action else { panic!("not a redirect") };
        let (path, id) = location.split_once("?t=").expect(&location);
        let visitor = self.visitor();
        let reply = match path {
            "/commonauth" => scene.flow.proceed(&visitor, id).await,
            "/authenticationendpoint/login" => scene.flow.show(&visitor, id).await,
            other => panic!("{other} is not a page of ours"),
        };
        self.keep(reply)
    }

    /// Comes back to an authenticator's path by GET.
    pub(crate) async fn come_back(&mut self, scene: &Scene, authenticator: &str, state: &str) -> Action {
        self.come_back_with(scene, authenticator, state, &format!("state={state}")).await
    }

    /// The same with this query.
    pub(crate) async fn come_back_with(
        &mut self,
        scene: &Scene,
        authenticator: &str,
        state: &str,
        encoded: &str,
    ) -> Action {
        let reply = scene.flow.returned(&self.visitor(), back(authenticator, state, encoded)).await;
        self.keep(reply)
    }

    /// The same by POST, which brings no cookies; where it is sent on to.
    pub(crate) async fn post_back(
        &mut self,
        scene: &Scene,
        authenticator: &str,
        state: &str,
        encoded: &str,
    ) -> Action {
        let visitor =
            Visitor { session: None, browser: None, device: None, remembered: None, ..self.visitor() };
        let reply = scene.flow.posted(&visitor, back(authenticator, state, encoded)).await;
        self.keep(reply)
    }

    /// Fetches what was posted.
    pub(crate) async fn fetch(&mut self, scene: &Scene, authenticator: &str, handle: &str) -> Action {
        let reply = scene.flow.fetched(&self.visitor(), authenticator, handle).await;
        self.keep(reply)
    }

    /// Follows redirects up to a page, the application or another site.
    pub(crate) async fn follow_on(&mut self, scene: &Scene, mut action: Action) -> Action {
        while matches!(&action, Action::Redirect(location) if location.starts_with('/')) {
            action = self.follow(scene, action).await;
        }
        action
    }

    /// Opens the page of a transaction again.
    pub(crate) async fn open_again(&mut self, scene: &Scene, transaction: &str) -> Action {
        let reply = scene.flow.show(&self.visitor(), transaction).await;
        self.keep(reply)
    }

    /// Opens the person's own page.
    pub(crate) async fn open_factors(&mut self, scene: &Scene) -> Action {
        self.open_own(scene, OwnPage::Factors).await
    }

    /// Opens one of the person's own pages.
    pub(crate) async fn open_own(&mut self, scene: &Scene, page: OwnPage) -> Action {
        let reply = scene.flow.own_page(&self.visitor(), page).await;
        self.keep(reply)
    }

    /// Sends a form and follows what comes, up to a page or the application.
    pub(crate) async fn send_on(
        &mut self,
        scene: &Scene,
        action: &str,
        page: &PageForm,
        fields: &[(&str, &str)],
    ) -> Action {
        let done = self.send(scene, action, page, fields).await;
        self.follow_on(scene, done).await
    }

    /// The action `sign-in` with the field by which a device is remembered, up to a page or the application.
    pub(crate) async fn send_ticked(
        &mut self,
        scene: &Scene,
        page: &PageForm,
        ticked: &str,
        fields: &[(&str, &str)],
    ) -> Action {
        let mut form = vec![
            ("t".to_owned(), page.transaction.clone()),
            ("anti-forgery".to_owned(), page.anti_forgery.clone()),
            ("action".to_owned(), "sign-in".to_owned()),
            ("remember".to_owned(), ticked.to_owned()),
        ];
        form.extend(fields.iter().map(|(name, value)| (format!("f.{name}"), (*value).to_owned())));
        let reply = scene.flow.submit(&self.visitor(), form).await;
        let mut done = self.keep(reply);
        while let Action::Redirect(_) = done {
            done = self.follow(scene, done).await;
        }
        done
    }

    /// Sends a page's form.
    pub(crate) async fn send(
        &mut self,
        scene: &Scene,
        action: &str,
        page: &PageForm,
        fields: &[(&str, &str)],
    ) -> Action {
        let mut form = vec![
            ("t".to_owned(), page.transaction.clone()),
            ("anti-forgery".to_owned(), page.anti_forgery.clone()),
            ("action".to_owned(), action.to_owned()),
        ];
        form.extend(fields.iter().map(|(name, value)| (format!("f.{name}"), (*value).to_owned())));
        let reply = scene.flow.submit(&self.visitor(), form).await;
        self.keep(reply)
    }

    /// From the module's endpoint to the sign-in page.
    pub(crate) async fn reach_sign_in(&mut self, scene: &Scene, demand: Demand) -> PageForm {
        scene.script(Outcome::Authenticate(demand));
        let action = self.open(scene, Method::Get).await;
        form(self.follow(scene, action).await)
    }

    /// The whole way with the right password.
    pub(crate) async fn sign_in(&mut self, scene: &Scene, username: &str, demand: Demand) -> Action {
        let page = self.reach_sign_in(scene, demand).await;
        self.send(scene, "sign-in", &page, &[("username", username), ("password", PASSWORD)]).await
    }
}

fn back(authenticator: &str, state: &str, encoded: &str) -> Return {
    Return { authenticator: authenticator.into(), state: state.into(), encoded: encoded.to_owned().into() }
}

/// What a page's form sends back unseen.
#[derive(Clone)]
pub(crate) struct PageForm {
    pub(crate) transaction: String,
    pub(crate) anti_forgery: String,
}

/// The form of a page that asks something.
pub(crate) fn form(action: Action) -> PageForm {
    match action {
        Action::Page(
            Page::SignIn(SignInPage { transaction, anti_forgery, .. })
            | Page::Factors(FactorsPage { transaction, anti_forgery, .. })
            | Page::Sessions(SessionsPage { transaction, anti_forgery, .. })
            | Page::Password(PasswordPage { transaction, anti_forgery, .. })
            | Page::Consent { transaction, anti_forgery, .. }
            | Page::ConfirmSignOut { transaction, anti_forgery, .. },
        ) => PageForm { transaction, anti_forgery },
        other => panic!("not a form: {}", name(&other)),
    }
}

/// An action by name, for assertions.
pub(crate) fn name(action: &Action) -> String {
    match action {
        Action::Document(document) => format!("document {}", document.status),
        Action::Redirect(location) => format!("redirect {}", location.split('?').next().unwrap_or_default()),
        Action::FormPost(form) => format!("form-post {}", form.action),
        Action::Page(Page::SignIn(page)) => page.challenge.title.key.clone(),
        Action::Page(Page::Factors(_)) => "factors".into(),
        Action::Page(Page::Sessions(_)) => "sessions".into(),
        Action::Page(Page::Password(_)) => "password".into(),
        Action::Page(Page::Consent { .. }) => "consent".into(),
        Action::Page(Page::ConfirmSignOut { .. }) => "confirm-sign-out".into(),
        Action::Page(Page::SignedOut) => "signed-out".into(),
        Action::Page(Page::Refused { status, message, .. }) => format!("refused {status} {message}"),
    }
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

/// A protocol whose outcome the test sets.
pub(crate) struct Scripted {
    description: module::Description,
    pub(crate) next: Mutex<Option<Outcome>>,
    resumed: Mutex<Option<SignOn>>,
    ended: Mutex<Option<bool>>,
    /// What it was given last.
    services: Mutex<Option<Arc<ModuleServices>>>,
}

impl Scripted {
    fn new() -> Self {
        let description = module::Description {
            name: "scripted".into(),
            title: "Scripted".into(),
            endpoints: vec![module::Endpoint {
                path: "/scripted".into(),
                methods: vec![Method::Get, Method::Post],
                content_types: vec!["application/x-www-form-urlencoded".into()],
                max_body: 1_000,
                max_query: 1_000,
                query_parameters: Vec::new(),
                ignores_other_parameters: true,
                audience: module::Audience::Browser,
            }],
            signing: Vec::new(),
            edge_fields: Vec::new(),
        };
        Self {
            description,
            next: Mutex::default(),
            resumed: Mutex::default(),
            ended: Mutex::default(),
            services: Mutex::default(),
        }
    }
}

#[async_trait]
impl ProtocolModule for Scripted {
    fn description(&self) -> &module::Description {
        &self.description
    }

    async fn handle(&self, services: Arc<ModuleServices>, _: Request) -> Result<Outcome, ModuleFailure> {
        *self.services.lock().unwrap() = Some(services);
        Ok(self.next.lock().unwrap().take().expect("the test set an outcome"))
    }

    async fn resume(
        &self,
        services: Arc<ModuleServices>,
        state: Vec<u8>,
        result: SignOn,
    ) -> Result<Response, ModuleFailure> {
        *self.services.lock().unwrap() = Some(services);
        assert_eq!(state, b"state");
        *self.resumed.lock().unwrap() = Some(result);
        Ok(Response::FormPost(FormPost {
            action: "https://app.example".into(),
            fields: Vec::new(),
            refusal: None,
        }))
    }

    async fn logged_out(
        &self,
        _: Arc<ModuleServices>,
        state: Vec<u8>,
        ended: bool,
    ) -> Result<Response, ModuleFailure> {
        assert_eq!(state, b"bye");
        *self.ended.lock().unwrap() = Some(ended);
        Ok(Response::SignedOut)
    }

    async fn register(
        &self,
        _: Arc<ModuleServices>,
        _: Vec<u8>,
    ) -> Result<Result<Registration, Refusal>, ModuleFailure> {
        unreachable!("no test registers here")
    }
}

/// Answers with a document.
pub(crate) fn document() -> Outcome {
    Outcome::Respond(Response::Document(Document {
        status: 200,
        content_type: "application/json".into(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
        refusal: None,
    }))
}

/// The password authenticator's logic, natively; `mallory` is what a forging one would answer.
pub(crate) struct Password(authenticator::Description);

impl Password {
    fn new() -> Self {
        Self::named("password")
    }

    pub(crate) fn named(name: &str) -> Self {
        Self(authenticator::Description {
            name: name.into(),
            version: "1".into(),
            title: Text::of("sign-in.title"),
            factors: vec![Factor::Knowledge],
            methods: vec!["pwd".into()],
            contexts: vec![CONTEXT.into()],
            identifies: true,
            enrols: false,
            settings_schema: "{}".into(),
            translations: [].into(),
        })
    }
}

#[async_trait]
impl AuthenticatorModule for Password {
    fn description(&self) -> &authenticator::Description {
        &self.0
    }

    async fn begin(&self, _: Arc<AuthenticatorServices>, context: Context) -> Result<Step, ModuleFailure> {
        let mut asked = challenge(None);
        // As the real one does.
        if let Some(Element::Field(name)) = asked.elements.first_mut() {
            name.value = context.login_hint.unwrap_or_default();
        }
        Ok(Step::Challenge(asked))
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        _: Context,
        _: Vec<u8>,
        event: authenticator::Event,
    ) -> Result<Step, ModuleFailure> {
        let authenticator::Event::Form(form) = event else { panic!("{event:?}") };
        let value =
            |name: &str| form.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
        let identity = |subject: String| Identity {
            who: authenticator::Who::Account(subject),
            methods: vec!["pwd".into()],
            context: CONTEXT.into(),
            remember: Some(600),
        };
        if value("username") == "mallory" {
            return Ok(Step::Authenticated(identity("subject-of-alice".into())));
        }
        Ok(match services.check_password(&value("username"), &value("password")).await {
            PasswordCheck::Correct { subject, .. } => Step::Authenticated(identity(subject)),
            PasswordCheck::Wrong => Step::Challenge(challenge(Some("sign-in.wrong"))),
            PasswordCheck::Throttled(_) => Step::Challenge(challenge(Some("sign-in.throttled"))),
            PasswordCheck::Unavailable => Step::Unavailable("queue".into()),
        })
    }
}

fn challenge(error: Option<&str>) -> Challenge {
    let field = |name: &str, kind| {
        Element::Field(Field {
            name: name.into(),
            kind,
            label: Text::of(&format!("sign-in.{name}")),
            value: String::new(),
            required: true,
            autocomplete: String::new(),
        })
    };
    Challenge {
        title: Text::of("sign-in.title"),
        elements: vec![field("username", FieldKind::Text), field("password", FieldKind::Secret)],
        submit: Text::of("sign-in.submit"),
        error: error.map(Text::of),
        state: Vec::new(),
    }
}

/// Alice and Bob, who may be disabled.
#[derive(Default)]
pub(crate) struct TwoPeople {
    pub(crate) disabled: Mutex<Vec<String>>,
    /// Passwords that were looked at.
    pub(crate) checked: AtomicU64,
    /// How often alice's password was set.
    pub(crate) set: AtomicU64,
    /// Alice's, when it was changed.
    pub(crate) changed: Mutex<Option<String>>,
    /// People who came from elsewhere.
    pub(crate) made: Mutex<Vec<Account>>,
    /// Their links are there.
    pub(crate) store: Mutex<Option<Arc<dyn Store>>>,
}

impl TwoPeople {
    fn find(&self, username: &str) -> Option<Account> {
        let made = self.made.lock().unwrap().iter().find(|made| made.username == username).cloned();
        let known = made.is_some() || ["alice", "bob"].contains(&username);
        let enabled = !self.disabled.lock().unwrap().iter().any(|disabled| disabled == username);
        let local = || Account {
            subject: format!("subject-of-{username}"),
            username: username.into(),
            claims: vec![Claim { name: "email".into(), values: vec![format!("{username}@example.com")] }],
        };
        (known && enabled).then(|| made.unwrap_or_else(local))
    }
}

#[async_trait]
impl Directory for TwoPeople {
    async fn check_password(&self, username: &str, password: &str) -> Result<PasswordVerdict, Unavailable> {
        self.checked.fetch_add(1, Ordering::SeqCst);
        // As a real one does: others come in between.
        tokio::task::yield_now().await;
        let changed = self.changed.lock().unwrap().clone().filter(|_| username == "alice");
        let right = changed.unwrap_or_else(|| PASSWORD.into());
        let account = self.find(username).filter(|_| password == right);
        Ok(account.map_or(PasswordVerdict::Wrong, PasswordVerdict::Correct))
    }

    async fn device_binding(&self, username: &str) -> Result<Option<String>, Unavailable> {
        let set = self.set.load(Ordering::SeqCst);
        Ok(self.find(username).map(|account| format!("{}:{set}", account.subject)))
    }

    async fn change_password(&self, subject: &str, new: &str) -> Result<PasswordChange, Unavailable> {
        if subject != "subject-of-alice" {
            return Ok(PasswordChange::Elsewhere);
        }
        if new.len() < 8 {
            return Ok(PasswordChange::TooShort);
        }
        *self.changed.lock().unwrap() = Some(new.into());
        self.set.fetch_add(1, Ordering::SeqCst);
        Ok(PasswordChange::Changed)
    }

    async fn create_account(
        &self,
        username: &str,
        claims: &[Claim],
        link: Link,
    ) -> Result<Creation, Unavailable> {
        if username.is_empty() {
            return Ok(Creation::Refused("no name".into()));
        }
        if ["alice", "bob"].contains(&username) {
            return Ok(Creation::Exists);
        }
        let subject = format!("subject-of-{username}");
        let store = self.store.lock().unwrap().clone().unwrap();
        let account =
            Account { subject: subject.clone(), username: username.into(), claims: claims.to_vec() };
        if !store.add_link(&Link { subject, ..link }, 1).await? {
            return Ok(Creation::Exists);
        }
        self.made.lock().unwrap().push(account.clone());
        Ok(Creation::Created(account))
    }

    async fn update_claims(&self, subject: &str, claims: &[Claim]) -> Result<bool, Unavailable> {
        let mut made = self.made.lock().unwrap();
        let found = made.iter_mut().find(|made| made.subject == subject);
        Ok(found.map(|made| made.claims = claims.to_vec()).is_some())
    }

    async fn has_password(&self, username: &str) -> Result<bool, Unavailable> {
        Ok(["alice", "bob"].contains(&username))
    }

    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable> {
        Ok(subject.strip_prefix("subject-of-").and_then(|username| self.find(username)))
    }
}

/// A clock that the test sets.
pub(crate) struct SetClock(AtomicU64);

impl SetClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes each time.
struct Counted(AtomicU64);

impl Randomness for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, value) in buffer.iter_mut().zip(count.iter().cycle()) {
            *byte = *value;
        }
    }
}

/// The flow signs nothing itself; it makes tokens.
struct MacOnly;

#[async_trait]
impl KeyRing for MacOnly {
    async fn provide(&self, _: &str, _: &[SigningAlgorithm]) -> Result<(), Unavailable> {
        Ok(())
    }

    fn sign(&self, _: &str, _: SigningAlgorithm, _: &[u8]) -> Result<Signature, Unavailable> {
        Err(Unavailable::new("keys", "no keys in this test"))
    }

    fn published(&self, _: &str) -> Vec<PublishedKey> {
        Vec::new()
    }

    fn verify(&self, _: PeerAlgorithm, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        false
    }

    /// Not secret: bound to its place, and to be told from what went in.
    fn seal(&self, place: &[&str], value: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let turned = value.iter().map(|byte| byte ^ 0x55);
        Ok(format!("{place:?}").into_bytes().into_iter().chain(turned).collect())
    }

    fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Opened, Unavailable> {
        let place = format!("{place:?}");
        let value = sealed.strip_prefix(place.as_bytes());
        let value = value.ok_or_else(|| Unavailable::new("keys", "sealed elsewhere"))?;
        Ok(value.iter().map(|byte| byte ^ 0x55).collect::<Vec<_>>().into())
    }

    fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        postern_kernel::randomness::fingerprint(&format!("{purpose}:{}", String::from_utf8_lossy(message))).0
    }
}

/// Audit events by name and code, and by name and module.
#[derive(Default)]
pub(crate) struct Recorded(pub(crate) Mutex<Vec<String>>, Mutex<Vec<String>>);

impl Recorded {
    pub(crate) fn has(&self, event: &str) -> bool {
        self.0.lock().unwrap().iter().any(|known| known == event)
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
        self.1.lock().unwrap().clear();
    }

    /// Whether the event is about this module: both with a space between.
    pub(crate) fn by(&self, event: &str) -> bool {
        self.1.lock().unwrap().iter().any(|known| known == event)
    }
}

impl Audit for Recorded {
    fn record(&self, event: &Event<'_>) {
        let code =
            event.fields.iter().find(|(name, _)| ["code", "why"].contains(name)).map_or("", |(_, code)| code);
        self.1.lock().unwrap().push(format!("{} {}", event.name, event.module.unwrap_or_default()));
        self.0.lock().unwrap().push(format!("{} {code}", event.name).trim_end().to_owned());
    }
}
