//! A hostile authenticator that calls outside: it reaches what is granted and nothing else, and while it waits
//! others sign in. Needs `cargo xtask build`.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use postern_kernel::authenticator::{AuthenticatorModule as _, Context, Purpose, Step};
use postern_kernel::capability::Capability;
use postern_kernel::module::{FailureReason, ModuleFailure};
use postern_kernel::services::Installation;
use postern_outbound::{Authorities, HttpOutbound, Policy, Resolver};
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

mod installation;

use installation::{artefact, context, services_about};

async fn forger() -> ComponentAuthenticator {
    let sandbox = Sandbox::new(None).unwrap();
    // As the server has it for who is granted hosts.
    let limits = Limits { call: Duration::from_secs(25), ..Limits::default() };
    sandbox.load_authenticator("forger.wasm", artefact("guests/forger.wasm"), limits).await.unwrap()
}

async fn call(
    module: &ComponentAuthenticator,
    installation: &Arc<Installation>,
    crime: &str,
) -> Result<Step, ModuleFailure> {
    let anna = Some("subject-1");
    let services = services_about(Arc::clone(installation), "forger", Purpose::SignIn, anna);
    let context = Context { login_hint: Some(crime.into()), ..context(Purpose::SignIn, anna) };
    module.begin(services, context).await
}

/// What the forger was told: an answer's status and size, or the error's name.
fn says(step: &Step, told: &str) -> bool {
    let name = format!("name: \"{told}\"");
    matches!(step, Step::Unavailable(text) if text == told || text.contains(&name))
}

/// Every name leads here.
struct Here;

#[async_trait]
impl Resolver for Here {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }
}

fn installation_granting(hosts: &[&str], networks: &[&str]) -> Arc<Installation> {
    let certificate = rcgen::generate_simple_self_signed(vec!["op.example".to_owned()]).unwrap().cert;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certificate.pem()).unwrap();
    let authorities = Authorities::of_file(&file).unwrap();
    let policy = Policy {
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        credentials: BTreeMap::new(),
    };
    let policies = BTreeMap::from([("forger".to_owned(), policy)]);
    let clock = Arc::new(installation::Noon);
    installation::with_outbound(Arc::new(HttpOutbound::new(policies, &authorities, Arc::new(Here), clock)))
}

/// Crimes, with what the component is told.
const TOLD: &[(&str, &str)] = &[
    ("calls https://evil.example/", "ungranted"),
    ("calls https://op.example:8443/", "ungranted"),
    ("calls https://login.op.example/", "ungranted"),
    ("calls", "refused-address"),
    ("calls-itself", "ungranted"),
    ("calls-metadata", "refused-address"),
    ("calls-plain", "invalid"),
    ("calls-as-number", "invalid"),
    ("calls-with-user", "invalid"),
    ("calls-splitting", "invalid"),
    ("calls-with-host", "invalid"),
    ("calls-with-secret", "ungranted"),
];

/// Crimes that end the call, with a word of the detail.
const ENDED: &[(&str, &str)] = &[
    ("calls-large", "send: body: 65537 bytes"),
    ("calls-long", "send: url: 5019 bytes"),
    ("calls-with-many", "send: headers: 17 items"),
    ("calls-often", "authenticator.outbound.too-many"),
];

#[tokio::test]
async fn it_reaches_what_is_granted_and_nothing_else() {
    let module = forger().await;
    // The metadata service of a cloud is granted by name, and its network is not.
    let installation = installation_granting(&["op.example", "169.254.169.254"], &["10.0.0.0/8"]);
    for (crime, told) in TOLD {
        let step = call(&module, &installation, crime).await.unwrap();
        assert!(says(&step, told), "{crime}: {step:?}");
    }
    for (crime, detail) in ENDED {
        let Err(failure) = call(&module, &installation, crime).await else {
            panic!("{crime} was not refused")
        };
        assert_eq!(failure.reason, FailureReason::Output, "{crime}: {failure}");
        assert!(failure.detail.contains(detail), "{crime}: {failure}");
        let good = call(&module, &installation, "good").await;
        assert!(matches!(good, Ok(Step::Challenge(_))), "after {crime}");
    }
    let nothing = installation::installation();
    assert!(says(&call(&module, &nothing, "calls").await.unwrap(), "ungranted"));
}

#[tokio::test]
async fn without_the_grant_it_is_not_loaded() {
    let sandbox = Sandbox::new(None).unwrap();
    let granted = [Capability::Accounts, Capability::Credentials, Capability::Messages];
    let loaded = sandbox
        .load_granted("forger.wasm", artefact("guests/forger.wasm"), Limits::default(), &granted)
        .await;
    assert_eq!(loaded.err().map(|error| error.code()), Some("sandbox.import.ungranted"));
}

/// Speaks to whoever connects, by the path.
async fn answer(mut stream: TcpStream, connected: Arc<AtomicUsize>) -> io::Result<()> {
    let mut buffer = [0; 4_096];
    let length = stream.read(&mut buffer).await?;
    connected.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
    if request.starts_with("GET /silent ") {
        return std::future::pending().await;
    }
    if request.starts_with("GET /redirect ") {
        return stream
            .write_all(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/admin\r\nContent-Length: 0\r\n\r\n")
            .await;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
    loop {
        stream.write_all(format!("10000\r\n{}\r\n", "x".repeat(0x10000)).as_bytes()).await?;
    }
}

#[tokio::test]
async fn while_it_waits_others_sign_in() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let connected = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connected);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&count)));
        }
    });
    let (module, installation) =
        (Arc::new(forger().await), installation_granting(&[&host], &["127.0.0.0/8"]));
    for (path, told) in [("/endless", "too-large"), ("/redirect", "302 0")] {
        let step = call(&module, &installation, &format!("calls http://{host}{path}")).await.unwrap();
        assert!(says(&step, told), "{path}: {step:?}");
    }
    assert_eq!(connected.load(Ordering::SeqCst), 2, "the redirect was not followed");

    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (module, installation) = (Arc::clone(&module), Arc::clone(&installation));
        let crime = format!("calls http://{host}/silent");
        waiting.spawn(async move { call(&module, &installation, &crime).await.unwrap() });
    }
    while connected.load(Ordering::SeqCst) < 10 {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        let good = call(&module, &installation, "good").await;
        assert!(matches!(good, Ok(Step::Challenge(_))));
    }
    let ninth = call(&module, &installation, &format!("calls http://{host}/silent")).await.unwrap();
    assert!(says(&ninth, "busy"), "{ninth:?}");
    // They have waited for far longer than a component may run.
    while let Some(step) = waiting.join_next().await {
        assert!(says(&step.unwrap(), "timed-out"));
    }
}
