use postern_saml::{EDGE_FIELDS, MessageLimits};

use crate::bindings::exports::postern::idp::protocol::Description;
use crate::bindings::postern::idp::types::{Algorithm, Audience, Endpoint, Method};

/// Single sign-on service.
pub(crate) const SAMLSSO: &str = "/samlsso";
/// Our metadata.
pub(crate) const METADATA: &str = "/identity/metadata/saml2";

/// What this module serves and needs.
pub(crate) fn describe() -> Description {
    let limits = MessageLimits::default();
    let bound = |limit: usize| u32::try_from(limit).unwrap_or(0);
    let names = ["SAMLRequest", "RelayState", "SigAlg", "Signature", "SAMLEncoding", "spEntityID"];
    Description {
        name: "saml2".into(),
        title: "SAML 2.0".into(),
        endpoints: vec![
            Endpoint {
                path: SAMLSSO.into(),
                methods: vec![Method::Get, Method::Post],
                content_types: vec!["application/x-www-form-urlencoded".into()],
                max_body: bound(limits.max_body),
                max_query: bound(limits.max_query),
                query_parameters: names.map(String::from).to_vec(),
                ignores_other_parameters: false,
                audience: Audience::Browser,
            },
            Endpoint {
                path: METADATA.into(),
                methods: vec![Method::Get],
                content_types: Vec::new(),
                max_body: 0,
                max_query: 0,
                query_parameters: Vec::new(),
                ignores_other_parameters: false,
                audience: Audience::Machine,
            },
        ],
        signing: vec![Algorithm::Rs256, Algorithm::Es256],
        edge_fields: EDGE_FIELDS.map(String::from).to_vec(),
    }
}
