//! Reason codes that only report: each is a filter's.

use super::Problems;
use super::file::EdgeFile;
use crate::policy::Behind;

/// Areas of the filters beside the endpoint filter.
const DECODER: [&str; 3] = ["saml.", "wsfed.", "xml."];
const VALIDATOR: [&str; 3] = ["token.", "oauth.", "jose."];

/// The codes of these areas.
pub(super) fn of(file: &EdgeFile, areas: &[&str]) -> Vec<String> {
    let is_of = |code: &&String| areas.iter().any(|area| code.starts_with(area));
    file.report_only.iter().filter(is_of).cloned().collect()
}

/// All that are no other filter's: the endpoint filter judges whether they can be switched.
pub(super) fn of_the_endpoint_filter(file: &EdgeFile) -> Vec<String> {
    let others = [DECODER, VALIDATOR].concat();
    let is_other = |code: &&String| others.iter().any(|area| code.starts_with(area));
    file.report_only.iter().filter(|code| !is_other(code)).cloned().collect()
}

/// Codes of filters that are not there, or that the LAN configures.
pub(super) fn check(file: &EdgeFile, decodes: bool, validates: bool, problems: &mut Problems<'_>) {
    for (areas, is_there, what) in
        [(DECODER, decodes, "no message is decoded"), (VALIDATOR, validates, "no token is judged")]
    {
        for code in of(file, &areas) {
            if file.behind == Behind::Postern {
                let problem =
                    format!("{code:?} is switched by `edge.report_only` of postern.toml, behind Postern");
                problems.add("report_only", problem);
            } else if !is_there {
                problems.add("report_only", format!("{code:?} has no effect: {what} here"));
            }
        }
    }
}
