//! `postern authenticator metadata`

use std::path::Path;

use clap::Args;
use postern_kernel::flow::RETURN;
use postern_kernel::keys::{KeyRing as _, SigningAlgorithm, decryption_name, signing_name};
use postern_saml::SpMetadata;

use super::Failure;
use crate::cli::load;
use crate::cli::output::say;
use crate::compose::Opened;
use crate::config::Configuration;

/// Prints our SAML metadata as a service provider, for the administrator of an outside identity provider.
///
/// It has the URL where Responses arrive, and the certificates of the keys that the kernel keeps for this
/// authenticator: what signs our requests, and what Assertions may be encrypted for. Keys that are not there
/// are made.
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern authenticator metadata saml-provider > postern-sp.xml
  postern --config /etc/postern/postern.toml authenticator metadata saml-provider

Exit codes: 0 printed; 1 the state can't be opened; 2 the configuration has no such authenticator.")]
pub(crate) struct Metadata {
    /// The authenticator's name in the configuration.
    name: String,
}

impl Metadata {
    pub(super) async fn run(self, file: &Path) -> Result<(), Failure> {
        let configuration = load(file)?;
        let name = self.name;
        if !configuration.authenticators.enabled.contains(&name) {
            let enabled = configuration.authenticators.enabled.join(", ");
            return Err(Failure::usage(format!("{name:?} is not enabled: there are {enabled}")));
        }
        let consumer_url = format!("{}{RETURN}{name}", configuration.base_url);
        let entity_id = entity_id(&configuration, &name).unwrap_or_else(|| consumer_url.clone());
        let opened = Opened::open(&configuration).await?;
        let mut certificates = Vec::new();
        for name in [signing_name(&name), decryption_name(&name)] {
            opened.keys.provide(&name, &[SigningAlgorithm::Rs256]).await?;
            let keys = opened.keys.published(&name);
            certificates.push(keys.into_iter().map(|key| key.certificate).collect::<Vec<_>>());
        }
        let [signing, encryption] = certificates.as_slice() else { return Ok(()) };
        let metadata = SpMetadata { entity_id: &entity_id, consumer_url: &consumer_url, signing, encryption };
        say(metadata.write());
        Ok(())
    }
}

/// The setting `entity_id`.
fn entity_id(configuration: &Configuration, name: &str) -> Option<String> {
    let authenticators = &configuration.authenticators;
    let own = authenticators.modules.get(name).and_then(|module| module.settings.as_ref());
    let settings = own.or_else(|| authenticators.settings.get(name))?;
    settings.get("entity_id")?.as_str().map(str::to_owned)
}
