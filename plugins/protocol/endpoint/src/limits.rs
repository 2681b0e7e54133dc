//! How much a request may bring, whatever it asks for.

use serde::{Deserialize, Serialize};

use crate::declaration::ConfigurationError;

/// Limits of every request. An endpoint's own limits hold besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestLimits {
    /// Headers, without pseudo headers.
    pub max_headers: u16,
    /// Names and values of all headers together, in bytes.
    pub max_header_bytes: u32,
    /// Parameters of a query.
    pub max_parameters: u16,
    /// The name of a query parameter, in bytes.
    pub max_parameter_name: u16,
    /// The raw value of a query parameter, in bytes. SAML's are the longest: a message by
    /// HTTP-Redirect.
    pub max_parameter_value: u32,
}

impl Default for RequestLimits {
    /// What browsers send stays far below: about 20 headers of 4 KiB.
    fn default() -> Self {
        Self {
            max_headers: 64,
            max_header_bytes: 32 * 1024,
            max_parameters: 64,
            max_parameter_name: 128,
            max_parameter_value: 12 * 1024,
        }
    }
}

/// That of `postern_form::MAX_PARAMETERS`: the LAN reads no more.
pub(crate) const MAX_PARAMETERS: usize = 64;

impl RequestLimits {
    /// Limits that let nothing through, and more parameters than the LAN reads, are mistakes.
    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        let zero = [
            ("max_headers", self.max_headers == 0),
            ("max_header_bytes", self.max_header_bytes == 0),
            ("max_parameters", self.max_parameters == 0),
            ("max_parameter_name", self.max_parameter_name == 0),
            ("max_parameter_value", self.max_parameter_value == 0),
        ];
        if let Some((field, _)) = zero.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(ConfigurationError::new(&format!("limits.{field}"), "0 lets nothing through"));
        }
        if usize::from(self.max_parameters) > MAX_PARAMETERS {
            return Err(ConfigurationError::new("limits.max_parameters", "64 at most"));
        }
        Ok(())
    }
}
