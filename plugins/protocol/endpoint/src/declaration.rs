//! What the enabled protocols declare, as configuration.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::edge::EdgeRules;
use crate::limits::RequestLimits;

/// An HTTP method that an endpoint may serve. There are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// GET.
    #[serde(rename = "GET")]
    Get,
    /// POST.
    #[serde(rename = "POST")]
    Post,
}

impl Method {
    /// The method of these bytes, letter by letter.
    pub fn from_bytes(method: &[u8]) -> Option<Self> {
        match method {
            b"GET" => Some(Self::Get),
            b"POST" => Some(Self::Post),
            _ => None,
        }
    }

    /// As a request line writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One public path: the `endpoint` record of `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Absolute, exact and canonical, such as `/samlsso`.
    pub path: String,
    /// At least one.
    pub methods: Vec<Method>,
    /// Media types that a POST may carry, in lower case, without parameters. Empty: no body.
    #[serde(default)]
    pub content_types: Vec<String>,
    /// Largest body, in bytes.
    #[serde(default)]
    pub max_body: u32,
    /// Largest raw query string, in bytes.
    #[serde(default)]
    pub max_query: u32,
    /// Query parameters that the endpoint knows, as their literal names.
    #[serde(default)]
    pub query_parameters: Vec<String>,
    /// Whether query parameters of other names are ignored (RFC 6749 section 3.1) or refused.
    #[serde(default)]
    pub ignores_other_parameters: bool,
    /// Query parameters that a POST may have, when they are not those of a GET: servers merge query and
    /// body, and who judges the body has to know that nothing of it stands in the query too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted_query_parameters: Option<Vec<String>>,
}

/// Static files: every path below a prefix whose name ends as that of a style sheet, script, picture,
/// font or document, by GET, without a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assets {
    /// Absolute and canonical, with a trailing slash, such as `/authenticationendpoint/assets/`.
    pub prefix: String,
}

/// What may be reached, and under which names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointPolicy {
    /// Values of Host that are ours, such as `sso.example.com` or `sso.example.com:8443`.
    pub hosts: Vec<String>,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Static files.
    #[serde(default)]
    pub assets: Vec<Assets>,
    /// Limits of every request.
    #[serde(default)]
    pub limits: RequestLimits,
    /// For the filter in the DMZ alone.
    #[serde(default)]
    pub edge: EdgeRules,
}

impl EndpointPolicy {
    /// A policy with the limits that everybody has, and no rules of the edge.
    pub fn new(hosts: Vec<String>, endpoints: Vec<Endpoint>, assets: Vec<Assets>) -> Self {
        Self { hosts, endpoints, assets, limits: RequestLimits::default(), edge: EdgeRules::default() }
    }

    /// This policy as a document of the LAN changes it: endpoints and static files are the LAN's.
    /// Names, limits and rules of the edge stay the proxy's own; a rate for an endpoint that is
    /// gone rests. Headers that the LAN believes from now on are taken off from now on.
    #[must_use]
    pub fn updated(&self, document: Self) -> Self {
        let mut edge = self.edge.clone();
        let believed = &mut edge.believed_headers.names;
        believed.extend(document.edge.believed_headers.names);
        believed.sort();
        believed.dedup();
        edge.rate_limits.retain(|rate| document.endpoints.iter().any(|endpoint| endpoint.path == rate.path));
        Self {
            hosts: self.hosts.clone(),
            endpoints: document.endpoints,
            assets: document.assets,
            limits: self.limits,
            edge,
        }
    }

    /// Reads a policy. What is in it is judged by `EndpointTable::new`.
    ///
    /// # Errors
    /// Names the field that is missing, unknown or of the wrong type.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigurationError> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let policy: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            ConfigurationError::new(&error.path().to_string(), &error.inner().to_string())
        })?;
        reader.end().map_err(|error| ConfigurationError::new(".", &error.to_string()))?;
        Ok(policy)
    }
}

/// Why a policy can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    /// The field, such as `endpoints[3].path`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ConfigurationError {
    pub(crate) fn new(field: &str, problem: &str) -> Self {
        Self { field: field.to_owned(), problem: problem.to_owned() }
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl core::error::Error for ConfigurationError {}
