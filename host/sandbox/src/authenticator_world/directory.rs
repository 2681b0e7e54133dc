//! `directory`, answered by the kernel.

use postern_kernel::services::AttributeError;

use super::AuthenticatorState;
use super::bindings::postern::idp::directory;
use crate::bounds;
use crate::stop::Stop;

/// Names of one call, and bytes of one.
const NAMES: usize = 16;
const NAME: usize = 256;

impl directory::Host for AuthenticatorState {
    async fn attributes(
        &mut self,
        subject: String,
        names: Vec<String>,
    ) -> wasmtime::Result<Vec<directory::Claim>> {
        let services = self.counted()?;
        self.asked("directory.attributes", subject.len() + names.iter().map(String::len).sum::<usize>());
        bounds::count("attributes: names", names.len(), NAMES)?;
        bounds::distinct("attributes: names", &names)?;
        names.iter().try_for_each(|name| bounds::filled("attributes: name", name, NAME))?;
        let found = self.wait(services.attributes(&subject, &names)).await?.map_err(|error| match error {
            AttributeError::Unavailable(error) => Stop::from(error),
            refused => Stop::output(refused),
        })?;
        self.got(found.iter().flat_map(|claim| &claim.values).map(String::len).sum());
        let claim = |claim: postern_kernel::directory::Claim| directory::Claim {
            name: claim.name,
            values: claim.values,
        };
        Ok(found.into_iter().map(claim).collect())
    }
}
