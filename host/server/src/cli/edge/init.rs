//! `postern edge init`

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use postern_edge::Behind;

use super::{Failure, say};

#[derive(Args)]
#[command(after_help = "\
Example:
  postern edge init --behind keycloak
  postern edge config --policy postern-edge.toml --for envoy > envoy.yaml")]
pub(crate) struct Init {
    /// Which identity provider is behind the proxy.
    #[arg(long, value_name = "PRODUCT")]
    behind: Product,
    /// The file to write; one that is there already is left alone.
    #[arg(default_value = "postern-edge.toml")]
    file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Product {
    Postern,
    Wso2is,
    Keycloak,
    Shibboleth,
    /// Another one: the endpoints are listed.
    Endpoints,
}

impl Init {
    pub(super) fn run(self) -> Result<(), Failure> {
        let behind = match self.behind {
            Product::Postern => Behind::Postern,
            Product::Wso2is => Behind::Wso2is,
            Product::Keycloak => Behind::Keycloak,
            Product::Shibboleth => Behind::Shibboleth,
            Product::Endpoints => Behind::Endpoints,
        };
        let path = self.file.display();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.file)
            .map_err(|error| Failure::new(format!("{path}: {error}")))?;
        file.write_all(postern_edge::starter(behind).as_bytes())
            .map_err(|error| Failure::new(format!("{path}: {error}")))?;
        say(format!("{path} is written; `postern edge config --policy {path} --for envoy` uses it"));
        Ok(())
    }
}
