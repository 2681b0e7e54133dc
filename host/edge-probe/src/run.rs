//! The whole catalogue, one request after the other.

use serde::Serialize;

use crate::catalogue::{Entry, Target, entries, unknown_path};
use crate::connection::{Dial, Unreachable};
use crate::outcome::{Marks, Outcome};

/// One entry and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// `class/name` of the entry.
    pub entry: String,
    /// What it stands for.
    pub why: &'static str,
    /// Who refused it, or nobody.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether the edge's own answers could be recognised.
    pub marks: Marks,
    /// In the order of the catalogue.
    pub findings: Vec<Finding>,
}

impl Report {
    /// What was not refused.
    pub fn passed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.outcome.is_refused())
    }
}

/// Fires the catalogue. `progress` hears of each finding with its number and how many there are.
///
/// First a path that no edge has is asked for: its answer tells whether the guards' marks are
/// there. Without them, and without `unmarked`, every answer counts as passed.
///
/// # Errors
/// [`Unreachable`] when the edge can't be reached, or no more.
pub fn probe(
    dial: &Dial,
    target: &Target,
    unmarked: bool,
    mut progress: impl FnMut(&Finding, usize, usize),
) -> Result<Report, Unreachable> {
    let mut marks = Marks::Guards;
    if unmarked {
        let answer = dial.exchange(&unknown_path(target))?;
        if !matches!(Outcome::of(&answer, Marks::Guards, false), Outcome::RefusedByGuard { .. }) {
            marks = Marks::None;
        }
    }
    let all = entries(target);
    let mut findings = Vec::new();
    for entry in &all {
        let outcome = Outcome::of(&dial.exchange(&entry.bytes)?, marks, entry.is_malformed());
        let Entry { class, name, why, .. } = entry;
        let finding = Finding { entry: format!("{class}/{name}"), why, outcome };
        progress(&finding, findings.len() + 1, all.len());
        findings.push(finding);
    }
    Ok(Report { marks, findings })
}
