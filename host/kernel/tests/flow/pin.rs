//! A further factor that people set up themselves, natively: a number that they chose. Some numbers make it
//! do what it may not.

use std::sync::Arc;

use async_trait::async_trait;
use postern_kernel::authenticator::{
    AuthenticatorModule, Challenge, Context, Denial, Description, Element, Event, Factor, Field, FieldKind,
    Identity, Person, Purpose, Step, Text, Who,
};
use postern_kernel::module::{FailureReason, ModuleFailure};
use postern_kernel::services::{AuthenticatorServices, CredentialError};

pub(crate) const STRONG: &str = "strong";

pub(crate) struct Pin(Description, &'static str);

impl Pin {
    /// Under this name; `broken` can't serve.
    pub(crate) fn new(name: &str) -> Self {
        Self(
            Description {
                name: name.into(),
                version: "1".into(),
                title: Text::of("pin.title"),
                factors: vec![Factor::Possession],
                methods: vec!["otp".into()],
                contexts: vec![STRONG.into()],
                identifies: false,
                enrols: true,
                settings_schema: "{}".into(),
                translations: [].into(),
            },
            "",
        )
    }

    /// The same from a file with this digest, which says so when it is asked `which`.
    pub(crate) fn of_file(name: &str, digest: &'static str) -> Self {
        Self(Self::new(name).0, digest)
    }

    fn failed(&self, error: &CredentialError) -> ModuleFailure {
        let (module, detail) = (self.0.name.clone(), error.to_string());
        ModuleFailure { module, reason: FailureReason::Output, detail }
    }

    async fn sign_in(
        &self,
        services: &AuthenticatorServices,
        person: &Person,
        typed: &str,
    ) -> Result<Step, ModuleFailure> {
        let identity = |subject: &str, method: &str, context: &str| {
            let (subject, context) = (subject.to_owned(), context.to_owned());
            let remember = Some(86_400);
            Step::Authenticated(Identity {
                who: Who::Account(subject),
                methods: vec![method.into()],
                context,
                remember,
            })
        };
        match typed {
            "names-bob" => return Ok(identity("subject-of-bob", "otp", STRONG)),
            "other-context" => return Ok(identity(&person.subject, "otp", "stronger")),
            "other-method" => return Ok(identity(&person.subject, "hwk", STRONG)),
            "enrolled" => return Ok(Step::Enrolled),
            "adds" => {
                let added = services.add_credential(&person.subject, "", b"0").await;
                return Err(self.failed(&added.unwrap_err()));
            }
            "which" => {
                let text = Text { key: "pin.file".into(), arguments: vec![("file".into(), self.1.into())] };
                return Ok(Step::Denied(Denial { text, reason: self.1.into() }));
            }
            "reads" | "reads-bob" | "reads-more" => {
                let subject = if typed == "reads-bob" { "subject-of-bob" } else { &person.subject };
                let more = if typed == "reads-more" { "groups" } else { "unheard-of" };
                let names = ["unheard-of", "email", more].map(str::to_owned);
                let names = &names[..if more == "groups" { 3 } else { 2 }];
                let read = services.attributes(subject, names).await.map_err(|error| {
                    let (module, detail) = (self.0.name.clone(), error.to_string());
                    ModuleFailure { module, reason: FailureReason::Output, detail }
                })?;
                let told: Vec<_> = read.iter().flat_map(|claim| &claim.values).cloned().collect();
                return Ok(Step::Denied(Denial { text: Text::of("pin.denied"), reason: told.join(" ") }));
            }
            "away" => return Ok(Step::Unavailable("gone".into())),
            "denied" => {
                let (text, reason) = (Text::of("pin.denied"), "on purpose".into());
                return Ok(Step::Denied(Denial { text, reason }));
            }
            _ => {}
        }
        let known = services.credentials(&person.subject).await.map_err(|error| self.failed(&error))?;
        let is_right = known.iter().any(|credential| credential.data.as_slice() == typed.as_bytes());
        Ok(if is_right { identity(&person.subject, "otp", STRONG) } else { ask(Some("pin.wrong")) })
    }

    async fn enrol(
        &self,
        services: &AuthenticatorServices,
        person: &Person,
        typed: &str,
    ) -> Result<Step, ModuleFailure> {
        let subject = if typed == "for-bob" { "subject-of-bob" } else { &person.subject };
        let added = services.add_credential(subject, "Number", typed.as_bytes()).await;
        added.map(|_| Step::Enrolled).map_err(|error| self.failed(&error))
    }
}

fn ask(error: Option<&str>) -> Step {
    Step::Challenge(Challenge {
        title: Text::of("pin.ask"),
        elements: vec![Element::Field(Field {
            name: "code".into(),
            kind: FieldKind::OneTimeCode,
            label: Text::of("pin.code"),
            value: String::new(),
            required: true,
            autocomplete: String::new(),
        })],
        submit: Text::of("sign-in.submit"),
        error: error.map(Text::of),
        state: b"a secret that is being set up".to_vec(),
    })
}

#[async_trait]
impl AuthenticatorModule for Pin {
    fn description(&self) -> &Description {
        &self.0
    }

    fn digest(&self) -> &str {
        self.1
    }

    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure> {
        if self.0.name == "broken" {
            return Ok(Step::Unavailable("broken".into()));
        }
        let person = context.person.expect("it is no first step");
        let known = services.credentials(&person.subject).await.map_err(|error| self.failed(&error))?;
        Ok(if context.purpose == Purpose::SignIn && known.is_empty() { Step::NotEnrolled } else { ask(None) })
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        event: Event,
    ) -> Result<Step, ModuleFailure> {
        let Event::Form(form) = event else { panic!("{event:?}") };
        assert_eq!(state, b"a secret that is being set up");
        let person = context.person.expect("it is no first step");
        let typed = form.single("code").unwrap_or_default();
        match context.purpose {
            Purpose::SignIn => self.sign_in(&services, &person, typed).await,
            Purpose::Enrol => self.enrol(&services, &person, typed).await,
        }
    }
}
