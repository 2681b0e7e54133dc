//! `postern keys …`

use clap::{Subcommand, ValueEnum};
use postern_kernel::keys::{KeyRing as _, SigningAlgorithm};

use super::output::{Failure, say, table};
use crate::compose::Opened;
use crate::config::Configuration;
use crate::edge;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// List the signing keys of all modules.
    List,
    /// Make new keys for a module. The ones of before stay published for a while.
    #[command(after_help = "\
Examples:
  postern keys rotate oidc
  postern keys rotate saml2 --algorithm RS256
  postern keys rotate edge.feed             makes the successor of the key that signs for the filters
  postern keys rotate edge.feed --switch    lets it sign, once every proxy has it

SAML applications that do not read our metadata again need the new certificate before they accept
what it signs: tell them first.")]
    Rotate {
        /// The module: saml2, oidc; edge.feed is what signs the filters' configuration.
        module: String,
        /// Only this algorithm.
        #[arg(long)]
        algorithm: Option<Algorithm>,
        /// For edge.feed: the successor that was made before signs from now on.
        #[arg(long)]
        switch: bool,
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
            Self::Rotate { module, algorithm, switch } if module == edge::SIGNER => {
                if algorithm.is_some() {
                    return Err(Failure::usage("edge.feed signs with ES256 alone: leave --algorithm out"));
                }
                let rotated = edge::rotate(&opened.keys, opened.installation.store.as_ref(), switch).await?;
                for key_id in &rotated.key_ids {
                    let fields = [("module", edge::SIGNER), ("key_id", key_id.as_str())];
                    opened.administrative("key.rotated", None, &fields);
                    say(if rotated.sign {
                        format!("edge.feed signs with {key_id} from now on")
                    } else {
                        format!(
                            "edge.feed publishes {key_id}, and signs with the old key until \
                             `postern keys rotate edge.feed --switch`: first give every proxy its new \
                             configuration (`postern edge export`, `postern edge config`)"
                        )
                    });
                }
                Ok(())
            }
            Self::Rotate { switch: true, .. } => {
                Err(Failure::usage("--switch is for edge.feed: other modules sign with a new key at once"))
            }
            Self::Rotate { module, algorithm, switch: false } => {
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
