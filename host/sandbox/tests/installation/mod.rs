//! An installation for the sandbox's tests. The store is one that is away but for what the guests
//! ask of it, so that what happens then can be tested; one answer takes its time.

// Each test file uses a part of this.
#![allow(dead_code)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use postern_kernel::audit::{Audit, Event};
use postern_kernel::authenticator::{Context, Description, Origin, Person, Purpose};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::{Account, Claim, Directory, PasswordVerdict};
use postern_kernel::keys::{KeyRing, Opened, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use postern_kernel::mail::{Mail, Mailer};
use postern_kernel::module::{Method, Request};
use postern_kernel::outbound::Outbound;
use postern_kernel::randomness::Randomness;
use postern_kernel::services::{AuthenticatorCall, AuthenticatorServices, Installation, ModuleServices};
use postern_kernel::throttle::Throttle;
use postern_kernel::unavailable::Unavailable;

mod store;

/// A component that `cargo xtask build` made, or the line that says so.
pub(crate) fn artefact(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/postern").join(name);
    std::fs::read(&path).unwrap_or_else(|_| panic!("run: cargo xtask build"))
}

/// The audit events that were recorded.
#[derive(Default)]
pub(crate) struct Recorder(pub(crate) Mutex<Vec<String>>);

impl Audit for Recorder {
    fn record(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.name.to_owned());
    }
}

pub(crate) fn installation() -> Arc<Installation> {
    Arc::new(Installation {
        base_url: "https://sso.example.com".into(),
        store: Arc::new(store::Away::default()),
        directory: Arc::new(OnePerson),
        keys: Arc::new(NoKeys),
        clock: Arc::new(Noon),
        randomness: Arc::new(Counting::default()),
        audit: Arc::new(Recorder::default()),
        throttle: Throttle::default(),
        mailer: None,
        outbound: None,
        tickets: None,
    })
}

/// The messages that were sent, as address, subject line and body.
#[derive(Default)]
pub(crate) struct Mailbox {
    pub(crate) mails: Mutex<Vec<(String, String, String)>>,
    pub(crate) is_away: AtomicBool,
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, mail: Mail) -> Result<(), Unavailable> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Unavailable::new("mail", "away"));
        }
        self.mails.lock().unwrap().push((mail.to.as_text(), mail.subject_line, mail.body));
        Ok(())
    }
}

/// An installation with a mailbox, in which `subject-1` has this address, if any, and a clock that is set.
pub(crate) fn with_mail(email: Option<&str>) -> (Arc<Installation>, Arc<Mailbox>, Arc<AtomicU64>) {
    let (mailbox, now) = (Arc::new(Mailbox::default()), Arc::new(AtomicU64::new(1_800_000_000)));
    let Installation { base_url, store, keys, randomness, audit, throttle, .. } =
        Arc::into_inner(installation()).unwrap();
    let installation = Installation {
        base_url,
        store,
        directory: Arc::new(WithAddress(email.map(Into::into))),
        keys,
        clock: Arc::new(Set(Arc::clone(&now))),
        randomness,
        audit,
        throttle,
        mailer: Some(Arc::clone(&mailbox) as Arc<dyn Mailer>),
        outbound: None,
        tickets: None,
    };
    (Arc::new(installation), mailbox, now)
}

/// An installation that makes these calls outside.
pub(crate) fn with_outbound(outbound: Arc<dyn Outbound>) -> Arc<Installation> {
    let installation = Arc::into_inner(installation()).unwrap();
    Arc::new(Installation { outbound: Some(outbound), ..installation })
}

struct Set(Arc<AtomicU64>);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct WithAddress(Option<String>);

#[async_trait]
impl Directory for WithAddress {
    async fn check_password(&self, _username: &str, _password: &str) -> Result<PasswordVerdict, Unavailable> {
        Ok(PasswordVerdict::Wrong)
    }

    async fn device_binding(&self, _username: &str) -> Result<Option<String>, Unavailable> {
        Ok(None)
    }

    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable> {
        let email = |value: &String| Claim { name: "email".into(), values: vec![value.clone()] };
        let account = Account {
            subject: "subject-1".into(),
            username: "anna".into(),
            claims: self.0.iter().map(email).collect(),
        };
        Ok((subject == "subject-1").then_some(account))
    }
}

pub(crate) fn services() -> Arc<ModuleServices> {
    Arc::new(ModuleServices::new(installation(), "hostile", "{}", "correlation-1"))
}

/// At sign-in, with nobody known.
pub(crate) fn authenticator_services() -> Arc<AuthenticatorServices> {
    services_about(installation(), "password", Purpose::SignIn, None)
}

pub(crate) fn services_about(
    installation: Arc<Installation>,
    authenticator: &str,
    purpose: Purpose,
    subject: Option<&str>,
) -> Arc<AuthenticatorServices> {
    let origin = Origin { address: IpAddr::V4(Ipv4Addr::LOCALHOST), device: None };
    let call =
        AuthenticatorCall { authenticator: authenticator.into(), purpose, subject: subject.map(Into::into) };
    Arc::new(AuthenticatorServices::new(installation, call, origin, "correlation-1"))
}

/// The same about `subject-1`, with what messages are written in.
pub(crate) fn services_writing(
    installation: &Arc<Installation>,
    description: &Description,
    language: &str,
) -> Arc<AuthenticatorServices> {
    let services =
        services_about(Arc::clone(installation), &description.name, Purpose::SignIn, Some("subject-1"));
    let services = Arc::into_inner(services).unwrap();
    Arc::new(services.writing(language, &description.translations))
}

pub(crate) fn context(purpose: Purpose, subject: Option<&str>) -> Context {
    Context {
        purpose,
        relying_party: "An application".into(),
        login_hint: None,
        person: subject.map(|subject| Person { subject: subject.into(), username: "anna".into() }),
        language: "en".into(),
        settings: "{}".into(),
        base_url: "https://sso.example.com".into(),
        client_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        return_uri: "https://sso.example.com/commonauth/return/example".into(),
        redirect_state: "transaction.state".into(),
        client_certificate: None,
    }
}

pub(crate) fn get(query: &str) -> Request {
    Request {
        method: Method::Get,
        path: "/hostile".into(),
        query: query.into(),
        content_type: None,
        authorization: None,
        body: Vec::new(),
    }
}

/// `anna` with the password `correct horse`; `busy` stands for a full queue.
struct OnePerson;

#[async_trait]
impl Directory for OnePerson {
    async fn check_password(&self, username: &str, password: &str) -> Result<PasswordVerdict, Unavailable> {
        // A password takes its time; it is more than the component may run.
        tokio::time::sleep(Duration::from_millis(300)).await;
        match (username, password) {
            ("anna", "correct horse") => Ok(PasswordVerdict::Correct(Account {
                subject: "subject-1".into(),
                username: "anna".into(),
                claims: Vec::new(),
            })),
            ("busy", _) => Err(Unavailable::new("password-queue", "full")),
            _ => Ok(PasswordVerdict::Wrong),
        }
    }

    async fn device_binding(&self, _username: &str) -> Result<Option<String>, Unavailable> {
        Ok(None)
    }

    /// `subject-1` is there, and `subject-3` is disabled.
    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable> {
        let anna = || Account { subject: "subject-1".into(), username: "anna".into(), claims: Vec::new() };
        Ok((subject == "subject-1").then(anna))
    }
}

struct NoKeys;

#[async_trait]
impl KeyRing for NoKeys {
    async fn provide(&self, _module: &str, _algorithms: &[SigningAlgorithm]) -> Result<(), Unavailable> {
        Ok(())
    }

    fn sign(&self, module: &str, _: SigningAlgorithm, _message: &[u8]) -> Result<Signature, Unavailable> {
        Err(Unavailable::new("keys", format_args!("{module} has none")))
    }

    fn published(&self, _module: &str) -> Vec<PublishedKey> {
        Vec::new()
    }

    fn verify(&self, algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            PeerAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            PeerAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            _ => return false,
        };
        UnparsedPublicKey::new(verification, spki).verify(message, signature).is_ok()
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

    /// Not secret: another one for another message.
    fn mac(&self, _purpose: &'static str, message: &[u8]) -> [u8; 32] {
        let mut mac = [0_u8; 32];
        for (index, byte) in message.iter().enumerate() {
            mac[index % 32] = mac[index % 32].wrapping_mul(31).wrapping_add(*byte);
        }
        mac
    }
}

pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

#[derive(Default)]
struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let first = self.0.fetch_add(1, Ordering::SeqCst);
        for (byte, count) in buffer.iter_mut().zip((0..=255_u8).cycle()) {
            *byte = count.wrapping_add(first);
        }
    }
}
