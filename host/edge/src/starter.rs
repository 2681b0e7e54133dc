//! Commented policies to begin with, one for each product: those of `examples/edge`.

use crate::policy::Behind;

/// The text that `postern edge init` writes as `postern-edge.toml`.
pub fn starter(behind: Behind) -> &'static str {
    match behind {
        Behind::Postern => include_str!("../../../examples/edge/postern/postern-edge.toml"),
        Behind::Wso2is => include_str!("../../../examples/edge/wso2is/postern-edge.toml"),
        Behind::Keycloak => include_str!("../../../examples/edge/keycloak/postern-edge.toml"),
        Behind::Shibboleth => include_str!("../../../examples/edge/shibboleth/postern-edge.toml"),
        Behind::Endpoints => include_str!("../../../examples/edge/endpoints/postern-edge.toml"),
    }
}
