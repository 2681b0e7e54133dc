//! Puts the parts together as the configuration says.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use postern_directory::{EmbeddedDirectory, PasswordCost, PasswordSettings};
use postern_endpoint::EndpointTable;
use postern_kernel::audit::Event;
use postern_kernel::clock::Clock;
use postern_kernel::flow::{EnabledProtocol, Flow, Lifetimes, ModuleSet, OwnPage, Realms};
use postern_kernel::keys::{KeyRing as _, SigningAlgorithm, decryption_name, signing_name};
use postern_kernel::module::ProtocolModule as _;
use postern_kernel::services::Installation;
use postern_kernel::store::{Application, Store};
use postern_kernel::throttle::Throttle;
use postern_keys::{MasterKey, MasterKeyError, SealedKeyRing};
use postern_sandbox::{Limits, Sandbox};
use postern_store::SqliteStore;
use rustls::ServerConfig;

use crate::audit::AuditLog;
use crate::authenticators;
use crate::cli::Failure;
use crate::config::{AccountPage, ClientCertificate, Configuration, Enrol, Misfit};
use crate::edge::{self, EdgeFeed};
use crate::kerberos;
use crate::listener::{self, ClientCertificates, TlsError};
use crate::live::{self, Live};
use crate::mail;
use crate::metrics::Metrics;
use crate::outbound;
use crate::pages::Pages;
use crate::policies;
use crate::system::{SystemClock, SystemRandomness};

/// An installation whose state is open.
pub(crate) struct Opened {
    pub(crate) installation: Arc<Installation>,
    pub(crate) directory: Arc<EmbeddedDirectory>,
    pub(crate) keys: Arc<SealedKeyRing>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Opened {
    /// Opens state, keys and audit log. What is missing on first start is made.
    pub(crate) async fn open(configuration: &Configuration) -> Result<Self, Failure> {
        let metrics = Arc::new(Metrics::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let randomness = Arc::new(SystemRandomness::new());
        own_folder_of(&configuration.state.sqlite)?;
        own_folder_of(&configuration.log.audit)?;
        let master = master_key(&configuration.keys.master_key_file)?;
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&configuration.state.sqlite).map_err(Failure::new)?);
        let keys =
            SealedKeyRing::open(Arc::clone(&store), Arc::clone(&clock), &master, &configuration.base_url)
                .await
                .map_err(Failure::new)?;
        let keys = Arc::new(keys);
        let passwords = password_settings(configuration);
        let directory =
            EmbeddedDirectory::new(Arc::clone(&store), randomness.clone(), Arc::clone(&clock), passwords)
                .map_err(|error| Failure::usage(format!("sign_in.argon2: {error}")))?;
        let directory = Arc::new(directory);
        let audit = AuditLog::open(&configuration.log.audit, Arc::clone(&clock), Arc::clone(&metrics))
            .map_err(Failure::new)?;
        let installation = Installation {
            base_url: configuration.base_url.clone(),
            store,
            directory: directory.clone(),
            keys: keys.clone(),
            clock,
            randomness,
            audit: Arc::new(audit),
            throttle: throttle(configuration),
            // Of what serves requests: `installation_for`.
            mailer: None,
            outbound: None,
            tickets: None,
        };
        Ok(Self { installation: Arc::new(installation), directory, keys, metrics })
    }

    /// The same with the limits, the mail server and the hosts outside of another configuration.
    pub(crate) fn installation_for(
        &self,
        configuration: &Configuration,
    ) -> Result<Arc<Installation>, Failure> {
        let Installation { base_url, store, directory, keys, clock, randomness, audit, .. } =
            self.installation.as_ref();
        Ok(Arc::new(Installation {
            base_url: base_url.clone(),
            store: Arc::clone(store),
            directory: Arc::clone(directory),
            keys: Arc::clone(keys),
            clock: Arc::clone(clock),
            randomness: Arc::clone(randomness),
            audit: Arc::clone(audit),
            throttle: throttle(configuration),
            mailer: mail::mailer(configuration)?,
            outbound: outbound::outbound(configuration, Arc::clone(clock))?,
            tickets: kerberos::tickets(configuration)?,
        }))
    }

    /// Writes down what an administrator did by the command line.
    pub(crate) fn administrative(&self, name: &str, subject: Option<&str>, fields: &[(&str, &str)]) {
        self.record(name, None, None, subject, fields);
    }

    /// The same about an application.
    pub(crate) fn about_application(&self, name: &str, application: &Application) {
        let fields = [("identifier", application.identifier.as_str()), ("name", &application.name)];
        self.record(name, Some(&application.module), Some(&application.id), None, &fields);
    }

    fn record(
        &self,
        name: &str,
        module: Option<&str>,
        relying_party: Option<&str>,
        subject: Option<&str>,
        fields: &[(&str, &str)],
    ) {
        let actor = actor();
        let mut all = vec![("actor", actor.as_str())];
        all.extend_from_slice(fields);
        let event = Event { name, module, relying_party, subject, correlation: None, fields: &all };
        self.installation.audit.record(&event);
    }

    /// All applications, in the order of module and identifier.
    pub(crate) async fn applications(&self) -> Result<Vec<Application>, Failure> {
        applications(self.installation.store.as_ref()).await
    }
}

/// All applications, in the order of module and identifier.
pub(crate) async fn applications(store: &dyn Store) -> Result<Vec<Application>, Failure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_applications(after.as_deref(), 500).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Who runs the command: the name that `sudo` was called by, or else the login name.
#[allow(clippy::disallowed_methods, reason = "the environment belongs to the composition root")]
fn actor() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    format!("command-line:{}", name.unwrap_or_default())
}

fn throttle(configuration: &Configuration) -> Throttle {
    let sign_in = &configuration.sign_in;
    Throttle {
        per_name: sign_in.failures_per_name,
        per_address: sign_in.failures_per_address,
        window: sign_in.failure_window.0,
        longest_wait: sign_in.longest_wait.0,
        in_a_row: sign_in.failures_in_a_row,
    }
}

fn password_settings(configuration: &Configuration) -> PasswordSettings {
    let argon2 = &configuration.sign_in.argon2;
    PasswordSettings {
        cost: PasswordCost {
            memory: argon2.memory_kib,
            passes: argon2.iterations,
            lanes: argon2.parallelism,
        },
        threads: NonZeroUsize::new(argon2.workers as usize),
        queue: argon2.queue as usize,
    }
}

/// From the environment, or else from the file, which is made on first start.
fn master_key(file: &Path) -> Result<MasterKey, Failure> {
    if let Some(read) = master_key_from_environment() {
        return read;
    }
    match MasterKey::from_file(file) {
        Err(MasterKeyError::File { error, .. }) if error.kind() == ErrorKind::NotFound => {
            own_folder_of(file)?;
            let made = MasterKey::create_file(file).map_err(Failure::new)?;
            tracing::info!(file = %file.display(), "master key made: keep a copy apart from the backups of the state");
            Ok(made)
        }
        read => read.map_err(Failure::new),
    }
}

#[allow(clippy::disallowed_methods, reason = "the environment belongs to the composition root")]
pub(crate) fn master_key_from_environment() -> Option<Result<MasterKey, Failure>> {
    let text = zeroize::Zeroizing::new(std::env::var("POSTERN_MASTER_KEY").ok()?);
    let read = MasterKey::from_base64(text.as_bytes());
    Some(read.map_err(|error| Failure::usage(format!("POSTERN_MASTER_KEY: {error}"))))
}

/// Makes the folder of a file, for its owner alone, when it is not there.
fn own_folder_of(file: &Path) -> Result<(), Failure> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}

/// Where components run.
pub(crate) fn sandbox(configuration: &Configuration) -> Result<Sandbox, Failure> {
    Sandbox::new(Some(&configuration.modules.cache)).map_err(Failure::new)
}

/// The enabled modules and authenticators.
pub(crate) async fn load_modules(
    sandbox: &Sandbox,
    configuration: &Configuration,
) -> Result<ModuleSet, Failure> {
    let mut modules = ModuleSet::default();
    for name in &configuration.modules.enabled {
        modules.protocols.insert(name.clone(), load_protocol(sandbox, configuration, name).await?);
    }
    for name in &configuration.authenticators.enabled {
        let authenticator = authenticators::load(sandbox, configuration, name).await.map_err(Failure::new)?;
        modules.authenticators.push(authenticator);
    }
    modules.steps.clone_from(&configuration.sign_in.steps);
    modules.steps_for.clone_from(&configuration.sign_in.steps_for);
    modules.remember = configuration.sign_in.remember.map_or(0, |remember| remember.0);
    let max_ages = configuration.sign_in.max_age_for.iter();
    modules.max_age_for = max_ages.map(|(application, age)| (application.clone(), age.0)).collect();
    modules.enrol_at_sign_in = configuration.sign_in.enrol == Enrol::SignIn;
    modules.own_pages = configuration.pages.account.iter().map(own_page).collect();
    modules.realms = Realms::new(configuration.sign_in.realms.clone());
    modules.policies = policies::load(sandbox, configuration).await.map_err(Failure::new)?;
    modules.check_steps().map_err(|error| Failure::usage(format!("sign_in.steps: {error}")))?;
    Ok(modules)
}

fn own_page(page: &AccountPage) -> OwnPage {
    match page {
        AccountPage::Factors => OwnPage::Factors,
        AccountPage::Sessions => OwnPage::Sessions,
        AccountPage::Password => OwnPage::Password,
    }
}

/// One protocol module, which has to be enabled.
pub(crate) async fn load_protocol(
    sandbox: &Sandbox,
    configuration: &Configuration,
    name: &str,
) -> Result<EnabledProtocol, Failure> {
    let modules = &configuration.modules;
    if !modules.enabled.iter().any(|enabled| enabled == name) {
        let enabled = modules.enabled.join(", ");
        return Err(Failure::usage(format!("module {name:?} is not enabled; modules.enabled has {enabled}")));
    }
    let (path, bytes) = component(&modules.directory, name)?;
    let loaded = sandbox.load_protocol(name, bytes, Limits::default()).await;
    let module = loaded.map_err(|error| Failure::new(format!("{path}: {error}")))?;
    require_name(&path, name, &module.description().name)?;
    Ok(EnabledProtocol { module: Arc::new(module), settings: settings(modules.settings.get(name))? })
}

fn component(directory: &Path, name: &str) -> Result<(String, Vec<u8>), Failure> {
    let path = directory.join(format!("{name}.wasm"));
    let bytes = std::fs::read(&path);
    let bytes = bytes.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok((path.display().to_string(), bytes))
}

fn require_name(path: &str, expected: &str, found: &str) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    Err(Failure::new(format!("{path} is the module {found:?}: name the file and the entry {found:?}")))
}

fn settings(table: Option<&toml::Table>) -> Result<String, Failure> {
    match table {
        None => Ok("{}".into()),
        Some(table) => serde_json::to_string(table).map_err(Failure::new),
    }
}

/// Makes the keys that the modules lack.
pub(crate) async fn provide_keys(opened: &Opened, modules: &ModuleSet) -> Result<(), Failure> {
    for (name, enabled) in &modules.protocols {
        opened.keys.provide(name, &enabled.module.description().signing).await?;
    }
    for enabled in modules.authenticators.iter().filter(|enabled| enabled.module.has_own_keys()) {
        let name = &enabled.module.description().name;
        for name in [signing_name(name), decryption_name(name)] {
            opened.keys.provide(&name, &[SigningAlgorithm::Rs256]).await?;
        }
    }
    provide_edge_key(opened).await
}

/// Makes the key that signs the edge's configuration, when it is not there.
pub(crate) async fn provide_edge_key(opened: &Opened) -> Result<(), Failure> {
    Ok(edge::provide(opened.keys.as_ref(), opened.installation.store.as_ref()).await?)
}

/// Pages with the theme.
pub(crate) fn pages(configuration: &Configuration) -> Result<Pages, Failure> {
    let pages = &configuration.pages;
    let [host, ..] = hosts(configuration).try_into().unwrap_or([String::new()]);
    Pages::new(pages.theme.as_deref(), &pages.language, &host)
        .map_err(|error| Failure::usage(format!("theme: {error}")))
}

/// Values of Host that are ours: that of the public origin first.
pub(crate) fn hosts(configuration: &Configuration) -> Vec<String> {
    let origin = configuration.base_url.strip_prefix("https://").unwrap_or_default().to_owned();
    let further =
        configuration.edge.iter().flat_map(|edge| edge.hosts.iter()).filter(|host| **host != origin);
    std::iter::once(origin.clone()).chain(further.cloned()).collect()
}

/// The table of endpoints, as `serve` would have it.
pub(crate) fn table(configuration: &Configuration, modules: &ModuleSet) -> Result<EndpointTable, Failure> {
    EndpointTable::new(live::policy(modules, hosts(configuration)))
        .map_err(|error| Failure::usage(format!("endpoints of the enabled modules: {error}")))
}

/// What requests are served with.
pub(crate) fn live(
    configuration: &Configuration,
    opened: &Opened,
    modules: ModuleSet,
) -> Result<Live, Failure> {
    let lifetimes = Lifetimes {
        session_idle: configuration.sessions.idle.0,
        session: configuration.sessions.absolute.0,
        transaction: configuration.sign_in.transaction_lifetime.0,
        recent: configuration.sign_in.recent.0,
    };
    let edge_feed = EdgeFeed::new(configuration);
    let flow = Flow::new(opened.installation_for(configuration)?, lifetimes, modules);
    Live::new(flow, pages(configuration)?, hosts(configuration), edge_feed)
        .map_err(|error| Failure::usage(format!("endpoints of the enabled modules: {error}")))
}

/// TLS of the public listener.
///
/// # Errors
/// The field of the configuration whose file is wrong.
pub(crate) fn public_tls(configuration: &Configuration) -> Result<Arc<ServerConfig>, Misfit> {
    let public = &configuration.public;
    let clients = match (&public.client_ca, public.client_certificate) {
        (Some(authority), ClientCertificate::Required) => ClientCertificates::Required(authority),
        (_, ClientCertificate::Off) => ClientCertificates::Off,
        (None, ClientCertificate::Required) => return Err(Misfit::new("public.client_ca", "is missing")),
    };
    listener::server_config(&public.certificate, &public.key, &clients)
        .map_err(|error| misfit("public", &public.certificate, &public.key, &error))
}

/// TLS of the management listener.
///
/// # Errors
/// The same.
pub(crate) fn management_tls(configuration: &Configuration) -> Result<Arc<ServerConfig>, Misfit> {
    let management = &configuration.management;
    listener::server_config(&management.certificate, &management.key, &ClientCertificates::Off)
        .map_err(|error| misfit("management", &management.certificate, &management.key, &error))
}

fn misfit(section: &str, certificate: &Path, key: &Path, error: &TlsError) -> Misfit {
    let field = match error.file() {
        Some(file) if file == key => "key",
        Some(file) if file != certificate => "client_ca",
        _ => "certificate",
    };
    Misfit::new(&format!("{section}.{field}"), error)
}
