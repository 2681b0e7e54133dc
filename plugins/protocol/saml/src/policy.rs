use postern_form::Companions;
use postern_signature::Algorithm;
use postern_xml::Limits;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::IssuerQualifier;

/// Bounds of a message, in bytes unless a name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessageLimits {
    /// Largest query string.
    pub max_query: usize,
    /// Largest POST body.
    pub max_body: usize,
    /// Largest message, after base64 and deflate.
    pub max_message: usize,
    /// Largest factor by which deflate may have shrunk it.
    pub max_ratio: usize,
    /// Deepest nesting of elements.
    pub max_depth: usize,
    /// Most elements.
    pub max_elements: usize,
    /// Most attributes of one element.
    pub max_attributes: usize,
    /// Longest RelayState. The specification says 80; relying parties exceed it.
    pub max_relay_state: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            max_query: 16_384,
            max_body: 98_304,
            max_message: 65_536,
            max_ratio: 40,
            max_depth: 32,
            max_elements: 512,
            max_attributes: 32,
            max_relay_state: 1_024,
        }
    }
}

impl MessageLimits {
    pub(crate) fn xml(&self) -> Limits {
        Limits {
            max_bytes: self.max_message,
            max_depth: self.max_depth,
            max_elements: self.max_elements,
            max_attributes: self.max_attributes,
            ..Limits::default()
        }
    }
}

/// What requests are judged by. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// URLs of the endpoint, any of which a request may name as its Destination.
    pub destinations: Vec<String>,
    /// Whether LogoutRequest and LogoutResponse are judged, and pass when they are good. Otherwise
    /// both are refused: for an identity provider that has no single logout.
    #[serde(default)]
    pub single_logout: bool,
    /// Parameters that may stand beside a message, with their values.
    #[serde(default, skip_serializing_if = "Companions::is_empty")]
    pub companions: Companions,
    /// The product's parameter that chooses among registrations of one issuer. None: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_qualifier: Option<IssuerQualifier>,
    /// How far a peer's clock may be off.
    #[serde(default = "default_skew")]
    pub clock_skew: u64,
    /// How old a request may be.
    #[serde(default = "default_max_age")]
    pub max_age: u64,
    /// Bounds of messages.
    #[serde(default)]
    pub limits: MessageLimits,
    /// Signature algorithms that are accepted, by their JWA names.
    #[serde(default = "default_algorithms", with = "jwa_names")]
    pub algorithms: Vec<Algorithm>,
}

impl Policy {
    /// The defaults for an endpoint at this URL.
    pub fn for_destination(url: &str) -> Self {
        Self {
            destinations: vec![url.to_owned()],
            single_logout: false,
            companions: Companions::default(),
            issuer_qualifier: None,
            clock_skew: default_skew(),
            max_age: default_max_age(),
            limits: MessageLimits::default(),
            algorithms: default_algorithms(),
        }
    }
}

pub(crate) fn default_skew() -> u64 {
    60
}

pub(crate) fn default_max_age() -> u64 {
    300
}

pub(crate) fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Es256, Algorithm::Es384]
}

/// Algorithms as JWA names in JSON; only those that XML signatures have an identifier for.
pub(crate) mod jwa_names {
    use super::*;
    use serde::de::Error as _;

    pub(crate) fn serialize<S: Serializer>(list: &[Algorithm], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(list.iter().map(|algorithm| algorithm.jwa_name()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Algorithm>, D::Error> {
        Vec::<String>::deserialize(from)?
            .iter()
            .map(|name| {
                Algorithm::from_jwa_name(name)
                    .filter(|algorithm| postern_xml::method_uri(*algorithm).is_some())
                    .ok_or_else(|| {
                        D::Error::custom(format!(
                            "unknown signature algorithm `{name}`, expected RS256, RS384, RS512, ES256 or ES384"
                        ))
                    })
            })
            .collect()
    }
}
