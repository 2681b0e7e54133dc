//! What the guards would decide on a request, without sending it: by the same pure rules, in the
//! order of the chain.

mod endpoint;
mod request;
mod saml;
mod token;

use std::fmt;
use std::net::IpAddr;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use serde::Serialize;

pub use request::{NotARequest, RawRequest};

use crate::policy::EdgePolicy;

/// What the caller knows beside the policy.
pub struct Surroundings<'s> {
    /// Seconds since 1970.
    pub now: u64,
    /// Verifies signatures of messages and tokens.
    pub verifier: &'s dyn Verifier,
    /// Who asks. None: rules about clients are left open.
    pub client: Option<IpAddr>,
    /// The token issuer's JWK Set. None: signatures of tokens are left open.
    pub keys: Option<&'s [u8]>,
}

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The verdict of the chain.
    pub verdict: Verdict,
    /// Each guard that the request came to, in order.
    pub guards: Vec<Stage>,
    /// What the LAN would get: request line and what the guards change. Empty when refused.
    pub reaches_the_lan: Vec<String>,
}

/// What the chain decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It goes to the LAN.
    Passes,
    /// It is answered at the edge.
    Refused,
    /// That depends on what is not known here; the stage says on what.
    Open,
}

/// One guard's part.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// `endpoint-filter`, `saml-decoder`, `token-validator`.
    pub guard: &'static str,
    /// What it decides.
    pub verdict: Verdict,
    /// What it looked at, in order.
    pub fields: Vec<Field>,
    /// Why it refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Reason>,
    /// What it does not judge, or does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A field that was judged, and held.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its name, such as `path` or `Issuer`.
    pub name: &'static str,
    /// What came.
    pub found: String,
    /// The rule that let it pass.
    pub rule: String,
}

/// A refusal in parts.
#[derive(Clone, Debug, Serialize)]
pub struct Reason {
    /// The reason code.
    pub code: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// Whose fault it is.
    pub fault: &'static str,
    /// The element that it is about.
    pub element: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub found: String,
}

/// Asks each guard in turn; the first refusal ends it.
pub fn explain(policy: &EdgePolicy, request: &RawRequest, surroundings: &Surroundings<'_>) -> Explanation {
    let mut guards = vec![endpoint::stage(policy, request, surroundings)];
    let judged: [&dyn Fn() -> Option<Stage>; 2] =
        [&|| policy.saml_decoder.as_ref().map(|guard| saml::stage(guard, request, surroundings)), &|| {
            policy.token_validator.as_ref().map(|guard| token::stage(guard, request, surroundings))
        }];
    for next in judged {
        if guards.last().is_some_and(|stage| stage.verdict == Verdict::Refused) {
            break;
        }
        guards.extend(next());
    }
    let verdict = if guards.iter().any(|stage| stage.verdict == Verdict::Refused) {
        Verdict::Refused
    } else if guards.iter().any(|stage| stage.verdict == Verdict::Open) {
        Verdict::Open
    } else {
        Verdict::Passes
    };
    let reaches_the_lan =
        if verdict == Verdict::Refused { Vec::new() } else { endpoint::forwarded(policy, request) };
    Explanation { verdict, guards, reaches_the_lan }
}

impl Stage {
    fn new(guard: &'static str) -> Self {
        Self { guard, verdict: Verdict::Passes, fields: Vec::new(), refusal: None, note: None }
    }

    fn field(&mut self, name: &'static str, found: impl Into<String>, rule: impl Into<String>) {
        self.fields.push(Field { name, found: found.into(), rule: rule.into() });
    }

    fn refused(mut self, refusal: &Refusal) -> Self {
        self.verdict = Verdict::Refused;
        self.refusal = Some(Reason {
            code: refusal.code,
            status: refusal.status,
            fault: refusal.fault.as_str(),
            element: refusal.element.clone(),
            expected: refusal.expected.clone(),
            found: refusal.found.clone(),
        });
        self
    }

    /// The rule that refused only reports.
    fn reported(mut self) -> Self {
        if let Some(reason) = self.refusal.take() {
            let Reason { code, element, expected, found, .. } = reason;
            let refused = format!("{code}: at {element}: expected {expected}: found {found}");
            self.field("report only", refused, "logged, counted, let through");
            self.verdict = Verdict::Passes;
        }
        self
    }

    fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stage in &self.guards {
            let verdict = match stage.verdict {
                Verdict::Passes => "passes",
                Verdict::Refused => "REFUSED",
                Verdict::Open => "open",
            };
            writeln!(f, "{}: {verdict}", stage.guard)?;
            for Field { name, found, rule } in &stage.fields {
                writeln!(f, "  {name:<14} {found}\n  {:<14}   {rule}", "")?;
            }
            if let Some(reason) = &stage.refusal {
                writeln!(f, "  {} ({}), answered with {}", reason.code, reason.fault, reason.status)?;
                for (name, value) in
                    [("at", &reason.element), ("expected", &reason.expected), ("found", &reason.found)]
                {
                    if !value.is_empty() {
                        writeln!(f, "    {name:<10} {value}")?;
                    }
                }
            }
            if let Some(note) = &stage.note {
                writeln!(f, "  {note}")?;
            }
        }
        match self.verdict {
            Verdict::Refused => write!(f, "Refused: nothing reaches the LAN."),
            _ => {
                let open = if self.verdict == Verdict::Open { ", if what is open holds" } else { "" };
                write!(f, "Reaches the LAN{open}:")?;
                self.reaches_the_lan.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
