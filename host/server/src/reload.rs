//! Takes changes of the configuration, of components and of the theme over while requests go on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use postern_sandbox::Sandbox;

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
        let modules = compose::load_modules(&self.sandbox, &configuration).await?;
        compose::provide_keys(&self.opened, &modules).await?;
        self.current.replace(compose::live(&configuration, &self.opened, modules)?);
        let late = needs_restart(&self.configuration, &configuration);
        if !late.is_empty() {
            tracing::warn!(sections = late.join(", "), "changed: in force after a restart");
        }
        tracing::info!(
            modules = configuration.modules.enabled.join(", "),
            authenticators = configuration.authenticators.enabled.join(", "),
            "change taken over"
        );
        // The parts that wait for a restart are compared with what runs.
        self.configuration = Configuration {
            base_url: self.configuration.base_url.clone(),
            public: self.configuration.public.clone(),
            management: self.configuration.management.clone(),
            state: self.configuration.state.clone(),
            keys: self.configuration.keys.clone(),
            log: self.configuration.log.clone(),
            ..configuration
        };
        Ok(())
    }

    fn look(&self) -> Seen {
        let Configuration { modules, authenticators, pages, .. } = &self.configuration;
        let mut paths = vec![self.file.clone()];
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
        ("public", running.public != read.public),
        ("management", running.management != read.management),
        ("state", running.state != read.state),
        ("keys", running.keys != read.keys),
        ("sign_in.argon2", running.sign_in.argon2 != read.sign_in.argon2),
        ("log", running.log != read.log),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
