//! `credential-index`, answered by the kernel.

use postern_kernel::credentials::MAX_LABEL;
use postern_kernel::services::{Found, IndexedCredential, MAX_HANDLE};

use super::AuthenticatorState;
use super::bindings::postern::idp::credential_index;
use super::kernel::{credential, stopped};
use crate::bounds;

impl credential_index::Host for AuthenticatorState {
    async fn add(
        &mut self,
        subject: String,
        label: String,
        data: Vec<u8>,
        handle: Vec<u8>,
    ) -> wasmtime::Result<credential_index::Added> {
        let services = self.counted()?;
        bounds::line("add: label", &label, MAX_LABEL)?;
        bounds::size("add: handle", handle.len(), MAX_HANDLE)?;
        let added = self.wait(services.add_indexed_credential(&subject, &label, &data, &handle)).await?;
        Ok(match added.map_err(stopped)? {
            IndexedCredential::Added(id) => credential_index::Added::Id(id),
            IndexedCredential::Full => credential_index::Added::Full,
            IndexedCredential::Taken => credential_index::Added::Taken,
        })
    }

    async fn find(&mut self, handle: Vec<u8>) -> wasmtime::Result<Option<credential_index::Found>> {
        let services = self.counted()?;
        bounds::size("find: handle", handle.len(), MAX_HANDLE)?;
        let found = self.wait(services.find_credential(&handle)).await?.map_err(stopped)?;
        let own = |Found { subject, username, credential: found }| credential_index::Found {
            subject,
            username,
            credential: credential(found),
        };
        Ok(found.map(own))
    }
}
