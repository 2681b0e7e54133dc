//! Records to try with.

use std::sync::Arc;

use postern_kernel::clock::Timestamp;
use postern_kernel::directory::Claim;
use postern_kernel::randomness::Fingerprint;
use postern_kernel::store::{Application, Grant, Session, SignedIn, Store, StoredKey, User};

use super::State;

/// Tasks in a race, half of them on each node.
pub(super) const RACERS: u32 = 32;

/// Now, in all rules.
pub(super) const NOW: Timestamp = Timestamp(1_000_000);

/// When most things expire.
pub(super) const UNTIL: Timestamp = Timestamp(1_000_600);

pub(super) fn mark(byte: u8) -> Fingerprint {
    Fingerprint([byte; 32])
}

pub(super) fn user(subject: &str, username: &str) -> User {
    User {
        subject: subject.into(),
        username: username.into(),
        disabled: false,
        claims: vec![
            Claim { name: "email".into(), values: vec!["ä@example.com".into()] },
            Claim { name: "groups".into(), values: vec!["a".into(), "b\"c".into()] },
        ],
        created_at: NOW,
    }
}

pub(super) fn application(id: &str, module: &str, identifier: &str) -> Application {
    Application {
        id: id.into(),
        module: module.into(),
        identifier: identifier.into(),
        name: "Wiki".into(),
        settings: r#"{"a":1}"#.into(),
        secret: Some(mark(7)),
        disabled: false,
        created_at: NOW,
    }
}

pub(super) fn session(id: &str, secret: u8, subject: &str) -> Session {
    Session {
        id: id.into(),
        secret: mark(secret),
        subject: subject.into(),
        username: "Alice".into(),
        authenticated_at: NOW,
        context: "password".into(),
        contexts: vec!["name".into(), "password".into()],
        methods: vec!["pwd".into(), "otp".into()],
        authenticators: vec!["password".into()],
        several: Vec::new(),
        links: vec!["l-1".into()],
        proven_at: Some(NOW),
        created_at: NOW,
        last_used_at: NOW,
        expires_at: UNTIL,
        user_agent: "Browser/1".into(),
        address: "192.0.2.1".into(),
    }
}

pub(super) fn grant(id: &str, application: &str, session: Option<&str>) -> Grant {
    Grant {
        id: id.into(),
        module: "oidc".into(),
        application: application.into(),
        subject: "alice".into(),
        session: session.map(Into::into),
        data: r#"{"scope":"openid"}"#.into(),
        signed_in: session.map(|_| SignedIn {
            authenticators: vec!["password".into(), "totp".into()],
            several: Vec::new(),
            contexts: vec!["password".into()],
            links: vec!["l-1".into()],
        }),
        issued_at: NOW,
        expires_at: UNTIL,
    }
}

pub(super) fn key(key_id: &str, algorithm: &str, created_at: Timestamp) -> StoredKey {
    StoredKey {
        key_id: key_id.into(),
        module: "oidc".into(),
        algorithm: algorithm.into(),
        spki: vec![1, 2],
        certificate: vec![3, 4],
        sealed: vec![5, 0, 6],
        created_at,
        retired_at: None,
    }
}

/// Two applications of `oidc`, `wiki` and `shop`, and one of `saml2`, `mail`.
pub(super) async fn add_applications(store: &dyn Store) {
    for (id, module) in [("wiki", "oidc"), ("shop", "oidc"), ("mail", "saml2")] {
        store.add_application(&application(id, module, &format!("https://{id}"))).await.unwrap();
    }
}

/// Runs the contestants at once, in turn on either node, and returns what each got.
pub(super) async fn race<T, F>(state: &State, contestant: impl Fn(u32, Arc<dyn Store>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let racers: Vec<_> = (0..RACERS)
        .map(|number| {
            let node = if number % 2 == 0 { &state.one } else { &state.two };
            tokio::spawn(contestant(number, Arc::clone(node)))
        })
        .collect();
    let mut results = Vec::new();
    for racer in racers {
        results.push(racer.await.unwrap());
    }
    results
}
