//! A hostile component beside good calls: each crime is one failed request with its reason, and
//! nothing else. Needs `cargo xtask build`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use postern_kernel::module::{FailureReason, ModuleFailure, Outcome, ProtocolModule as _, Response};
use postern_sandbox::{ComponentProtocol, Limits, Sandbox};

mod installation;

use installation::{artefact, get, services};

async fn hostile(sandbox: &Sandbox, limits: Limits) -> Arc<ComponentProtocol> {
    let component = artefact("guests/hostile.wasm");
    Arc::new(sandbox.load_protocol("hostile.wasm", component, limits).await.unwrap())
}

async fn call(module: &ComponentProtocol, query: &str) -> Result<Outcome, ModuleFailure> {
    module.handle(services(), get(query)).await
}

fn text(outcome: Result<Outcome, ModuleFailure>) -> String {
    match outcome {
        Ok(Outcome::Respond(Response::Document(document))) => String::from_utf8(document.body).unwrap(),
        Ok(_) => panic!("no document"),
        Err(failure) => panic!("{failure}"),
    }
}

/// Crimes with the reason that each fails with, and a word of the detail.
const CRIMES: &[(&str, FailureReason, &str)] = &[
    ("trap", FailureReason::Trap, "unreachable"),
    ("panic", FailureReason::Trap, "unreachable"),
    ("out-of-bounds", FailureReason::Trap, "out of bounds"),
    ("recurse", FailureReason::Trap, "out of bounds"),
    ("spin", FailureReason::Deadline, "ran for more than"),
    ("spin-in-imports", FailureReason::Deadline, "ran for more than"),
    ("allocate", FailureReason::Memory, "16777216 at most"),
    ("too-large-body", FailureReason::Output, "body: 1048577 bytes"),
    ("enormous-body", FailureReason::Output, "too much data"),
    ("repeated-header", FailureReason::Output, "too much data"),
    ("many-headers", FailureReason::Output, "headers"),
    ("set-cookie", FailureReason::Output, "set-cookie"),
    ("split-header", FailureReason::Output, "www-authenticate"),
    ("html", FailureReason::Output, "text/html"),
    ("script", FailureReason::Output, "text/javascript"),
    ("svg", FailureReason::Output, "image/svg+xml"),
    ("status-0", FailureReason::Output, "status"),
    ("status-302", FailureReason::Output, "status"),
    ("redirect-control", FailureReason::Output, "redirect"),
    ("redirect-script", FailureReason::Output, "redirect"),
    ("redirect-relative", FailureReason::Output, "redirect"),
    ("redirect-huge", FailureReason::Output, "redirect"),
    ("form-post-script", FailureReason::Output, "action"),
    ("form-post-nul", FailureReason::Output, "NUL"),
    ("refused-code", FailureReason::Output, "code"),
    ("refused-status", FailureReason::Output, "status"),
    ("demand-too-large-state", FailureReason::Output, "state"),
    ("random-huge", FailureReason::Output, "random"),
    ("many-calls", FailureReason::Output, "64 times"),
    ("put-too-large", FailureReason::Output, "put: value"),
    ("audit-forged", FailureReason::Output, "control character"),
    ("sign-without-key", FailureReason::Unavailable, "keys unavailable"),
];

#[tokio::test]
async fn what_is_allowed_is_answered() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    assert_eq!(module.description().name, "hostile");
    assert_eq!(text(call(&module, "good").await), "good");
    assert_eq!(text(call(&module, "good-with-import").await), "nobody");
    assert_eq!(text(call(&module, "random-most").await), "1024");
    assert_eq!(text(call(&module, "largest-body").await).len(), 1 << 20);
    assert_eq!(text(call(&module, "log-flood").await), "flooded");
    let Ok(Outcome::Respond(Response::Redirect(url))) = call(&module, "redirect").await else { panic!() };
    assert_eq!(url, "https://app.example.com/cb?code=1");
    let Ok(Outcome::Respond(Response::FormPost(form))) = call(&module, "form-post").await else { panic!() };
    assert_eq!(form.fields, [("SAMLResponse".to_owned(), "value".to_owned())]);
    let Ok(Outcome::Respond(Response::Refused(refusal))) = call(&module, "refused").await else { panic!() };
    assert_eq!((refusal.code.as_str(), refusal.status), ("guest.refused.anyway", 400));
    let Ok(Outcome::Authenticate(demand)) = call(&module, "demand-largest-state").await else { panic!() };
    let Ok(Response::Document(resumed)) = module
        .resume(
            services(),
            demand.state,
            postern_kernel::module::SignOn::Failed(postern_kernel::module::Failure::Denied),
        )
        .await
    else {
        panic!()
    };
    assert_eq!(resumed.body, vec![7; 16 << 10]);
    assert!(matches!(module.logged_out(services(), Vec::new(), true).await, Ok(Response::SignedOut)));
}

#[tokio::test]
async fn the_request_arrives_as_it_was_sent() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    let mut request = get("echo");
    request.authorization = Some("Basic eDp5".into());
    request.body = vec![b'b'; 65_536];
    let echoed = text(module.handle(services(), request).await);
    assert_eq!(echoed, format!("/hostile?echo Basic eDp5 {}", "b".repeat(65_536)));
}

#[tokio::test]
async fn each_crime_fails_with_its_reason_while_good_calls_succeed() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    let done = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn({
        let (module, done) = (Arc::clone(&module), Arc::clone(&done));
        async move {
            let mut calls = 0_u32;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(text(call(&module, "good").await), "good");
                assert_eq!(text(call(&module, "good-with-import").await), "nobody");
                calls += 1;
                tokio::task::yield_now().await;
            }
            calls
        }
    });
    for (crime, reason, detail) in CRIMES {
        let Err(failure) = call(&module, crime).await else { panic!("{crime} was not refused") };
        assert_eq!(failure.reason, *reason, "{crime}: {failure}");
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
        assert_eq!(failure.module, "hostile");
        // One thread: the good calls have their turn here, and in each slice of those who spin.
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    assert!(good.await.unwrap() >= CRIMES.len() as u32);
}

/// A thousand failed calls leave nothing behind that the next one could miss.
#[tokio::test]
async fn failed_calls_use_nothing_up() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    for _ in 0..500 {
        assert_eq!(call(&module, "trap").await.err().unwrap().reason, FailureReason::Trap);
        assert_eq!(call(&module, "recurse").await.err().unwrap().reason, FailureReason::Trap);
    }
    for _ in 0..20 {
        assert_eq!(call(&module, "allocate").await.err().unwrap().reason, FailureReason::Memory);
    }
    assert_eq!(text(call(&module, "good").await), "good");
}

/// One thread for everything, as in a small container: those who spin are put aside at each epoch.
#[tokio::test(flavor = "current_thread")]
async fn spinning_guests_do_not_stop_a_single_thread() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    let spinning: Vec<_> = (0..3)
        .map(|_| {
            let module = Arc::clone(&module);
            tokio::spawn(async move { call(&module, "spin").await.err().unwrap().reason })
        })
        .collect();
    let served = Arc::new(AtomicU32::new(0));
    while spinning.iter().any(|task| !task.is_finished()) {
        assert_eq!(text(call(&module, "good").await), "good");
        served.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    for task in spinning {
        assert_eq!(task.await.unwrap(), FailureReason::Deadline);
    }
    // A slice is charged with 40 ms at most: seven rounds of slices at least, a good call between two.
    assert!(served.load(Ordering::Relaxed) >= 5, "{served:?} good calls");
}

#[tokio::test]
async fn waiting_is_not_running() {
    let sandbox = Sandbox::new(None).unwrap();
    let limits = Limits { running: Duration::from_millis(100), ..Limits::default() };
    let module = hostile(&sandbox, limits).await;
    // The store takes 400 ms for it.
    assert_eq!(text(call(&module, "wait").await), "waited");
}

#[tokio::test]
async fn a_call_that_waits_forever_ends_at_its_deadline() {
    let sandbox = Sandbox::new(None).unwrap();
    let limits = Limits { call: Duration::from_millis(200), ..Limits::default() };
    let module = hostile(&sandbox, limits).await;
    let failure = call(&module, "wait").await.err().unwrap();
    assert_eq!(failure.reason, FailureReason::Deadline, "{failure}");
    assert!(failure.detail.contains("not done after 200ms"), "{failure}");
    assert_eq!(text(call(&module, "good").await), "good");
}

#[tokio::test]
async fn registrations_are_checked() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    let good = module.register(services(), br#"{"a":1}"#.to_vec()).await.unwrap().unwrap();
    assert_eq!(good.settings, r#"{"a":1}"#);
    let refused = module.register(services(), vec![0xff]).await.unwrap().unwrap_err();
    assert_eq!(refused.code, "guest.source.malformed");
    for bad in ["", "[1]", "{"] {
        let failure = module.register(services(), bad.into()).await.unwrap_err();
        assert_eq!(failure.reason, FailureReason::Output, "{bad}");
    }
}

#[tokio::test]
async fn compiled_modules_are_kept_and_damaged_ones_are_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let load = || async {
        let sandbox = Sandbox::new(Some(&cache)).unwrap();
        let module = hostile(&sandbox, Limits::default()).await;
        assert_eq!(text(call(&module, "good").await), "good");
    };
    let files =
        || -> Vec<_> { std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect() };
    load().await;
    let kept = files();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let written = std::fs::metadata(&kept[0]).unwrap().modified().unwrap();
    load().await;
    assert_eq!(files(), kept);
    assert_eq!(std::fs::metadata(&kept[0]).unwrap().modified().unwrap(), written, "it was read, not written");
    // Cut short, and changed in one bit: compiled again and written anew.
    let whole = std::fs::read(&kept[0]).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() / 2], &changed, &whole[..8]] {
        std::fs::write(&kept[0], damaged).unwrap();
        load().await;
        assert_eq!(std::fs::read(&kept[0]).unwrap().len(), whole.len());
    }
}

/// More calls at once than the pool has room for: those beyond it are told so, and the others are
/// not disturbed.
#[tokio::test]
async fn a_full_pool_is_unavailable() {
    let sandbox = Sandbox::new(None).unwrap();
    let module = hostile(&sandbox, Limits::default()).await;
    // The store takes 400 ms for each: all of them are there at once.
    let waiting: Vec<_> = (0..300)
        .map(|_| {
            let module = Arc::clone(&module);
            tokio::spawn(async move { call(&module, "wait").await })
        })
        .collect();
    let (mut served, mut refused) = (0, 0);
    for task in waiting {
        match task.await.unwrap() {
            Ok(outcome) => {
                assert_eq!(text(Ok(outcome)), "waited");
                served += 1;
            }
            Err(failure) => {
                assert_eq!(failure.reason, FailureReason::Unavailable, "{failure}");
                refused += 1;
            }
        }
    }
    assert!(served >= 256 && refused > 0, "{served} served, {refused} refused");
    assert_eq!(text(call(&module, "good").await), "good");
}
