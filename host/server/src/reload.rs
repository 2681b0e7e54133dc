//! Takes changes of the configuration, of certificates, components and of the theme over while
//! requests go on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use postern_kernel::audit::Event;
use postern_kernel::clock::Timestamp;
use postern_kernel::flow::{EnabledAuthenticator, ModuleSet};
use postern_sandbox::Sandbox;
use rustls::ServerConfig;
use tokio::sync::watch;

use crate::authenticators;
use crate::cli::Failure;
use crate::compose::{self, Opened};
use crate::config::{self, Configuration};
use crate::live::Current;
use crate::policies;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(1);

/// What runs, and what it was made of.
pub(crate) struct Reload {
    pub(crate) file: PathBuf,
    pub(crate) configuration: Configuration,
    pub(crate) opened: Arc<Opened>,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) current: Current,
    pub(crate) public_tls: watch::Sender<Arc<ServerConfig>>,
    pub(crate) management_tls: watch::Sender<Arc<ServerConfig>>,
    /// What was there before any of it was read: a change while it was being read is one to take over.
    pub(crate) applied: Seen,
}

/// When each watched file was last changed, and its size.
pub(crate) type Seen = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Reload {
    /// Looks again and again.
    pub(crate) async fn watch(mut self) {
        let mut applied = std::mem::take(&mut self.applied);
        let mut pending: Option<Seen> = None;
        loop {
            tokio::time::sleep(INTERVAL).await;
            let seen = self.look();
            if seen == applied {
                pending = None;
            } else if pending.as_ref() == Some(&seen) {
                // The same twice: whoever wrote it has finished.
                if let Err(failure) = self.apply().await {
                    tracing::error!(
                        reason = failure.message,
                        "change not taken over: the old one stays in force"
                    );
                    self.audit_refused(&failure.message);
                }
                pending = None;
                // What changed while it was being read has to be read again.
                applied = self.look();
                applied.iter_mut().for_each(|now| {
                    if let Some(read) = seen.iter().find(|(path, _)| *path == now.0) {
                        now.1 = read.1;
                    }
                });
            } else {
                pending = Some(seen);
            }
        }
    }

    async fn apply(&mut self) -> Result<(), Failure> {
        let configuration = config::load(&self.file).map_err(Failure::usage)?;
        let public_tls = compose::public_tls(&configuration)?;
        let management_tls = compose::management_tls(&configuration)?;
        let mut modules = compose::load_modules(&self.sandbox, &configuration).await?;
        compose::provide_keys(&self.opened, &modules).await?;
        self.keep_replaced(&configuration, &mut modules);
        let live = compose::live(&configuration, &self.opened, modules)?;
        // All of it is good: nothing was changed before, everything is now.
        self.current.replace(live);
        self.public_tls.send_replace(public_tls);
        self.management_tls.send_replace(management_tls);
        let late = needs_restart(&self.configuration, &configuration);
        if !late.is_empty() {
            tracing::warn!(sections = late.join(", "), "changed: in force after a restart");
        }
        tracing::info!(
            modules = configuration.modules.enabled.join(", "),
            authenticators = configuration.authenticators.enabled.join(", "),
            "change taken over"
        );
        // What waits for a restart is compared with what runs.
        let running = std::mem::replace(&mut self.configuration, configuration);
        let now = &mut self.configuration;
        now.public.listen = running.public.listen;
        now.public.max_connections = running.public.max_connections;
        now.management.listen = running.management.listen;
        now.sign_in.argon2 = running.sign_in.argon2;
        (now.base_url, now.state, now.keys, now.log) =
            (running.base_url, running.state, running.keys, running.log);
        Ok(())
    }

    /// Sign-ins that are under way go on with the files that they began with, unless the configuration
    /// names another digest.
    fn keep_replaced(&self, configuration: &Configuration, modules: &mut ModuleSet) {
        let now = self.opened.installation.clock.now();
        let until = Timestamp(now.0.saturating_add(configuration.sign_in.transaction_lifetime.0));
        let pins = &configuration.authenticators.modules;
        let allowed = |enabled: &EnabledAuthenticator| {
            let pin = pins.get(&enabled.module.description().name).and_then(|module| module.sha256.as_ref());
            pin.is_none_or(|pin| pin == enabled.module.digest())
        };
        modules.keep_replaced(&self.current.get().flow.modules(), now, until, allowed);
    }

    /// For whoever has to answer for it.
    fn audit_refused(&self, reason: &str) {
        self.opened.installation.audit.record(&Event {
            name: "change.refused",
            module: None,
            relying_party: None,
            subject: None,
            correlation: None,
            fields: &[("reason", reason)],
        });
    }

    fn look(&self) -> Seen {
        look(&self.file, &self.configuration)
    }
}

/// The files that the configuration names, as they are now.
pub(crate) fn look(file: &Path, configuration: &Configuration) -> Seen {
    let Configuration { public, management, modules, authenticators: ways, pages, mail, .. } = configuration;
    let mut paths = vec![file.to_owned()];
    paths.extend([&public.certificate, &public.key].map(Clone::clone));
    paths.extend([&management.certificate, &management.key].map(Clone::clone));
    paths.extend(public.client_ca.clone());
    paths.extend(mail.iter().flat_map(|mail| [mail.ca.clone(), mail.password_file.clone()]).flatten());
    let component = |folder: &Path, name: &String| folder.join(format!("{name}.wasm"));
    paths.extend(modules.enabled.iter().map(|name| component(&modules.directory, name)));
    for name in &ways.enabled {
        let component = ways.component_of(name);
        paths.push(authenticators::file(&ways.directory, component));
        paths.push(authenticators::manifest_file(&ways.directory, component));
    }
    let of_policy = |name: &String| policies::file(&configuration.policies.directory, name);
    paths.extend(configuration.sign_in.policies().into_iter().map(of_policy));
    for folder in
        pages.theme.iter().flat_map(|theme| [theme.clone(), theme.join("messages"), theme.join("assets")])
    {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        paths.extend(entries.map(|entry| entry.path()));
    }
    paths.sort();
    let seen = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        let state = metadata.and_then(|found| Some((found.modified().ok()?, found.len())));
        (path, state)
    };
    paths.into_iter().map(seen).collect()
}

/// Sections that differ and can't change while the server runs.
fn needs_restart(running: &Configuration, read: &Configuration) -> Vec<&'static str> {
    [
        ("base_url", running.base_url != read.base_url),
        ("public.listen", running.public.listen != read.public.listen),
        ("public.max_connections", running.public.max_connections != read.public.max_connections),
        ("management.listen", running.management.listen != read.management.listen),
        ("state", running.state != read.state),
        ("keys", running.keys != read.keys),
        ("sign_in.argon2", running.sign_in.argon2 != read.sign_in.argon2),
        ("log", running.log != read.log),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
