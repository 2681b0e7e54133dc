//! The imports of the authenticator world, answered by the kernel.

use std::sync::Arc;

use postern_kernel::credentials::MAX_LABEL;
use postern_kernel::services::{AuthenticatorServices, CredentialError, MAX_RANDOM, PasswordCheck};

use super::AuthenticatorState;
use super::bindings::postern::idp::{accounts, credentials, system};
use crate::bounds;
use crate::call::CallState;
use crate::log::Level;
use crate::stop::Stop;

/// Bytes.
const USERNAME: usize = 1_024;
const PASSWORD: usize = 4_096;

impl accounts::Host for AuthenticatorState {
    async fn check_password(
        &mut self,
        username: String,
        password: String,
    ) -> wasmtime::Result<accounts::PasswordVerdict> {
        let services = self.counted()?;
        self.asked("accounts.check-password", username.len() + password.len());
        bounds::size("check-password: username", username.len(), USERNAME)?;
        bounds::size("check-password: password", password.len(), PASSWORD)?;
        let check = self.wait(services.check_password(&username, &password)).await?;
        Ok(match check {
            PasswordCheck::Correct { subject, username } => {
                accounts::PasswordVerdict::Correct(accounts::Account { subject, username })
            }
            PasswordCheck::Wrong => accounts::PasswordVerdict::Wrong,
            PasswordCheck::Throttled(seconds) => accounts::PasswordVerdict::Throttled(seconds),
            PasswordCheck::Unavailable => accounts::PasswordVerdict::Unavailable,
        })
    }
}

impl credentials::Host for AuthenticatorState {
    async fn list(&mut self, subject: String) -> wasmtime::Result<Vec<credentials::Credential>> {
        let services = self.counted()?;
        self.asked("credentials.list", subject.len());
        let found = self.wait(services.credentials(&subject)).await?.map_err(stopped)?;
        self.got(found.iter().map(|found| found.label.len() + found.data.len()).sum());
        Ok(found.into_iter().map(credential).collect())
    }

    async fn add(
        &mut self,
        subject: String,
        label: String,
        data: Vec<u8>,
    ) -> wasmtime::Result<Option<String>> {
        let services = self.counted()?;
        self.asked("credentials.add", subject.len() + label.len() + data.len());
        bounds::line("add: label", &label, MAX_LABEL)?;
        Ok(self.wait(services.add_credential(&subject, &label, &data)).await?.map_err(stopped)?)
    }

    async fn replace(
        &mut self,
        subject: String,
        id: String,
        version: u64,
        data: Vec<u8>,
    ) -> wasmtime::Result<bool> {
        let services = self.counted()?;
        self.asked("credentials.replace", subject.len() + id.len() + data.len());
        let replaced = services.replace_credential(&subject, &id, version, &data);
        Ok(self.wait(replaced).await?.map_err(stopped)?)
    }

    async fn remove(&mut self, subject: String, id: String) -> wasmtime::Result<bool> {
        let services = self.counted()?;
        self.asked("credentials.remove", subject.len() + id.len());
        Ok(self.wait(services.remove_credential(&subject, &id)).await?.map_err(stopped)?)
    }
}

pub(super) fn credential(found: postern_kernel::credentials::Credential) -> credentials::Credential {
    credentials::Credential {
        id: found.id,
        label: found.label,
        data: found.data.to_vec(),
        version: found.version,
        created_at: found.created_at.0,
    }
}

/// A component that asks for what it may not have gets no further.
pub(super) fn stopped(error: CredentialError) -> Stop {
    match error {
        CredentialError::Unavailable(error) => error.into(),
        refused => Stop::output(refused),
    }
}

impl system::Host for AuthenticatorState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.asked("system.now", 0);
        Ok(self.services()?.now().0)
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.asked("system.random", 0);
        self.got(length as usize);
        let services = self.services()?;
        bounds::size("random", length as usize, MAX_RANDOM as usize)?;
        Ok(services.random(length))
    }

    fn log(&mut self, level: system::Level, message: String) -> wasmtime::Result<()> {
        self.asked("system.log", message.len());
        let services = self.services().ok().map(Arc::clone);
        let correlation = services.as_deref().map_or("", AuthenticatorServices::correlation);
        let level = match level {
            system::Level::Debug => Level::Debug,
            system::Level::Info => Level::Info,
            system::Level::Warn => Level::Warn,
        };
        CallState::log(self, correlation, level, &message);
        Ok(())
    }
}
