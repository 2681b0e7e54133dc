//! The embedded user store over a real SQLite store.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use postern_directory::{EmbeddedDirectory, NewUser, PasswordCost, PasswordSettings, PolicyError, UserError};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::{Claim, Creation, Directory as _, PasswordVerdict};
use postern_kernel::randomness::{Fingerprint, Randomness};
use postern_kernel::store::{Link, Session, Store};
use postern_store::SqliteStore;

const PASSWORD: &str = "correct horse";

struct SetClock;

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }
}

/// Counts up: different bytes each time, the same in each run.
#[derive(Default)]
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

struct Scene {
    directory: EmbeddedDirectory,
    store: Arc<dyn Store>,
    randomness: Arc<Counting>,
    _files: tempfile::TempDir,
}

impl Scene {
    async fn with_alice(settings: PasswordSettings) -> Self {
        let files = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&files.path().join("state.db")).unwrap());
        let randomness = Arc::new(Counting::default());
        let directory =
            EmbeddedDirectory::new(store.clone(), randomness.clone(), Arc::new(SetClock), settings).unwrap();
        let claims = vec![Claim { name: "email".into(), values: vec!["alice@example.com".into()] }];
        directory.add_user(NewUser { username: "Alice".into(), claims }, PASSWORD).await.unwrap();
        Self { directory, store, randomness, _files: files }
    }

    fn at_cost(&self, cost: PasswordCost) -> EmbeddedDirectory {
        let settings = PasswordSettings { cost, ..PasswordSettings::default() };
        EmbeddedDirectory::new(self.store.clone(), self.randomness.clone(), Arc::new(SetClock), settings)
            .unwrap()
    }

    async fn begin_session(&self, subject: &str) -> Fingerprint {
        let secret = Fingerprint([9; 32]);
        let session = Session {
            id: "session".into(),
            secret,
            subject: subject.into(),
            username: "Alice".into(),
            authenticated_at: Timestamp(1_000),
            context: "password".into(),
            contexts: vec!["password".into()],
            methods: vec!["pwd".into()],
            authenticators: vec!["password".into()],
            several: Vec::new(),
            links: Vec::new(),
            proven_at: None,
            created_at: Timestamp(1_000),
            last_used_at: Timestamp(1_000),
            expires_at: Timestamp(9_000),
            user_agent: String::new(),
            address: String::new(),
        };
        self.store.add_session(&session).await.unwrap();
        secret
    }
}

async fn is_correct(directory: &EmbeddedDirectory, username: &str, password: &str) -> bool {
    matches!(directory.check_password(username, password).await.unwrap(), PasswordVerdict::Correct(_))
}

#[tokio::test]
async fn a_password_is_its_persons_alone() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let verdict = scene.directory.check_password("aLICE", PASSWORD).await.unwrap();
    let PasswordVerdict::Correct(account) = verdict else { panic!("{verdict:?}") };
    assert_eq!(account.username, "Alice");
    let claims: Vec<_> = account.claims.iter().map(|c| (c.name.as_str(), c.values[0].as_str())).collect();
    assert_eq!(claims, [("preferred_username", "Alice"), ("email", "alice@example.com")]);
    assert_eq!(scene.directory.account(&account.subject).await.unwrap(), Some(account));

    assert!(!is_correct(&scene.directory, "Alice", "correct horsf").await);
    assert!(!is_correct(&scene.directory, "Alice", "").await);
    assert!(!is_correct(&scene.directory, "Alice ", PASSWORD).await);
    assert!(!is_correct(&scene.directory, "bob", PASSWORD).await);
}

#[tokio::test]
async fn whoever_is_asked_for_one_hash_is_computed() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let bob = NewUser { username: "bob".into(), claims: vec![] };
    scene.directory.add_user(bob, PASSWORD).await.unwrap();
    scene.directory.set_disabled("bob", true).await.unwrap();

    let long = "x".repeat(5_000);
    let tries = [
        ("Alice", PASSWORD, true),
        ("Alice", "wrong horse", false),
        ("bob", PASSWORD, false),
        ("bob", "wrong horse", false),
        ("nobody", PASSWORD, false),
        ("no\u{0}body", PASSWORD, false),
        ("", "", false),
        (long.as_str(), PASSWORD, false),
        ("Alice", long.as_str(), false),
    ];
    for (username, password, correct) in tries {
        let before = scene.directory.password_hashes();
        assert_eq!(is_correct(&scene.directory, username, password).await, correct);
        assert_eq!(scene.directory.password_hashes() - before, 1, "{username:.20}");
    }
}

#[tokio::test]
async fn a_disabled_person_has_no_account_and_no_session() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let subject = scene.store.user_by_name("alice").await.unwrap().unwrap().0.subject;
    let session = scene.begin_session(&subject).await;
    assert!(scene.directory.set_disabled("alice", true).await.unwrap().disabled);
    assert_eq!(scene.directory.account(&subject).await.unwrap(), None);
    assert_eq!(scene.store.session(session, Timestamp(1_001)).await.unwrap(), None);
    scene.directory.set_disabled("alice", false).await.unwrap();
    assert!(is_correct(&scene.directory, "alice", PASSWORD).await);
}

#[tokio::test]
async fn a_new_password_ends_the_sessions() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let subject = scene.store.user_by_name("alice").await.unwrap().unwrap().0.subject;
    let session = scene.begin_session(&subject).await;
    scene.directory.set_password("alice", "battery staple").await.unwrap();
    assert!(!is_correct(&scene.directory, "alice", PASSWORD).await);
    assert!(is_correct(&scene.directory, "alice", "battery staple").await);
    assert_eq!(scene.store.session(session, Timestamp(1_001)).await.unwrap(), None);
    assert!(matches!(
        scene.directory.set_password("alice", "short").await,
        Err(UserError::Policy(PolicyError::PasswordShort))
    ));
    assert!(matches!(scene.directory.set_password("bob", PASSWORD).await, Err(UserError::Unknown)));
}

#[tokio::test]
async fn names_are_unique_whatever_their_case() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let again = NewUser { username: "ALICE".into(), claims: vec![] };
    assert!(matches!(scene.directory.add_user(again, PASSWORD).await, Err(UserError::Exists)));
}

#[tokio::test]
async fn a_hash_of_another_cost_is_renewed_at_sign_in() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let hash = || async { scene.store.user_by_name("alice").await.unwrap().unwrap().1 };
    let old = hash().await;
    let stronger = scene.at_cost(PasswordCost { memory: 20_000, passes: 3, lanes: 1 });

    assert!(!is_correct(&stronger, "alice", "wrong horse").await);
    assert_eq!(hash().await, old, "a wrong password renews nothing");
    assert!(is_correct(&stronger, "alice", PASSWORD).await);
    assert!(hash().await.starts_with("$argon2id$v=19$m=20000,t=3,p=1$"));
    let renewed = hash().await;
    assert!(is_correct(&stronger, "alice", PASSWORD).await);
    assert_eq!(hash().await, renewed);
}

#[tokio::test]
async fn a_full_queue_answers_at_once() {
    let settings =
        PasswordSettings { threads: NonZeroUsize::new(1), queue: 2, ..PasswordSettings::default() };
    let scene = Scene::with_alice(settings).await;
    // Polled in turn on one thread: more are handed over than one thread and two places take,
    // long before the first hash is computed.
    let tries: Vec<_> = (0..20).map(|_| scene.directory.check_password("alice", PASSWORD)).collect();
    let (mut correct, mut refused) = (0, 0);
    for outcome in join_all(tries).await {
        match outcome {
            Ok(PasswordVerdict::Correct(_)) => correct += 1,
            Ok(PasswordVerdict::Wrong) => panic!("a full queue is no verdict"),
            Err(error) => {
                assert_eq!(error.what, "password-queue");
                refused += 1;
            }
        }
    }
    assert_eq!(correct + refused, 20);
    assert!(correct >= 2 && refused >= 10, "{correct} correct, {refused} refused");
}

#[tokio::test]
async fn a_try_that_nobody_waits_for_any_more_costs_nothing() {
    let settings = PasswordSettings {
        threads: NonZeroUsize::new(1),
        cost: PasswordCost { passes: 20, ..PasswordCost::default() },
        ..PasswordSettings::default()
    };
    let scene = Scene::with_alice(settings).await;
    let before = scene.directory.password_hashes();
    let mut first = Box::pin(scene.directory.check_password("alice", PASSWORD));
    let mut abandoned = Box::pin(scene.directory.check_password("alice", PASSWORD));
    // Polled once each: the first hash occupies the only thread for a while, the second one waits.
    std::future::poll_fn(|context| {
        assert!(first.as_mut().poll(context).is_pending());
        assert!(abandoned.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(abandoned);
    assert!(matches!(first.await.unwrap(), PasswordVerdict::Correct(_)));
    assert!(is_correct(&scene.directory, "alice", PASSWORD).await);
    assert_eq!(scene.directory.password_hashes() - before, 2);
}

async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn an_account_from_elsewhere_has_no_password_until_one_is_set() {
    let scene = Scene::with_alice(PasswordSettings::default()).await;
    let link = |identity: &str| Link {
        id: format!("link-{identity}"),
        authenticator: "example".into(),
        issuer: "https://login.example.org".into(),
        identity: identity.into(),
        subject: String::new(),
        label: "carol@example.org".into(),
        created: true,
        created_at: Timestamp(1_000),
    };
    let claims = [Claim { name: "email".into(), values: vec!["carol@example.org".into()] }];
    let directory = &scene.directory;
    let made = directory.create_account("Carol", &claims, link("1")).await.unwrap();
    let Creation::Created(carol) = made else { panic!("{made:?}") };
    assert_eq!(scene.store.links_of(&carol.subject).await.unwrap().len(), 1);
    assert_eq!(directory.account(&carol.subject).await.unwrap(), Some(carol.clone()));
    for password in ["", "without password", "carol", PASSWORD] {
        let verdict = directory.check_password("carol", password).await.unwrap();
        assert_eq!(verdict, PasswordVerdict::Wrong, "{password:?}");
    }
    assert!(!directory.has_password("carol").await.unwrap());
    assert!(directory.has_password("alice").await.unwrap());
    directory.set_password("carol", PASSWORD).await.unwrap();
    assert!(directory.has_password("carol").await.unwrap());
    for (username, identity) in [("alice", "2"), ("ALICE", "2"), ("dave", "1")] {
        let made = directory.create_account(username, &claims, link(identity)).await.unwrap();
        assert_eq!(made, Creation::Exists, "{username}");
    }
    assert_eq!(scene.store.user_by_name("dave").await.unwrap(), None);
    for (username, claim) in [("", "email"), (" dave", "email"), ("da\nve", "email"), ("dave", "sub")] {
        let claims = [Claim { name: claim.into(), values: vec!["x".into()] }];
        let made = directory.create_account(username, &claims, link("3")).await.unwrap();
        assert!(matches!(made, Creation::Refused(_)), "{username:?} {claim}");
    }
    let new = [Claim { name: "email".into(), values: vec!["new@example.org".into()] }];
    assert!(directory.update_claims(&carol.subject, &new).await.unwrap());
    let now = directory.account(&carol.subject).await.unwrap().unwrap();
    assert!(now.claims.contains(&new[0]) && now.claims.len() == 2);
    let reserved = [Claim { name: "sub".into(), values: vec!["somebody-else".into()] }];
    assert!(!directory.update_claims(&carol.subject, &reserved).await.unwrap());
}
