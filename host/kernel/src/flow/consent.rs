//! What a person agreed to.

use super::Flow;
use crate::module::Demand;
use crate::unavailable::Unavailable;

impl Flow {
    /// Whether the subject still has to agree to something that the demand asks for.
    pub(super) async fn consent_is_due(&self, demand: &Demand, subject: &str) -> Result<bool, Unavailable> {
        if demand.consent.is_empty() {
            return Ok(false);
        }
        if demand.consent_anew {
            return Ok(true);
        }
        let given = self.installation.store.consents(subject, &demand.relying_party).await?;
        Ok(demand.consent.iter().any(|item| !given.contains(item)))
    }
}
