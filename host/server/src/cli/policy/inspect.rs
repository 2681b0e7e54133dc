//! `postern policy inspect`

use std::path::PathBuf;

use clap::Args;
use postern_kernel::policy::PolicyModule as _;
use postern_manifest::Schema;

use super::{Failure, load, plain, say};

/// Prints what a policy is, and whether it keeps to the contract.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 it keeps to the contract; 1 it does not, or can't be loaded.")]
pub(crate) struct Inspect {
    /// The component.
    file: PathBuf,
}

impl Inspect {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (component, size) = load(&self.file).await?;
        let description = component.description();
        let line = |name: &str, value: &str| say(format!("{name:12} {}", plain(value)));
        line("name", &format!("{} {}", description.name, description.version));
        line("title", &description.title);
        line("file", &format!("{}, {} KiB", self.file.display(), size.div_ceil(1 << 10)));
        line("sha256", component.digest());
        line("contract", "postern:idp/policy 0.1.0");
        line("imports", &component.imports().join(", "));
        line("may", "decide, from what it is told, and write lines to the log: nothing has to be granted");
        let schema: serde_json::Value =
            serde_json::from_str(&description.settings_schema).unwrap_or_default();
        line("settings", &schema.to_string());
        match Schema::read(&description.settings_schema) {
            Ok(_) => Ok(()),
            Err(error) => {
                say(format!("  ! {}", plain(&error.to_string())));
                Err(Failure::quiet(1))
            }
        }
    }
}
