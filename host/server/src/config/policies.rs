//! `[policies]`, and what `[sign_in]` says about them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use postern_kernel::policy::Network;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Configuration, MEMORY_MIB, SignIn};

/// Adaptive rules.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policies {
    pub(crate) directory: PathBuf,
    /// Those that `[sign_in]` names.
    pub(crate) modules: BTreeMap<String, Policy>,
}

impl Default for Policies {
    fn default() -> Self {
        Self { directory: "policies".into(), modules: BTreeMap::new() }
    }
}

/// `[policies.modules.NAME]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub(crate) settings: Option<toml::Table>,
    /// SHA-256 of the file in hexadecimal: another one is not loaded.
    pub(crate) sha256: Option<String>,
    /// Whether it may leave steps out that the configuration asks for.
    pub(crate) may_relax: bool,
    /// Memory of one call in MiB; 16 by default.
    pub(crate) memory_mib: Option<u32>,
}

impl SignIn {
    /// The policies that decide somewhere, each once.
    pub(crate) fn policies(&self) -> Vec<&String> {
        let mut names: Vec<_> = self.policy.iter().chain(self.policy_for.values()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Headers that a policy is told of, at most.
const HEADERS: usize = 8;
/// Those that have secrets in them, or that the host reads itself.
const NEVER: [&str; 8] = [
    "accept-language",
    "authorization",
    "cookie",
    "host",
    "proxy-authorization",
    "sec-fetch-site",
    "set-cookie",
    "user-agent",
];

/// Field and problem.
pub(super) fn problems(configuration: &Configuration) -> Vec<(String, String)> {
    let Configuration { sign_in, policies, .. } = configuration;
    let mut problems = Vec::new();
    let mut refuse = |field: String, problem: String| problems.push((field, problem));
    let is_name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=64).contains(&name.len()) && name.bytes().all(fits)
    };
    let mut named = |field: String, name: &String| {
        if !is_name(name) {
            refuse(field, format!("{name:?} is no name: lower-case letters, digits and hyphens"));
        }
    };
    if let Some(name) = &sign_in.policy {
        named("sign_in.policy".into(), name);
    }
    for (application, name) in &sign_in.policy_for {
        named(format!("sign_in.policy_for.{application}"), name);
    }
    for name in sign_in.networks.keys() {
        named(format!("sign_in.networks.{name}"), name);
    }
    let used = sign_in.policies();
    for (name, policy) in &policies.modules {
        let field = format!("policies.modules.{name}");
        if !used.contains(&name) {
            refuse(field.clone(), "is named by neither sign_in.policy nor sign_in.policy_for".into());
        }
        let is_digest = |text: &String| {
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if policy.sha256.as_ref().is_some_and(|text| !is_digest(text)) {
            refuse(format!("{field}.sha256"), "must be 64 hexadecimal digits in lower case".into());
        }
        if policy.memory_mib.is_some_and(|size| !MEMORY_MIB.contains(&size)) {
            refuse(format!("{field}.memory_mib"), "must be 1 to 64".into());
        }
    }
    for (name, networks) in &sign_in.networks {
        if networks.is_empty() {
            refuse(format!("sign_in.networks.{name}"), "must name at least one network".into());
        }
        for text in networks {
            if let Err(error) = text.parse::<Network>() {
                refuse(format!("sign_in.networks.{name}"), format!("{text:?} {error}"));
            }
        }
    }
    if sign_in.policy_headers.len() > HEADERS {
        refuse("sign_in.policy_headers".into(), format!("{HEADERS} at most"));
    }
    for header in &sign_in.policy_headers {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if header.is_empty() || header.len() > 64 || !header.bytes().all(fits) {
            refuse("sign_in.policy_headers".into(), format!("{header:?} is no header's name in lower case"));
        }
        if NEVER.contains(&header.as_str()) || header.starts_with("x-postern-") {
            refuse("sign_in.policy_headers".into(), format!("{header:?} is told to no policy"));
        }
    }
    let is_unused = used.is_empty();
    let said = [
        ("policy_headers", !sign_in.policy_headers.is_empty()),
        ("policy_claims", !sign_in.policy_claims.is_empty()),
        ("networks", !sign_in.networks.is_empty()),
    ];
    for (field, _) in said.iter().filter(|(_, is_there)| *is_there && is_unused) {
        refuse(
            format!("sign_in.{field}"),
            "has no effect without sign_in.policy or sign_in.policy_for".into(),
        );
    }
    problems
}
