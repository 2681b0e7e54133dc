//! `postern keys …`

use clap::{Subcommand, ValueEnum};
use postern_kernel::keys::{KeyRing as _, SigningAlgorithm};

use super::output::{Failure, say, table};
use crate::compose::Opened;
use crate::config::Configuration;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// List the signing keys of all modules.
    List,
    /// Make new keys for a module. The ones of before stay published for a while.
    #[command(after_help = "\
Examples:
  postern keys rotate oidc
  postern keys rotate saml2 --algorithm RS256

SAML applications that do not read our metadata again need the new certificate before they accept
what it signs: tell them first.")]
    Rotate {
        /// The module: saml2, oidc.
        module: String,
        /// Only this algorithm.
        #[arg(long)]
        algorithm: Option<Algorithm>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Algorithm {
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "ES256")]
    Es256,
    #[value(name = "EdDSA")]
    EdDsa,
}

impl From<Algorithm> for SigningAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::Rs256,
            Algorithm::Es256 => Self::Es256,
            Algorithm::EdDsa => Self::EdDsa,
        }
    }
}

impl Keys {
    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let opened = Opened::open(configuration).await?;
        match self {
            Self::List => {
                list(&opened);
                Ok(())
            }
            Self::Rotate { module, algorithm } => {
                if !opened.keys.modules().contains(&module) {
                    return Err(Failure::new(format!(
                        "module {module:?} has no keys: they are made when `postern serve` loads it first"
                    )));
                }
                let made = opened.keys.rotate(&module, algorithm.map(Into::into)).await?;
                for key_id in &made {
                    let fields = [("module", module.as_str()), ("key_id", key_id.as_str())];
                    opened.administrative("key.rotated", None, &fields);
                    say(format!("{module} signs with {key_id} from now on"));
                }
                Ok(())
            }
        }
    }
}

fn list(opened: &Opened) {
    let mut rows = Vec::new();
    for module in opened.keys.modules() {
        rows.extend(opened.keys.published(&module).into_iter().map(|key| {
            let state = if key.active { "signs" } else { "published" };
            vec![module.clone(), key.algorithm.as_str().into(), state.into(), key.key_id]
        }));
    }
    table(&["MODULE", "ALGORITHM", "STATE", "KEY ID"], &rows);
}
