//! A flow over a real SQLite store, with a clock that is set, and a browser that keeps cookies.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use postern_kernel::audit::{Audit, Event};
use postern_kernel::authenticator::{
    self, AuthenticatorModule, Challenge, Context, Factor, Field, FieldKind, Form, Identity, Step,
};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::{Account, Claim, Directory, PasswordVerdict};
use postern_kernel::flow::{
    Action, CookieChange, EnabledAuthenticator, EnabledProtocol, Flow, Lifetimes, ModuleSet, Page, Reply,
    Visitor,
};
use postern_kernel::keys::{KeyRing, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use postern_kernel::module::{
    self, Demand, Document, FormPost, Logout, Method, ModuleFailure, Outcome, ProtocolModule, Refusal,
    Registration, Request, Response, SignOn,
};
use postern_kernel::randomness::Randomness;
use postern_kernel::services::{AuthenticatorServices, Installation, ModuleServices, PasswordCheck};
use postern_kernel::store::{Application, Store};
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
            authenticators: vec![EnabledAuthenticator {
                module: Arc::new(Password::new()),
                settings: "{}".into(),
            }],
        };
        let flow = Flow::new(installation, Lifetimes::default(), modules);
        Self { flow, store, clock, directory, protocol, audit, state }
    }

    /// What the module answers with next time.
    pub(crate) fn script(&self, outcome: Outcome) {
        *self.protocol.next.lock().unwrap() = Some(outcome);
    }

    /// What the module was resumed with last.
    pub(crate) fn resumed(&self) -> Option<SignOn> {
        self.protocol.resumed.lock().unwrap().take()
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
pub(crate) struct Browser {
    pub(crate) session: Option<String>,
    pub(crate) browser: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) address: IpAddr,
}

impl Default for Browser {
    fn default() -> Self {
        Self { session: None, browser: None, device: None, address: IpAddr::from([192, 0, 2, 1]) }
    }
}

impl Browser {
    fn visitor(&self) -> Visitor {
        Visitor {
            session: self.session.clone(),
            browser: self.browser.clone(),
            device: self.device.clone(),
            address: self.address,
            correlation: "test".into(),
            language: "en".into(),
        }
    }

    fn keep(&mut self, reply: Reply) -> Action {
        for (cookie, change) in [
            (&mut self.session, reply.session),
            (&mut self.browser, reply.browser),
            (&mut self.device, reply.device),
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
            Method::Post => Visitor { session: None, browser: None, device: None, ..self.visitor() },
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
            Page::SignIn { transaction, anti_forgery, .. }
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
        Action::Page(Page::SignIn { .. }) => "sign-in".into(),
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
        Self { description, next: Mutex::default(), resumed: Mutex::default(), ended: Mutex::default() }
    }
}

#[async_trait]
impl ProtocolModule for Scripted {
    fn description(&self) -> &module::Description {
        &self.description
    }

    async fn handle(&self, _: Arc<ModuleServices>, _: Request) -> Result<Outcome, ModuleFailure> {
        Ok(self.next.lock().unwrap().take().expect("the test set an outcome"))
    }

    async fn resume(
        &self,
        _: Arc<ModuleServices>,
        state: Vec<u8>,
        result: SignOn,
    ) -> Result<Response, ModuleFailure> {
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
struct Password(authenticator::Description);

impl Password {
    fn new() -> Self {
        Self(authenticator::Description {
            name: "password".into(),
            title: "sign-in.title".into(),
            factor: Factor::Knowledge,
            methods: vec!["pwd".into()],
            context: CONTEXT.into(),
            settings_schema: "{}".into(),
        })
    }
}

#[async_trait]
impl AuthenticatorModule for Password {
    fn description(&self) -> &authenticator::Description {
        &self.0
    }

    async fn begin(&self, _: Arc<AuthenticatorServices>, _: Context) -> Result<Step, ModuleFailure> {
        Ok(Step::Challenge(challenge(None)))
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        _: Context,
        _: Vec<u8>,
        form: Form,
    ) -> Result<Step, ModuleFailure> {
        let value =
            |name: &str| form.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
        let identity =
            |subject: String| Identity { subject, methods: vec!["pwd".into()], context: CONTEXT.into() };
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
    let field = |name: &str, kind| Field {
        name: name.into(),
        kind,
        label: format!("sign-in.{name}"),
        value: String::new(),
        required: true,
        autocomplete: String::new(),
    };
    Challenge {
        title: "sign-in.title".into(),
        fields: vec![field("username", FieldKind::Text), field("password", FieldKind::Secret)],
        submit: "sign-in.submit".into(),
        error: error.map(Into::into),
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
}

impl TwoPeople {
    fn find(&self, username: &str) -> Option<Account> {
        let known = ["alice", "bob"].contains(&username);
        let enabled = !self.disabled.lock().unwrap().iter().any(|disabled| disabled == username);
        (known && enabled).then(|| Account {
            subject: format!("subject-of-{username}"),
            username: username.into(),
            claims: vec![Claim { name: "email".into(), values: vec![format!("{username}@example.com")] }],
        })
    }
}

#[async_trait]
impl Directory for TwoPeople {
    async fn check_password(&self, username: &str, password: &str) -> Result<PasswordVerdict, Unavailable> {
        self.checked.fetch_add(1, Ordering::SeqCst);
        // As a real one does: others come in between.
        tokio::task::yield_now().await;
        let account = self.find(username).filter(|_| password == PASSWORD);
        Ok(account.map_or(PasswordVerdict::Wrong, PasswordVerdict::Correct))
    }

    async fn device_binding(&self, username: &str) -> Result<Option<String>, Unavailable> {
        let set = self.set.load(Ordering::SeqCst);
        Ok(self.find(username).map(|account| format!("{}:{set}", account.subject)))
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

    fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        postern_kernel::randomness::fingerprint(&format!("{purpose}:{}", String::from_utf8_lossy(message))).0
    }
}

/// Audit events by name and code.
#[derive(Default)]
pub(crate) struct Recorded(pub(crate) Mutex<Vec<String>>);

impl Recorded {
    pub(crate) fn has(&self, event: &str) -> bool {
        self.0.lock().unwrap().iter().any(|known| known == event)
    }
}

impl Audit for Recorded {
    fn record(&self, event: &Event<'_>) {
        let code =
            event.fields.iter().find(|(name, _)| ["code", "why"].contains(name)).map_or("", |(_, code)| code);
        self.0.lock().unwrap().push(format!("{} {code}", event.name).trim_end().to_owned());
    }
}
