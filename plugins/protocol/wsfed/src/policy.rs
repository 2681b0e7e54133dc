use postern_form::Companions;
use serde::{Deserialize, Serialize};

/// Bounds of a request, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest query string.
    pub max_query: usize,
    /// Largest POST body.
    pub max_body: usize,
    /// Longest `wctx`, decoded.
    pub max_context: usize,
    /// Largest XML of `wreq` or `wresult`, decoded.
    pub max_message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_query: 8_192, max_body: 98_304, max_context: 2_048, max_message: 65_536 }
    }
}

/// What requests are judged by. Times are in seconds. What is not switched on is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How far the clock of a relying party may be off (`wct`).
    pub clock_skew: u64,
    /// How old a request that has a `wct` may be.
    pub max_age: u64,
    /// Values of `whr` that may be asked for, letter by letter: who chooses the home realm chooses
    /// which identity provider a person is sent to.
    pub home_realms: Vec<String>,
    /// Whether a `wreq` is accepted: a RequestSecurityToken, well-formed and small.
    pub accepts_requests: bool,
    /// Values of `wreqptr` that are accepted, letter by letter: the LAN fetches them.
    pub request_pointers: Vec<String>,
    /// Whether a `wresult` is accepted: the answer of a federated identity provider, by POST. It is
    /// well-formed and small. Whether its signature is verified too is for the filter's configuration to say.
    pub accepts_results: bool,
    /// Parameters that the specification does not have and that pass without a meaning, such as
    /// `x-client-SKU`: each once, with 256 bytes at most.
    pub ignored_parameters: Vec<String>,
    /// Parameters that may stand beside a message, with their values.
    #[serde(skip_serializing_if = "Companions::is_empty")]
    pub companions: Companions,
    /// Bounds.
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            clock_skew: 60,
            max_age: 300,
            home_realms: Vec::new(),
            accepts_requests: false,
            request_pointers: Vec::new(),
            accepts_results: false,
            ignored_parameters: Vec::new(),
            companions: Companions::default(),
            limits: Limits::default(),
        }
    }
}
