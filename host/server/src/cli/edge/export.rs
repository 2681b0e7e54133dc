//! `postern edge export`

use postern_edge::settings::Exported;

use super::{Failure, installed, say};
use crate::config::Configuration;

pub(super) async fn run(configuration: &Configuration) -> Result<(), Failure> {
    let policy = installed::policy(configuration).await?;
    let exported = Exported {
        endpoints: policy.endpoints,
        assets: policy.assets,
        saml_decoder: policy.saml_decoder.map(|guard| guard.configuration),
        token_validator: policy.token_validator.map(|guard| guard.configuration),
        feed: policy.feed,
        policy_headers: policy.rules.believed_headers.names,
    };
    say(serde_json::to_string_pretty(&exported).map_err(Failure::new)?);
    Ok(())
}
