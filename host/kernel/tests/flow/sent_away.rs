//! An authenticator that sends people elsewhere, natively. What they come back with says what it does then.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postern_kernel::authenticator::{
    AuthenticatorModule, Carrier, Challenge, ClaimSet, Context, Demanded, Denial, Description, Event, Factor,
    Identity, PostedFields, Purpose, Redirection, Returned, Step, Text, Who,
};
use postern_kernel::directory::Claim;
use postern_kernel::module::{FailureReason, ModuleFailure};
use postern_kernel::services::{AuthenticatorServices, PostedTwice};

use crate::pin::STRONG;

pub(crate) const STATE: &[u8] = b"the verifier of this attempt";

/// What it was called with.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) redirect_uri: String,
    /// What it sent along, the last one last.
    pub(crate) states: Vec<String>,
    pub(crate) returned: Vec<String>,
    /// What was asked of the sign-in, at the beginning of each and when the person was back.
    pub(crate) demanded: Vec<Demanded>,
    /// How those came who came back.
    pub(crate) carriers: Vec<Option<Carrier>>,
}

impl Seen {
    pub(crate) fn state(&self) -> String {
        self.states.last().cloned().unwrap_or_default()
    }
}

pub(crate) struct SentAway {
    description: Description,
    /// Where it sends people.
    url: String,
    title: Option<&'static str>,
    heeds: bool,
    /// And with what, when it is by POST.
    post: Option<PostedFields>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl SentAway {
    pub(crate) fn new(name: &str, url: &str) -> Self {
        Self {
            description: Description {
                name: name.into(),
                version: "1".into(),
                title: Text::of("away.title"),
                factors: vec![Factor::Possession],
                methods: vec!["fed".into()],
                contexts: vec![STRONG.into()],
                identifies: true,
                enrols: true,
                settings_schema: "{}".into(),
                translations: [].into(),
            },
            url: url.into(),
            title: None,
            heeds: true,
            post: None,
            seen: Arc::default(),
        }
    }

    /// The same as a further factor, which people set up.
    pub(crate) fn further(name: &str, url: &str) -> Self {
        let mut own = Self::new(name, url);
        own.description.identifies = false;
        own
    }

    /// The same, which never asks what is demanded.
    pub(crate) fn heedless(name: &str, url: &str) -> Self {
        Self { heeds: false, ..Self::new(name, url) }
    }

    /// The same, which the operator calls so.
    pub(crate) fn titled(name: &str, url: &str, title: &'static str) -> Self {
        Self { title: Some(title), ..Self::new(name, url) }
    }

    /// The same, which has this field posted there.
    pub(crate) fn posting(name: &str, url: &str, field: (&str, &str)) -> Self {
        let post = Some(PostedFields(vec![(field.0.into(), field.1.into())]));
        Self { post, ..Self::new(name, url) }
    }

    fn send(&self, services: &AuthenticatorServices, context: &Context) -> Step {
        if let Some(post) = &self.post {
            services.post_fields(post.clone()).unwrap();
            assert_eq!(services.post_fields(post.clone()), Err(PostedTwice));
        }
        let mut seen = self.seen.lock().unwrap();
        seen.redirect_uri.clone_from(&context.return_uri);
        seen.states.push(context.redirect_state.clone());
        Step::Redirect(Redirection { url: self.url.clone(), state: STATE.to_vec() })
    }
}

#[async_trait]
impl AuthenticatorModule for SentAway {
    fn description(&self) -> &Description {
        &self.description
    }

    fn heeds_demands(&self) -> bool {
        self.heeds
    }

    fn title(&self) -> Option<&str> {
        self.title
    }

    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure> {
        if let Some(person) = context.person.as_ref().filter(|_| !self.description.identifies)
            && context.purpose == Purpose::SignIn
            && services.credentials(&person.subject).await.unwrap().is_empty()
        {
            return Ok(Step::NotEnrolled);
        }
        self.seen.lock().unwrap().demanded.push(services.demanded().clone());
        Ok(self.send(&services, &context))
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        event: Event,
    ) -> Result<Step, ModuleFailure> {
        assert_eq!(state, STATE);
        self.seen.lock().unwrap().demanded.push(services.demanded().clone());
        let Event::Returned(Returned(encoded)) = event else { return Ok(self.send(&services, &context)) };
        {
            let mut seen = self.seen.lock().unwrap();
            seen.returned.push(encoded.clone());
            seen.carriers.push(services.came_back_by());
        }
        let answer = encoded.split('&').find_map(|field| field.strip_prefix("answer=")).unwrap_or("good");
        Ok(match answer {
            "denied" => {
                Step::Denied(Denial { text: Text::of("away.denied"), reason: "access_denied".into() })
            }
            "again" => self.send(&services, &context),
            "wrong" => Step::Challenge(Challenge {
                title: Text::of("away.wrong"),
                elements: Vec::new(),
                submit: Text::of("sign-in.submit"),
                error: Some(Text::of("away.wrong")),
                state: STATE.to_vec(),
            }),
            "breaks" => {
                return Err(ModuleFailure {
                    module: self.description.name.clone(),
                    reason: FailureReason::Trap,
                    detail: "on purpose".into(),
                });
            }
            _ if context.purpose == Purpose::Enrol => {
                let subject = context.person.unwrap().subject;
                services.add_credential(&subject, "Away", encoded.as_bytes()).await.unwrap();
                Step::Enrolled
            }
            _ => Step::Authenticated(Identity {
                who: claims(&encoded).unwrap_or_else(|| {
                    Who::Account(context.person.map(|person| person.subject).unwrap_or_default())
                }),
                methods: vec!["fed".into()],
                context: STRONG.into(),
                remember: None,
            }),
        })
    }
}

/// The query's `issuer` and `subject`, with its other fields as claims.
fn claims(encoded: &str) -> Option<Who> {
    let fields: Vec<(&str, &str)> = encoded.split('&').filter_map(|field| field.split_once('=')).collect();
    let of =
        |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let subject = of("subject")?;
    let issuer = of("issuer").unwrap_or_else(|| "https://login.example.org".into());
    let claim = |(name, value): &(&str, &str)| Claim { name: (*name).into(), values: vec![(*value).into()] };
    Some(Who::Claims(ClaimSet { issuer, subject, claims: fields.iter().map(claim).collect() }))
}
