use postern_proxy::ConfigurationError;
use serde_json::{Map, Value};

/// The configurations of the three, as JSON.
pub(crate) struct Parts {
    pub(crate) endpoint: Vec<u8>,
    pub(crate) saml: Option<Vec<u8>>,
    pub(crate) tokens: Option<Vec<u8>>,
}

impl Parts {
    /// Splits the configuration; what is in a part is judged by its filter.
    pub(crate) fn read(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let wrong = |problem: String| ConfigurationError(problem);
        let mut parts: Map<String, Value> =
            serde_json::from_slice(configuration).map_err(|error| wrong(error.to_string()))?;
        let endpoint =
            parts.remove("endpoint").ok_or_else(|| wrong("endpoint: there is no guard without it".into()))?;
        let saml = parts.remove("saml").map(|part| part.to_string().into_bytes());
        let tokens = parts.remove("tokens").map(|part| behind_endpoint_filter(part.to_string().as_bytes()));
        let tokens = tokens.transpose()?;
        match parts.keys().next() {
            None => Ok(Self { endpoint: endpoint.to_string().into_bytes(), saml, tokens }),
            Some(unknown) => {
                Err(wrong(format!("{unknown}: unknown, expected `endpoint`, `saml` or `tokens`")))
            }
        }
    }
}

/// The reserved headers that are there when tokens are judged are the endpoint filter's.
pub(crate) fn behind_endpoint_filter(tokens: &[u8]) -> Result<Vec<u8>, ConfigurationError> {
    let wrong = |error: serde_json::Error| ConfigurationError(format!("tokens: {error}"));
    let mut members: Map<String, Value> = serde_json::from_slice(tokens).map_err(wrong)?;
    members.insert("behind_endpoint_filter".into(), true.into());
    Ok(Value::Object(members).to_string().into_bytes())
}
