//! How DPoP proofs are accepted.

use super::configuration::demand;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use serde::{Deserialize, Serialize};

/// The filter's settings for DPoP (RFC 9449). Without them the scheme is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DpopSettings {
    /// The public origins, such as `https://api.example.com`: `htu` is one of them and the path.
    pub origins: Vec<String>,
    /// JWA names of acceptable algorithms.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<String>,
    /// Longest time since `iat`, in seconds: 1 to 300.
    #[serde(default = "default_age")]
    pub max_age_seconds: u64,
    /// Proofs that are remembered, so that none comes twice: 1,024 to 1,048,576. More within the
    /// time that they are good are refused with 503.
    #[serde(default = "default_proofs")]
    pub remembered_proofs: u32,
    /// Whether a proof has to carry a nonce of this proxy (section 9), and how long one is given
    /// out, in seconds: 10 to 3,600. It is accepted for as long again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce_seconds: Option<u64>,
}

fn default_algorithms() -> Vec<String> {
    ["ES256", "EdDSA"].map(str::to_owned).to_vec()
}

fn default_age() -> u64 {
    60
}

fn default_proofs() -> u32 {
    65_536
}

impl DpopSettings {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let is_origin = |origin: &String| {
            let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            origin.len() <= 512
                && rest.is_some_and(|rest| {
                    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
                })
        };
        let origins = (1..=16).contains(&self.origins.len()) && self.origins.iter().all(is_origin);
        demand("dpop.origins", "1 to 16 of scheme and authority, without a slash at the end", origins)?;
        self.allowed_algorithms()?;
        demand("dpop.max_age_seconds", "1 to 300", (1..=300).contains(&self.max_age_seconds))?;
        let nonces = self.nonce_seconds.is_none_or(|seconds| (10..=3_600).contains(&seconds));
        demand("dpop.nonce_seconds", "10 to 3,600", nonces)?;
        let proofs = (1_024..=1_048_576).contains(&self.remembered_proofs);
        demand("dpop.remembered_proofs", "1,024 to 1,048,576", proofs)
    }

    /// The algorithms by value.
    ///
    /// # Errors
    /// `token.configuration.invalid` when there is none, or one that nobody knows.
    pub fn allowed_algorithms(&self) -> Result<Vec<Algorithm>, Refusal> {
        let known: Option<Vec<Algorithm>> =
            self.algorithms.iter().map(|name| Algorithm::from_jwa_name(name)).collect();
        let known = known.filter(|known| !known.is_empty());
        known.ok_or_else(|| {
            Refusal::configuration("token.configuration.invalid").at("dpop.algorithms").expected("JWA names")
        })
    }

    /// What `htu` may be for a path.
    pub fn uris(&self, path: &str) -> Vec<String> {
        self.origins.iter().map(|origin| format!("{origin}{path}")).collect()
    }
}
