//! What a fresh component instance costs over a reused one: store, instantiate, call, drop.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use base64::Engine as _;
use clap::Args;
use postern_kernel::module::{Method, ProtocolModule as _, Request};
use postern_sandbox::benchmark::{self, Bare, ReusedProtocol};
use postern_sandbox::{ComponentProtocol, Limits, Memory, Sandbox};

use crate::cpu;
use crate::rounds::Rounds;
use crate::table;

#[path = "../../../host/sandbox/tests/installation/mod.rs"]
pub(crate) mod installation;

/// Options of the benchmark.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds; in each, every variant has its turn.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Calls of a variant in a round.
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
    /// Only subjects with this in their name.
    #[arg(long, default_value = "")]
    subject: String,
    /// Only variants with this in their name. The first one left is what the others are compared to.
    #[arg(long, default_value = "")]
    variant: String,
}

/// A component with a request for it.
struct Subject {
    name: &'static str,
    component: Vec<u8>,
    request: Option<Request>,
}

/// A way to run it.
struct Variant {
    name: &'static str,
    module: ComponentProtocol,
    is_reused: bool,
}

pub(crate) fn run(arguments: &Arguments) {
    println!("CPU microseconds a call; {} rounds of {} calls each", arguments.rounds, arguments.calls);
    loading();
    floor(arguments);
    for subject in subjects().iter().filter(|subject| subject.name.contains(&arguments.subject)) {
        let variants = variants(subject, &arguments.variant);
        for threads in [1, 2] {
            table::head(&format!("{}, {threads} thread(s)", subject.name));
            let mut results = vec![Rounds::default(); variants.len()];
            for _ in 0..arguments.rounds {
                for (variant, rounds) in variants.iter().zip(&mut results) {
                    rounds.0.extend(round(variant, subject, threads, arguments.calls));
                }
            }
            let Some(reference) = results.first().cloned() else { continue };
            for (variant, rounds) in variants.iter().zip(&results) {
                table::line(variant.name, rounds, &reference);
            }
        }
    }
}

/// How long it takes until a component can be called: compiled anew, and compiled before. Milliseconds
/// of wall time: compiling uses all processors.
fn loading() {
    println!("\nloading: milliseconds of wall time, compiled anew / from the cache");
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let cache = directory.path().join("modules");
    for file in ["guests/hostile.wasm", "components/saml2.wasm"] {
        let component = installation::artefact(file);
        let times = [(); 2].map(|()| {
            let begun = Instant::now();
            let sandbox = Sandbox::new(Some(&cache)).unwrap_or_else(|error| panic!("{error}"));
            let load = sandbox.load_protocol(file, component.clone(), Limits::default());
            runtime().block_on(load).map(drop).unwrap_or_else(|error| panic!("{error}"));
            begun.elapsed().as_secs_f64() * 1e3
        });
        println!("{file:<44} {:>8.1} {:>8.1}", times[0], times[1]);
    }
}

/// What the engine asks for the smallest component: one core module with 256 KiB of memory, no
/// imports, no values in or out.
fn floor(arguments: &Arguments) {
    let component = wat::parse_str(
        r#"(component
            (core module $m (memory 4) (func (export "run")))
            (core instance $i (instantiate $m))
            (func (export "run") (canon lift (core func $i "run"))))"#,
    )
    .unwrap_or_else(|error| panic!("{error}"));
    table::head("the smallest component, 1 thread(s)");
    let mut reference = None;
    for (name, memory) in
        [("fresh instance, as it serves", Memory::tuned()), ("fresh, memory on demand", Memory::OnDemand)]
    {
        let sandbox = Sandbox::with_memory(None, memory).unwrap_or_else(|error| panic!("{error}"));
        let bare = Bare::new(&sandbox, &component).unwrap_or_else(|error| panic!("{error}"));
        let round = |_| {
            runtime().block_on(async {
                let begun = cpu::used();
                for _ in 0..arguments.calls {
                    bare.run().await.unwrap_or_else(|failure| panic!("{failure}"));
                }
                cpu::used().saturating_sub(begun).as_secs_f64() * 1e6 / arguments.calls as f64
            })
        };
        let rounds = Rounds((0..arguments.rounds).map(round).collect());
        table::line(name, &rounds, reference.get_or_insert_with(|| rounds.clone()));
    }
}

fn subjects() -> Vec<Subject> {
    let hostile = || installation::artefact("guests/hostile.wasm");
    let saml = || installation::artefact("components/saml2.wasm");
    vec![
        Subject { name: "describe of the test guest", component: hostile(), request: None },
        Subject {
            name: "an empty request to the test guest",
            component: hostile(),
            request: Some(installation::get("good")),
        },
        Subject { name: "describe of saml2", component: saml(), request: None },
        Subject {
            name: "an AuthnRequest to saml2, up to the unknown issuer",
            component: saml(),
            request: Some(authn_request()),
        },
    ]
}

fn variants(subject: &Subject, wanted: &str) -> Vec<Variant> {
    let pool = |resident, resident_table, scan| Memory::Pool { resident, resident_table, scan };
    let variants = [
        ("reused instance", Memory::tuned(), true),
        ("fresh instance, as it serves", Memory::tuned(), false),
        ("fresh, pool without scan, 320 KiB resident", pool(320 << 10, 8 << 10, false), false),
        ("fresh, pool as wasmtime sets it", pool(0, 0, false), false),
        ("fresh, memory on demand", Memory::OnDemand, false),
    ];
    variants
        .into_iter()
        .filter(|(name, ..)| name.contains(wanted))
        .map(|(name, memory, is_reused)| {
            let sandbox = Sandbox::with_memory(None, memory).unwrap_or_else(|error| panic!("{error}"));
            let load = sandbox.load_protocol(subject.name, subject.component.clone(), Limits::default());
            let module = runtime().block_on(load).unwrap_or_else(|error| panic!("{error}"));
            Variant { name, module, is_reused }
        })
        .collect()
}

/// One turn of a variant on each of the threads: CPU microseconds a call.
fn round(variant: &Variant, subject: &Subject, threads: usize, calls: usize) -> Vec<f64> {
    let together = Barrier::new(threads);
    thread::scope(|scope| {
        let turns: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = runtime();
                    // The first calls fill the caches and the pool.
                    runtime.block_on(turn(variant, subject, 50, &together));
                    runtime.block_on(turn(variant, subject, calls, &together))
                })
            })
            .collect();
        turns.into_iter().map(|turn| turn.join().unwrap_or(f64::NAN)).collect()
    })
}

async fn turn(variant: &Variant, subject: &Subject, calls: usize, together: &Barrier) -> f64 {
    let services = installation::services();
    let mut reused = ReusedProtocol::new(&variant.module, Arc::clone(&services))
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    together.wait();
    let begun = cpu::used();
    for _ in 0..calls {
        let called = match (&subject.request, variant.is_reused) {
            (None, true) => reused.describe().await,
            (None, false) => benchmark::describe(&variant.module).await,
            (Some(request), true) => reused.handle(request.clone()).await.map(drop),
            (Some(request), false) => {
                variant.module.handle(Arc::clone(&services), request.clone()).await.map(drop)
            }
        };
        called.unwrap_or_else(|failure| panic!("{failure}"));
    }
    let used = cpu::used().saturating_sub(begun);
    used.as_secs_f64() * 1e6 / calls as f64
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// By HTTP-POST, 900 bytes of XML: what a common SP sends.
fn authn_request() -> Request {
    let xml = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_6c3a4f8b9c2d4e5f8a7b6c5d4e3f2a1b" Version="2.0" IssueInstant="2027-01-15T08:00:00Z" Destination="https://sso.example.com/samlsso" AssertionConsumerServiceURL="https://app.example.com/saml/acs" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"><saml:Issuer>https://app.example.com/saml/metadata</saml:Issuer><samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" AllowCreate="true"/><samlp:RequestedAuthnContext Comparison="exact"><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>"#;
    let encoded = base64::engine::general_purpose::STANDARD.encode(xml);
    let body = format!("SAMLRequest={}", encoded.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
    Request {
        method: Method::Post,
        path: "/samlsso".into(),
        query: String::new(),
        content_type: Some("application/x-www-form-urlencoded".into()),
        authorization: None,
        body: body.into_bytes(),
    }
}
