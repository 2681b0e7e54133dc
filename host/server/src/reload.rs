//! Takes changes of the configuration, of certificates, components and of the theme over while
//! requests go on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use postern_sandbox::Sandbox;
use rustls::ServerConfig;
use tokio::sync::watch;

use crate::cli::Failure;
use crate::compose::{self, Opened};
use crate::config::{self, Configuration};
use crate::live::Current;

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
}

/// When each watched file was last changed, and its size.
type Seen = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Reload {
    /// Looks again and again.
    pub(crate) async fn watch(mut self) {
        let mut applied = self.look();
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
                }
                pending = None;
                applied = self.look();
            } else {
                pending = Some(seen);
            }
        }
    }

    async fn apply(&mut self) -> Result<(), Failure> {
        let configuration = config::load(&self.file).map_err(Failure::usage)?;
        let public_tls = compose::public_tls(&configuration)?;
        let management_tls = compose::management_tls(&configuration)?;
        let modules = compose::load_modules(&self.sandbox, &configuration).await?;
        compose::provide_keys(&self.opened, &modules).await?;
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

    fn look(&self) -> Seen {
        let Configuration { public, management, modules, authenticators, pages, .. } = &self.configuration;
        let mut paths = vec![self.file.clone()];
        paths.extend([&public.certificate, &public.key].map(Clone::clone));
        paths.extend([&management.certificate, &management.key].map(Clone::clone));
        paths.extend(public.client_ca.clone());
        let component = |folder: &Path, name: &String| folder.join(format!("{name}.wasm"));
        paths.extend(modules.enabled.iter().map(|name| component(&modules.directory, name)));
        paths.extend(authenticators.enabled.iter().map(|name| component(&authenticators.directory, name)));
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
