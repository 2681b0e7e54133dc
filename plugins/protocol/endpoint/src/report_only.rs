//! Rules that may be watched for a while before they refuse.

use std::collections::BTreeSet;

use postern_refusal::Refusal;

use crate::declaration::ConfigurationError;

/// Decides about a refusal of a rule that may be switched: `Ok` when the request goes on.
pub type Report<'r> = dyn FnMut(Refusal) -> Result<(), Refusal> + 'r;

/// The reason codes that may be switched to report-only. What is not among them protects the
/// readers behind (limits and spellings) or what is never public, and always refuses.
pub const SWITCHABLE: [&str; 11] = [
    "endpoint.client.denied",
    "endpoint.client.not-allowed",
    "endpoint.content-type.absent",
    "endpoint.content-type.parameter",
    "endpoint.content-type.unknown",
    "endpoint.host.unknown",
    "endpoint.method.not-allowed",
    "endpoint.parameter.unknown",
    "endpoint.path.unknown",
    "endpoint.query.too-long",
    "endpoint.rate.exceeded",
];

/// The rules that report and do not refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportOnly {
    codes: BTreeSet<String>,
}

impl ReportOnly {
    /// # Errors
    /// Names a code that is none, or always refuses.
    pub fn new(codes: &[String]) -> Result<Self, ConfigurationError> {
        for (index, code) in codes.iter().enumerate() {
            if !SWITCHABLE.contains(&code.as_str()) {
                let problem = format!(
                    "{code:?} can't be report-only: limits, spellings and what is never public always \
                         refuse. Those that can: {}",
                    SWITCHABLE.join(", ")
                );
                return Err(ConfigurationError::new(&format!("edge.report_only[{index}]"), &problem));
            }
        }
        Ok(Self { codes: codes.iter().cloned().collect() })
    }

    /// Whether the rule with this reason code only reports.
    pub fn holds(&self, code: &str) -> bool {
        self.codes.contains(code)
    }
}
