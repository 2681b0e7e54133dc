//! The policy of the Postern that is installed here: what is enabled and registered, and the
//! section `[edge]` of its configuration.

use postern_edge::EdgePolicy;

use super::Failure;
use crate::compose::{self, Opened};
use crate::config::Configuration;
use crate::edge;

pub(super) async fn policy(configuration: &Configuration) -> Result<EdgePolicy, Failure> {
    let Some(section) = &configuration.edge else {
        return Err(Failure::usage("the section [edge] is missing: `postern init` writes an example"));
    };
    let opened = Opened::open(configuration).await?;
    compose::provide_edge_key(&opened).await?;
    let sandbox = compose::sandbox(configuration)?;
    let modules = compose::load_modules(&sandbox, configuration).await?;
    let applications = opened.applications().await?;
    let policy = edge::policy(section, &modules, &applications, configuration)?;
    edge::with_feed(policy, configuration, &opened.installation).await
}
