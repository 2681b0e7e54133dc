//! A hostile policy beside good calls: each crime is one failed call with its reason. Whether what it decides
//! may be decided is the kernel's to say (`host/kernel/tests/flow/policy.rs`). Needs `cargo xtask build`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use postern_kernel::directory::Claim;
use postern_kernel::module::{FailureReason, ModuleFailure};
use postern_kernel::policy::{
    Application, Context, Decision, Demanded, Device, Failures, Occasion, Person, PolicyModule as _,
};
use postern_sandbox::{ComponentPolicy, Limits, LoadError, Sandbox};

mod installation;

use installation::artefact;

async fn policy(sandbox: &Sandbox) -> Arc<ComponentPolicy> {
    let component = artefact("guests/policy.wasm");
    Arc::new(sandbox.load_policy("policy.wasm", component, Limits::default()).await.unwrap())
}

fn context(crime: &str) -> Context {
    Context {
        occasion: Occasion::Step,
        application: Some(Application { identifier: "urn:one".into(), name: "One".into() }),
        demand: Demanded::default(),
        person: Some(Person {
            subject: "subject-1".into(),
            username: "anna".into(),
            groups: vec!["staff".into()],
            claims: vec![Claim { name: "department".into(), values: vec!["IT".into()] }],
        }),
        client_address: [192, 0, 2, 1].into(),
        networks: vec!["office".into()],
        headers: vec![("x-country".into(), "AT".into())],
        device: Device { known: true, remembered: false },
        time: 1_800_000_000,
        failures: Failures { person: 2, address: 7 },
        done: vec!["password".into()],
        reached: vec!["any".into()],
        steps: vec![vec!["password".into()], vec!["totp".into()]],
        settings: format!("{{\"do\":\"{crime}\"}}"),
    }
}

async fn decide(policy: &ComponentPolicy, crime: &str) -> Result<Decision, ModuleFailure> {
    policy.decide("test", context(crime)).await
}

/// Crimes, with the reason and a word of the detail that each fails with.
const CRIMES: &[(&str, FailureReason, &str)] = &[
    ("spin", FailureReason::Deadline, ""),
    ("trap", FailureReason::Trap, ""),
    ("allocate", FailureReason::Memory, ""),
    ("recurse", FailureReason::Trap, ""),
    ("huge", FailureReason::Output, ""),
    ("many-steps", FailureReason::Output, "steps: 9 items"),
    ("many-alternatives", FailureReason::Output, "alternatives: 17 items"),
    ("name-path", FailureReason::Output, "is no name"),
    ("name-control", FailureReason::Output, "is no name"),
    ("name-empty", FailureReason::Output, "is no name"),
    ("reason-control", FailureReason::Output, "deny: reason: control character"),
    ("reason-long", FailureReason::Output, "deny: reason: 257 bytes"),
    ("reason-empty", FailureReason::Output, "deny: reason: empty"),
    ("text-html", FailureReason::Output, "deny: text"),
    ("text-control", FailureReason::Output, "deny: text"),
    ("text-long", FailureReason::Output, "deny: text: 129 bytes"),
];

#[tokio::test]
async fn each_crime_fails_with_its_reason_while_good_calls_succeed() {
    let sandbox = Sandbox::new(None).unwrap();
    let policy = policy(&sandbox).await;
    let done = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn({
        let (policy, done) = (Arc::clone(&policy), Arc::clone(&done));
        async move {
            let mut calls = 0_u32;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(decide(&policy, "good").await.unwrap(), Decision::Unchanged);
                calls += 1;
                tokio::task::yield_now().await;
            }
            calls
        }
    });
    for (crime, reason, detail) in CRIMES {
        let Err(failure) = decide(&policy, crime).await else { panic!("{crime} was not refused") };
        assert_eq!(failure.reason, *reason, "{crime}: {failure}");
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
        assert_eq!(failure.module, "policy");
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    assert!(good.await.unwrap() > 0);
}

#[tokio::test]
async fn it_is_told_what_there_is_and_decides_the_same_each_time() {
    let sandbox = Sandbox::new(None).unwrap();
    let policy = policy(&sandbox).await;
    assert_eq!(policy.description().title, "A policy for tests");
    let expected = [
        "at-1800000000",
        "user-anna",
        "group-staff",
        "in-office",
        "x-country-AT",
        "failures-2-7",
        "device-true-false",
    ];
    for _ in 0..2 {
        let Decision::Steps(steps) = decide(&policy, "echo").await.unwrap() else { panic!() };
        assert_eq!(steps, [expected]);
    }
    let Decision::Steps(steps) = decide(&policy, "steps").await.unwrap() else { panic!() };
    assert_eq!(steps, [["password"], ["totp"]]);
    let Decision::Deny(denial) = decide(&policy, "deny").await.unwrap() else { panic!() };
    assert_eq!((denial.text.as_str(), denial.reason.as_str()), ("no", "told to"));
}

/// It has no clock and no randomness; and what is made for another world is not loaded.
#[tokio::test]
async fn a_policy_imports_the_log_and_nothing_else() {
    let sandbox = Sandbox::new(None).unwrap();
    assert_eq!(policy(&sandbox).await.imports(), ["postern:idp/policy-log@0.1.0"]);
    for other in ["authenticators/password.wasm", "guests/hostile.wasm"] {
        let loaded = sandbox.load_policy(other, artefact(other), Limits::default()).await;
        assert!(matches!(loaded, Err(LoadError::ForeignImports(_))), "{other}");
    }
    let component = artefact("guests/policy.wasm");
    let loaded = sandbox.load_authenticator("policy", component, Limits::default()).await;
    assert!(matches!(loaded, Err(LoadError::ForeignImports(_))));
}
