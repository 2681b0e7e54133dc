//! An installation for the sandbox's tests. The store is one that is away but for what the guests
//! ask of it, so that what happens then can be tested; one answer takes its time.

// Each test file uses a part of this.
#![allow(dead_code)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use postern_kernel::audit::{Audit, Event};
use postern_kernel::authenticator::Origin;
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::{Account, Directory, PasswordVerdict};
use postern_kernel::keys::{KeyRing, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use postern_kernel::module::{Method, Request};
use postern_kernel::randomness::Randomness;
use postern_kernel::services::{AuthenticatorServices, Installation, ModuleServices};
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
        store: Arc::new(store::Away),
        directory: Arc::new(OnePerson),
        keys: Arc::new(NoKeys),
        clock: Arc::new(Noon),
        randomness: Arc::new(Counting),
        audit: Arc::new(Recorder::default()),
        throttle: Throttle::default(),
    })
}

pub(crate) fn services() -> Arc<ModuleServices> {
    Arc::new(ModuleServices::new(installation(), "hostile", "{}", "correlation-1"))
}

pub(crate) fn authenticator_services() -> Arc<AuthenticatorServices> {
    let origin = Origin { address: IpAddr::V4(Ipv4Addr::LOCALHOST), device: None };
    Arc::new(AuthenticatorServices::new(installation(), origin, "correlation-1"))
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

    async fn account(&self, _subject: &str) -> Result<Option<Account>, Unavailable> {
        Ok(None)
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

    fn verify(&self, _: PeerAlgorithm, _spki: &[u8], _message: &[u8], _signature: &[u8]) -> bool {
        false
    }

    fn mac(&self, _purpose: &'static str, _message: &[u8]) -> [u8; 32] {
        [0; 32]
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

struct Counting;

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for (byte, count) in buffer.iter_mut().zip((0..=255).cycle()) {
            *byte = count;
        }
    }
}
