//! What a scripted person types, and what they expect to see.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use postern_kernel::authenticator::{Purpose, Step};
use serde::Deserialize;

use super::Failure;

/// A script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// The component's settings.
    #[serde(default)]
    pub(super) settings: toml::Table,
    /// BCP 47.
    #[serde(default = "english")]
    pub(super) language: String,
    /// One after the other, with the records that the earlier ones left.
    #[serde(rename = "flow")]
    pub(super) flows: Vec<FlowScript>,
}

fn english() -> String {
    "en".into()
}

/// One sign-in, or one enrolment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowScript {
    #[serde(default)]
    purpose: PurposeName,
    #[serde(rename = "step")]
    pub(super) steps: VecDeque<StepScript>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PurposeName {
    #[default]
    SignIn,
    Enrol,
}

impl FlowScript {
    pub(super) fn purpose(&self) -> Purpose {
        match self.purpose {
            PurposeName::SignIn => Purpose::SignIn,
            PurposeName::Enrol => Purpose::Enrol,
        }
    }
}

/// One answer of the component, and what the person sends then.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepScript {
    expect: Expected,
    /// The key of the error that the challenge shows; without it, it shows none.
    error: Option<String>,
    /// By the names of the fields.
    #[serde(default)]
    pub(super) send: BTreeMap<String, String>,
    /// Fields with what stands behind these words in the last mail.
    #[serde(default)]
    pub(super) mailed: BTreeMap<String, String>,
    /// Nobody does anything, and the host asks again.
    #[serde(default)]
    pub(super) polled: bool,
    /// What the address of a redirect begins with.
    to: Option<String>,
    /// After a redirect: the query that the person comes back with.
    #[serde(default)]
    pub(super) returned: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    Challenge,
    Redirect,
    Authenticated,
    Enrolled,
    NotEnrolled,
    Denied,
    Unavailable,
}

impl Script {
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let script: Self = toml::from_str(&text).map_err(|error| failed(&error))?;
        if script.flows.iter().any(|flow| flow.steps.is_empty()) || script.flows.is_empty() {
            return Err(failed(&"needs [[flow]] with [[flow.step]]"));
        }
        Ok(script)
    }
}

impl StepScript {
    /// What is otherwise than expected.
    pub(super) fn problem(&self, step: &Step) -> Option<String> {
        let (found, error) = match step {
            Step::Challenge(challenge) => {
                (Expected::Challenge, challenge.error.as_ref().map(|error| error.key.as_str()))
            }
            Step::Redirect(_) => (Expected::Redirect, None),
            Step::Authenticated(_) => (Expected::Authenticated, None),
            Step::Enrolled => (Expected::Enrolled, None),
            Step::NotEnrolled => (Expected::NotEnrolled, None),
            Step::Denied(_) => (Expected::Denied, None),
            Step::Unavailable(_) => (Expected::Unavailable, None),
            #[allow(unreachable_patterns, reason = "steps are added; a script has no words for them yet")]
            _ => return Some("a step that scripts have no word for".into()),
        };
        if found != self.expect {
            return Some(format!("expected {:?}, found {found:?}", self.expect));
        }
        if error != self.error.as_deref() {
            return Some(format!("expected the error {:?}, found {error:?}", self.error));
        }
        match (step, &self.to) {
            (Step::Redirect(redirection), Some(to)) if !redirection.url.starts_with(to) => {
                Some(format!("expected to be sent to {to}…"))
            }
            (Step::Redirect(_), _) | (_, None) => None,
            (_, Some(_)) => Some("`to` is for redirects".into()),
        }
    }
}
