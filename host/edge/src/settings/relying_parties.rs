//! Registered service providers, from their metadata.

use std::path::Path;

use postern_saml::{EdgeRelyingParty, read_registration};

use super::{Open, Problems};

/// Reads every file. What is wrong with one names the file.
pub(super) fn read(
    files: &[impl AsRef<Path>],
    now: u64,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Vec<EdgeRelyingParty> {
    const FIELD: &str = "saml.relying_parties";
    let mut parties: Vec<EdgeRelyingParty> = Vec::new();
    for file in files.iter().map(AsRef::as_ref) {
        let name = file.display();
        let text = match open(file) {
            Ok(text) => text,
            Err(error) => {
                problems.add(FIELD, format!("{name}: {error}"));
                continue;
            }
        };
        match read_registration(&text, now) {
            Ok((party, _)) if parties.iter().any(|known| known.entity_id == party.entity_id) => {
                problems.add(FIELD, format!("{name}: {} is registered twice", party.entity_id));
            }
            Ok((party, _)) => parties.push(party.edge()),
            Err(refusal) => problems.add(FIELD, format!("{name}: {refusal}")),
        }
    }
    parties
}
