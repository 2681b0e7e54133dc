//! `postern policy test`

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use postern_kernel::policy::{Decision, PolicyModule as _};
use postern_manifest::Schema;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::context::Context;
use super::{Failure, load, plain, say};

/// Prints what a policy decides in a context, as one line of JSON, and on a second line what the call used.
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern policy test country.wasm --context from-abroad.json
  postern policy test country.wasm --settings settings.json

A context (JSON), of which everything may be left out:
  { \"occasion\": \"begin\",            \"begin\", \"step\" or \"session\"
    \"application\": { \"identifier\": \"payroll\", \"name\": \"Payroll\" },
    \"demand\": { \"contexts\": [], \"force\": false, \"passive\": false },
    \"person\": { \"subject\": \"s-1\", \"username\": \"alice\", \"groups\": [\"administrators\"],
                \"claims\": { \"department\": [\"IT\"] } },
    \"client_address\": \"192.0.2.1\", \"networks\": [\"office\"], \"headers\": { \"x-country\": \"AT\" },
    \"device\": { \"known\": true, \"remembered\": false }, \"time\": 1800000000,
    \"failures\": { \"person\": 0, \"address\": 0 },
    \"done\": [\"password\"], \"reached\": [], \"steps\": [[\"password\"]] }

Whether the authenticators that it names are switched on, and whether it leaves out what the configuration asks
for, is judged where it decides.

Exit codes: 0 it decided; 1 it failed.")]
pub(crate) struct Test {
    /// The component.
    file: PathBuf,
    /// What it is told: a file of JSON.
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// Its settings: a file of JSON.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl Test {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (mut component, _) = load(&self.file).await?;
        let context: Context = self.context.as_deref().map(read).transpose()?.unwrap_or_default();
        let settings: serde_json::Value =
            self.settings.as_deref().map(read).transpose()?.unwrap_or_else(|| json!({}));
        let schema = Schema::read(&component.description().settings_schema).map_err(Failure::new)?;
        schema.judge(&settings).map_err(Failure::new)?;
        let used = Arc::new(Mutex::new(None));
        let sink = Arc::clone(&used);
        component.observe(Arc::new(move |record| {
            *sink.lock().unwrap_or_else(PoisonError::into_inner) = Some((record.ran, record.memory));
        }));
        let decision = component.decide("test", context.told(settings.to_string())).await;
        let decision = decision.map_err(|failure| Failure::new(plain(&failure.to_string())))?;
        say(match decision {
            Decision::Unchanged => json!({ "decision": "unchanged" }),
            Decision::Steps(steps) => json!({ "decision": "steps", "steps": steps }),
            Decision::Deny(denial) => {
                json!({ "decision": "deny", "text": denial.text, "reason": denial.reason })
            }
        });
        let used = used.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((ran, memory)) = used {
            say(format!("ran {ran:?}, {} KiB of memory", memory.div_ceil(1 << 10)));
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
    let text = std::fs::read(file).map_err(|error| failed(&error))?;
    serde_json::from_slice(&text).map_err(|error| failed(&error))
}
