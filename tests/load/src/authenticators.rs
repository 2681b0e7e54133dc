//! What a step of a sign-in costs in a component against the same logic compiled into the host, and what a
//! hundred authenticators cost to have.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Element, Field, FieldKind, Form, Identity, Message, Purpose, Step,
    Text, Who,
};
use postern_kernel::services::{AuthenticatorServices, Installation};
use postern_otp::{Code, Key, Record, matching_step};
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};

use crate::cpu;
use crate::rounds::Rounds;
use crate::sandbox::{installation, runtime};
use crate::table;

const ANNA: Option<&str> = Some("subject-1");

/// How many authenticators an installation is given.
const MANY: u32 = 100;

/// Options of the benchmark.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds; in each, every variant has its turn.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Calls of a variant in a round.
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
}

pub(crate) fn run(arguments: &Arguments) {
    println!("CPU microseconds a call; {} rounds of {} calls each", arguments.rounds, arguments.calls);
    step(arguments);
    many();
}

/// A code that is not right, sent to `totp`: the person's record is read, three codes are computed, and the
/// form is described again.
fn step(arguments: &Arguments) {
    let sandbox = Sandbox::new(None).unwrap_or_else(|error| panic!("{error}"));
    let component = installation::artefact("authenticators/totp.wasm");
    let load = sandbox.load_authenticator("totp.wasm", component, Limits::default());
    let module = runtime().block_on(load).unwrap_or_else(|error| panic!("{error}"));
    let home = installation::installation();
    runtime().block_on(enrol(&home));
    let turn = |native: bool| {
        runtime().block_on(async {
            let services = installation::services_about(Arc::clone(&home), "totp", Purpose::SignIn, ANNA);
            let begun = cpu::used();
            for _ in 0..arguments.calls {
                let answered =
                    if native { natively(&services).await } else { sandboxed(&module, &services).await };
                assert!(
                    matches!(answered, Step::Challenge(Challenge { error: Some(_), .. })),
                    "{answered:?}"
                );
            }
            cpu::used().saturating_sub(begun).as_secs_f64() * 1e6 / arguments.calls as f64
        })
    };
    let variants = [("compiled into the host", true), ("a component, a fresh instance each", false)];
    let mut results = [Rounds::default(), Rounds::default()];
    for _ in 0..=arguments.rounds {
        for ((_, native), rounds) in variants.iter().zip(&mut results) {
            rounds.0.push(turn(*native));
        }
    }
    table::head("a wrong code to totp");
    // The first turn fills the caches.
    for rounds in &mut results {
        rounds.0.remove(0);
    }
    for ((name, _), rounds) in variants.iter().zip(&results) {
        table::line(name, rounds, &results[0]);
    }
}

async fn enrol(home: &Arc<Installation>) {
    let services = installation::services_about(Arc::clone(home), "totp", Purpose::Enrol, ANNA);
    let key = Key::new(&[7; 20]).unwrap_or_else(|| panic!("a key of 20 bytes"));
    let record = Record { key, last: 0 }.write();
    let added = services.add_credential("subject-1", "Phone", &record).await;
    assert!(matches!(added, Ok(Some(_))), "{added:?}");
}

async fn sandboxed(module: &ComponentAuthenticator, services: &Arc<AuthenticatorServices>) -> Step {
    let form = Form(vec![("code".into(), "000000".into())]);
    let context = installation::context(Purpose::SignIn, ANNA);
    let answered = module.proceed(Arc::clone(services), context, Vec::new(), form.into()).await;
    answered.unwrap_or_else(|failure| panic!("{failure}"))
}

/// What plugins/authenticators/totp does with it.
async fn natively(services: &Arc<AuthenticatorServices>) -> Step {
    let ask = |error: Option<&str>| {
        Step::Challenge(Challenge {
            title: Text::of("totp.ask"),
            elements: vec![
                Element::Message(Message { body: Text::of("totp.ask.lead"), link: None }),
                Element::Field(Field {
                    name: "code".into(),
                    kind: FieldKind::OneTimeCode,
                    label: Text::of("totp.code"),
                    value: String::new(),
                    required: true,
                    autocomplete: "one-time-code".into(),
                }),
            ],
            submit: Text::of("sign-in.submit"),
            error: error.map(Text::of),
            state: Vec::new(),
        })
    };
    let Some(code) = Code::read("000000") else { return ask(Some("totp.wrong")) };
    let now = services.now().0;
    let records = services.credentials("subject-1").await.unwrap_or_else(|error| panic!("{error:?}"));
    for credential in records {
        let record = Record::read(&credential.data).unwrap_or_else(|error| panic!("{error:?}"));
        if matching_step(&record.key, code, now, Some(record.last)).is_some() {
            return Step::Authenticated(Identity {
                who: Who::Account("subject-1".into()),
                methods: Vec::new(),
                context: String::new(),
                remember: None,
            });
        }
    }
    ask(Some("totp.wrong"))
}

/// CPU time of the process until all can be called, compiled anew and compiled before, and the memory that
/// they keep.
fn many() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let cache = directory.path().join("modules");
    let component = installation::artefact("authenticators/totp.wasm");
    println!("\n{MANY} authenticators of {} KiB each: CPU milliseconds, KiB kept", component.len() >> 10);
    for name in ["compiled anew", "compiled before"] {
        let (time, memory) = (process_time(), resident());
        let kept = load_many(&cache, &component);
        let (time, memory) = (process_time() - time, resident().saturating_sub(memory));
        println!("{name:<44} {time:>8.0} {memory:>8}");
        drop(kept);
    }
}

fn load_many(cache: &Path, component: &[u8]) -> Vec<ComponentAuthenticator> {
    let sandbox = Sandbox::new(Some(cache)).unwrap_or_else(|error| panic!("{error}"));
    let different = |number: u32| {
        // A custom section makes it another file.
        let mut bytes = component.to_vec();
        bytes.extend([0, 6, 1, b'n']);
        bytes.extend(number.to_le_bytes());
        bytes
    };
    let load = |number| {
        let load = sandbox.load_authenticator("totp.wasm", different(number), Limits::default());
        runtime().block_on(load).unwrap_or_else(|error| panic!("{error}"))
    };
    (0..MANY).map(load).collect()
}

/// CPU milliseconds of all threads.
fn process_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// KiB of the process that are in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
