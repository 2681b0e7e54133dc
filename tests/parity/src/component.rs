//! The components in the real sandbox, over the real kernel and a SQLite store.
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::tools;
use postern_kernel::audit::{Audit, Event};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::{Account, Claim, Directory, PasswordVerdict};
use postern_kernel::keys::{KeyRing, Opened, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use postern_kernel::module::{
    Document, FormPost, Method, Outcome, ProtocolModule, Refusal, Request, Response,
};
use postern_kernel::randomness::{Randomness, fingerprint};
use postern_kernel::services::{Installation, ModuleServices};
use postern_kernel::store::{Application, Grant, Store};
use postern_kernel::throttle::Throttle;
use postern_kernel::unavailable::Unavailable;
use postern_keys::{MasterKey, SealedKeyRing};
use postern_sandbox::{ComponentProtocol, Limits, Sandbox};
use postern_store::SqliteStore;
use postern_vectors::{Keys, Request as Sent, Vector, Verdict, registry};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{BASE_URL, now};

/// The person that the tokens of the vectors name.
const PERSON: &str = "person-1";
/// The grant that they name.
const GRANT: &str = "grant-of-the-vectors";
/// The client that they name.
const CLIENT: &str = "public-client";

/// A module in the sandbox.
pub struct Component {
    module: ComponentProtocol,
    installation: Arc<Installation>,
    runtime: Runtime,
    _folder: TempDir,
}

impl Component {
    /// Loads `saml2` or `oidc`, with the standard registry.
    ///
    /// # Panics
    /// When it is not built or can't be loaded.
    pub fn load(name: &str) -> Self {
        // An error that is sent to an application by redirect has its reason in the log alone.
        log();
        let runtime = Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let installation = Arc::new(runtime.block_on(installation(folder.path())));
        let sandbox = Sandbox::new(Some(&tools::target().join("tmp/postern-cache"))).expect("a sandbox");
        let file = tools::component(&format!("components/{name}"));
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = runtime
            .block_on(sandbox.load_protocol(name, bytes, Limits::default()))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { module, installation, runtime, _folder: folder }
    }

    /// The verdict on the vector's last request.
    ///
    /// # Panics
    /// When the module fails.
    pub fn judge(&self, vector: &Vector) -> Verdict {
        let requests = vector.materialise(Keys::shared(), now(), BASE_URL, now());
        let mut verdict = Verdict::Accept;
        for request in &requests {
            verdict = match vector.rule.as_str() {
                "saml-metadata" | "client-registration" => self.register(vector, request),
                _ => self.handle(vector, request),
            };
        }
        verdict
    }

    fn handle(&self, vector: &Vector, request: &Sent) -> Verdict {
        let request = Request {
            method: if request.method == "POST" { Method::Post } else { Method::Get },
            path: path(vector, request),
            query: request.query().into(),
            content_type: request.header("content-type").map(media_type),
            authorization: authorization(request),
            body: request.body.clone(),
        };
        let outcome = self.runtime.block_on(self.module.handle(self.services(vector), request));
        match outcome.unwrap_or_else(|failure| panic!("{}: {failure}", vector.name)) {
            Outcome::Respond(response) => response_verdict(vector, response),
            Outcome::Authenticate(_) | Outcome::EndSession(_) => Verdict::Accept,
        }
    }

    fn register(&self, vector: &Vector, request: &Sent) -> Verdict {
        let registered =
            self.runtime.block_on(self.module.register(self.services(vector), request.body.clone()));
        match registered.unwrap_or_else(|failure| panic!("{}: {failure}", vector.name)) {
            Ok(_) => Verdict::Accept,
            Err(refusal) => refused(&refusal),
        }
    }

    /// The vector's name is the correlation id, to find its lines in the log.
    fn services(&self, vector: &Vector) -> Arc<ModuleServices> {
        let name = &self.module.description().name;
        Arc::new(ModuleServices::new(Arc::clone(&self.installation), name, "{}", &vector.name))
    }
}

/// Access tokens are judged at userinfo.
fn path(vector: &Vector, request: &Sent) -> String {
    if vector.rule == "access-token" { "/oauth2/userinfo".into() } else { request.path().into() }
}

/// As the host hands it on: in lower case, without parameters.
fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// As the host hands it on: when there is exactly one.
fn authorization(request: &Sent) -> Option<String> {
    let mut found = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    match (found.next(), found.next()) {
        (Some((_, value)), None) => String::from_utf8(value.clone()).ok(),
        _ => None,
    }
}

fn response_verdict(vector: &Vector, response: Response) -> Verdict {
    match response {
        Response::Refused(refusal)
        | Response::Document(Document { refusal: Some(refusal), .. })
        | Response::FormPost(FormPost { refusal: Some(refusal), .. }) => refused(&refusal),
        Response::Redirect(url) if url.contains("error=") => {
            let code =
                logged_code(&vector.name).unwrap_or_else(|| panic!("{}: no reason logged", vector.name));
            // What is sent by redirect has no status of its own.
            let status = match vector.verdict {
                Verdict::Refuse { status, .. } => status,
                Verdict::Accept => 0,
            };
            Verdict::Refuse { code, status }
        }
        _ => Verdict::Accept,
    }
}

fn refused(refusal: &Refusal) -> Verdict {
    Verdict::Refuse { code: refusal.code.clone(), status: refusal.status }
}

async fn installation(folder: &Path) -> Installation {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.join("state.sqlite")).expect("a store"));
    for registration in registry(Keys::shared(), BASE_URL) {
        let application = Application {
            id: registration.identifier.clone(),
            module: registration.module,
            identifier: registration.identifier,
            name: registration.name,
            settings: registration.settings.to_string(),
            secret: registration.secret.as_deref().map(fingerprint),
            disabled: false,
            created_at: Timestamp(now()),
        };
        store.add_application(&application).await.expect("an application");
    }
    store.add_grant(&grant()).await.expect("a grant");
    let master = MasterKey::from_base64(STANDARD.encode([7; 32]).as_bytes()).expect("a master key");
    let ring = SealedKeyRing::open(Arc::clone(&store), Arc::new(Now), &master, BASE_URL).await.expect("keys");
    Installation {
        base_url: BASE_URL.into(),
        store,
        directory: Arc::new(OnePerson),
        keys: Arc::new(VectorKeys(ring)),
        clock: Arc::new(Now),
        randomness: Arc::new(OperatingSystem),
        audit: Arc::new(NoAudit),
        throttle: Throttle::default(),
        mailer: None,
        outbound: None,
        tickets: None,
    }
}

/// In the shape that the module keeps with its grants.
fn grant() -> Grant {
    let data = serde_json::json!({
        "scope": "openid orders.read", "authenticated_at": now(), "context": "password",
        "methods": ["pwd"], "session_index": "session", "until": now() + 3_600,
    });
    Grant {
        id: GRANT.into(),
        module: "oidc".into(),
        application: CLIENT.into(),
        subject: PERSON.into(),
        session: None,
        data: data.to_string(),
        signed_in: None,
        issued_at: Timestamp(now()),
        expires_at: Timestamp(now() + 3_600),
    }
}

/// Verifies as the product does; signs and publishes with the keys that the vectors name.
struct VectorKeys(SealedKeyRing);

impl VectorKeys {
    fn name(algorithm: SigningAlgorithm) -> &'static str {
        match algorithm {
            SigningAlgorithm::Rs256 => "idp-rsa",
            SigningAlgorithm::Es256 => "idp-ec",
            SigningAlgorithm::EdDsa => "idp-ed",
        }
    }
}

#[async_trait]
impl KeyRing for VectorKeys {
    async fn provide(&self, _module: &str, _algorithms: &[SigningAlgorithm]) -> Result<(), Unavailable> {
        Ok(())
    }

    fn sign(
        &self,
        _module: &str,
        algorithm: SigningAlgorithm,
        message: &[u8],
    ) -> Result<Signature, Unavailable> {
        let name = Self::name(algorithm);
        let bytes = Keys::shared().get(name).and_then(|key| key.sign_jwt(algorithm.as_str(), message));
        let bytes = bytes.ok_or_else(|| Unavailable::new("keys", name))?;
        Ok(Signature { key_id: name.into(), bytes })
    }

    fn published(&self, _module: &str) -> Vec<PublishedKey> {
        [SigningAlgorithm::Rs256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa]
            .into_iter()
            .filter_map(|algorithm| {
                let key = Keys::shared().get(Self::name(algorithm))?;
                Some(PublishedKey {
                    key_id: Self::name(algorithm).into(),
                    algorithm,
                    spki: key.spki().to_vec(),
                    certificate: key.certificate().to_vec(),
                    active: true,
                })
            })
            .collect()
    }

    fn verify(&self, algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(algorithm, spki, message, signature)
    }

    fn seal(&self, place: &[&str], value: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.0.seal(place, value)
    }

    fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Opened, Unavailable> {
        self.0.open(place, sealed)
    }

    fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        self.0.mac(purpose, message)
    }
}

struct OnePerson;

#[async_trait]
impl Directory for OnePerson {
    async fn check_password(&self, _username: &str, _password: &str) -> Result<PasswordVerdict, Unavailable> {
        Ok(PasswordVerdict::Wrong)
    }

    async fn device_binding(&self, _username: &str) -> Result<Option<String>, Unavailable> {
        Ok(None)
    }

    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable> {
        Ok((subject == PERSON).then(|| Account {
            subject: PERSON.into(),
            username: "alice".into(),
            claims: vec![Claim { name: "email".into(), values: vec!["alice@example.com".into()] }],
        }))
    }
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp(now())
    }
}

struct OperatingSystem;

impl Randomness for OperatingSystem {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom::new().fill(buffer).expect("random bytes");
    }
}

struct NoAudit;

impl Audit for NoAudit {
    fn record(&self, _event: &Event<'_>) {}
}

/// What the modules log in this process.
fn log() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        tracing_subscriber::fmt().with_ansi(false).with_writer(|| Captured).init();
        Mutex::default()
    })
}

struct Captured;

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        log().lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The reason code in the line of that request: `… postern::module: oauth.pkce.required (peer-…`.
fn logged_code(correlation: &str) -> Option<String> {
    let log = log().lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&log);
    let mark = format!("correlation=\"{correlation}\"");
    let line = text.lines().rev().find(|line| line.contains(&mark))?;
    let message = line.split_once("postern::module: ").map(|(_, message)| message)?;
    message.split(' ').next().map(str::to_owned)
}
