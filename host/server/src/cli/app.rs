//! `postern app …`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use postern_kernel::application_name::check_application_name;
use postern_kernel::module::Registration;
use postern_kernel::randomness::{fingerprint, identifier, secret};
use postern_kernel::services::ModuleServices;
use postern_kernel::store::{AddError, Application};

use super::output::{Failure, plain, say, table};
use crate::audit::rfc3339;
use crate::compose::{self, Opened};
use crate::config::Configuration;

/// Largest file that an application is registered from.
const MAX_SOURCE: u64 = 1 << 20;

#[derive(Subcommand)]
pub(super) enum App {
    /// Register an application.
    #[command(after_help = "\
Examples:
  postern app add saml2 --name Timesheets --metadata timesheets.xml
  postern app add saml2 --metadata timesheets.xml --with attributes.json
  postern app add oidc --name Notebook --settings notebook.json

A secret that the application needs is made and printed once; the store keeps its fingerprint.")]
    Add(Add),
    /// List applications.
    List,
    /// Show an application with its settings.
    Show(Named),
    /// Remove an application, with what people have allowed it.
    Remove(Named),
    /// Let nobody sign in to an application.
    Disable(Named),
    /// Let people sign in to it again.
    Enable(Named),
}

#[derive(Args)]
pub(super) struct Add {
    /// The module that serves it: saml2, oidc.
    module: String,
    /// What people call it; from the file by default.
    #[arg(long)]
    name: Option<String>,
    /// What the module registers it from: SAML metadata or a JSON file.
    #[arg(long, visible_alias = "metadata", visible_alias = "settings", value_name = "FILE")]
    source: PathBuf,
    /// A JSON object whose members replace those that the module read from the source, such as
    /// the attributes that SAML metadata does not name.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Named {
    /// Its identifier of `postern app list`, or the protocol's: entity ID, client_id.
    application: String,
    /// The module, when two know the same identifier.
    #[arg(long)]
    module: Option<String>,
}

impl App {
    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(configuration).await,
            Self::List => list(configuration).await,
            Self::Show(named) => {
                let opened = Opened::open(configuration).await?;
                show(&named.find(&opened).await?)
            }
            Self::Remove(named) => {
                let opened = Opened::open(configuration).await?;
                let application = named.find(&opened).await?;
                opened.installation.store.remove_application(&application.id).await?;
                opened.about_application("application.removed", &application);
                say(format!("removed {}", plain(&application.name)));
                Ok(())
            }
            Self::Disable(named) => named.set_disabled(configuration, true).await,
            Self::Enable(named) => named.set_disabled(configuration, false).await,
        }
    }
}

impl Add {
    async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let source = read(&self.source)?;
        let opened = Opened::open(configuration).await?;
        let sandbox = compose::sandbox(configuration)?;
        let enabled = compose::load_protocol(&sandbox, configuration, &self.module).await?;
        let installation = &opened.installation;
        let randomness = installation.randomness.as_ref();
        let correlation = identifier(randomness);
        let register = async |source, path: &Path| {
            let services =
                ModuleServices::new(Arc::clone(installation), &self.module, &enabled.settings, &correlation);
            let registered =
                enabled.module.register(Arc::new(services), source).await.map_err(Failure::new)?;
            registered.map_err(|refusal| refused(path, &refusal))
        };
        let mut registration = register(source, &self.source).await?;
        if let Some(path) = &self.with {
            // The module judges the outcome as if it had been handed in whole.
            let changed = replace_members(&registration.settings, &read(path)?, path)?;
            registration = Registration { name: registration.name, ..register(changed, path).await? };
        }
        let made = registration.needs_secret.then(|| secret(randomness));
        let name = self.name.clone().or(registration.name).unwrap_or_else(|| registration.identifier.clone());
        check_application_name(&name)
            .map_err(|error| Failure::usage(format!("{error}: name it otherwise with --name")))?;
        let application = Application {
            id: identifier(randomness),
            module: self.module.clone(),
            identifier: registration.identifier,
            name,
            settings: registration.settings,
            secret: made.as_deref().map(fingerprint),
            disabled: false,
            created_at: installation.clock.now(),
        };
        installation.store.add_application(&application).await.map_err(|error| match error {
            AddError::Exists => Failure::new(format!(
                "{} is registered for {} already: `postern app remove` it first",
                plain(&application.identifier),
                application.module
            )),
            AddError::Unavailable(error) => Failure::new(error),
        })?;
        opened.about_application("application.added", &application);
        say(format!("registered {} ({})", plain(&application.name), application.id));
        let label = if application.module == "oidc" { "client_id" } else { "identifier" };
        say(format!("{label}: {}", plain(&application.identifier)));
        if let Some(secret) = made {
            say(format!("client_secret: {secret}"));
            say("The secret is not kept: write it down now.");
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Failure::new(format!("{shown}: {error}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_SOURCE {
        return Err(Failure::new(format!("{shown}: {size} bytes are too many: {MAX_SOURCE} at most")));
    }
    std::fs::read(path).map_err(unreadable)
}

/// The settings with the members of the object over them.
fn replace_members(settings: &str, members: &[u8], path: &Path) -> Result<Vec<u8>, Failure> {
    let mut settings: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(settings).map_err(Failure::new)?;
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(members)
        .map_err(|error| Failure::new(format!("{}: must be a JSON object: {error}", path.display())))?;
    settings.extend(members);
    serde_json::to_vec(&settings).map_err(Failure::new)
}

fn refused(path: &Path, refusal: &postern_kernel::module::Refusal) -> Failure {
    let mut message = format!("{}: {}", path.display(), refusal.code);
    for (label, text) in
        [(" at ", &refusal.element), (": expected ", &refusal.expected), (", found ", &refusal.found)]
    {
        if !text.is_empty() {
            message.push_str(label);
            message.push_str(&plain(text));
        }
    }
    Failure::new(message)
}

impl Named {
    async fn find(&self, opened: &Opened) -> Result<Application, Failure> {
        let store = opened.installation.store.as_ref();
        let mut found: Vec<Application> = Vec::new();
        if let Some(application) = store.application(&self.application).await? {
            found.push(application);
        }
        let known = opened.applications().await?;
        found.extend(known.into_iter().filter(|known| known.identifier == self.application));
        found.retain(|known| self.module.as_ref().is_none_or(|module| *module == known.module));
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Failure::new(format!(
                "there is no application {:?}: see `postern app list`",
                self.application
            ))),
            _ => Err(Failure::usage("several modules know this identifier: say which with --module")),
        }
    }

    async fn set_disabled(self, configuration: &Configuration, disabled: bool) -> Result<(), Failure> {
        let opened = Opened::open(configuration).await?;
        let application = Application { disabled, ..self.find(&opened).await? };
        opened.installation.store.update_application(&application).await?;
        let event = if disabled { "application.disabled" } else { "application.enabled" };
        opened.about_application(event, &application);
        let state = if disabled { "disabled" } else { "enabled" };
        say(format!("{} is {state}", plain(&application.name)));
        Ok(())
    }
}

async fn list(configuration: &Configuration) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let rows = opened.applications().await?.into_iter().map(|application| {
        let state = if application.disabled { "disabled" } else { "enabled" };
        vec![
            application.id,
            application.module,
            plain(&application.identifier),
            plain(&application.name),
            state.into(),
        ]
    });
    table(&["ID", "MODULE", "IDENTIFIER", "NAME", "STATE"], &rows.collect::<Vec<_>>());
    Ok(())
}

fn show(application: &Application) -> Result<(), Failure> {
    let settings: serde_json::Value = serde_json::from_str(&application.settings).map_err(Failure::new)?;
    let shown = serde_json::json!({
        "id": application.id,
        "module": application.module,
        "identifier": application.identifier,
        "name": application.name,
        "disabled": application.disabled,
        "has_secret": application.secret.is_some(),
        "created_at": rfc3339(application.created_at),
        "settings": settings,
    });
    say(format!("{shown:#}"));
    Ok(())
}
