//! Modules whose answers the test sets, and the password natively.

use async_trait::async_trait;
use postern_kernel::authenticator::{
    self, AuthenticatorModule, Challenge, Context, Element, Factor, Field, FieldKind, Identity, Step, Text,
};
use postern_kernel::module::{
    self, Document, FormPost, Method, ModuleFailure, Outcome, ProtocolModule, Refusal, Registration, Request,
    Response, SignOn,
};
use postern_kernel::services::{AuthenticatorServices, ModuleServices, PasswordCheck};
use std::sync::{Arc, Mutex};

use super::CONTEXT;

/// A protocol whose outcome the test sets.
pub(crate) struct Scripted {
    description: module::Description,
    pub(crate) next: Mutex<Option<Outcome>>,
    pub(crate) resumed: Mutex<Option<SignOn>>,
    pub(crate) ended: Mutex<Option<bool>>,
    /// What it was given last.
    pub(crate) services: Mutex<Option<Arc<ModuleServices>>>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn new() -> Self {
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
