//! The imports of the authenticator world, answered by the kernel.

use std::sync::Arc;

use postern_kernel::services::{AuthenticatorServices, MAX_RANDOM, PasswordCheck};

use super::AuthenticatorState;
use super::bindings::postern::idp::{accounts, system};
use crate::bounds;
use crate::call::CallState;
use crate::log::Level;

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

impl system::Host for AuthenticatorState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.services()?.now().0)
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        let services = self.services()?;
        bounds::size("random", length as usize, MAX_RANDOM as usize)?;
        Ok(services.random(length))
    }

    fn log(&mut self, level: system::Level, message: String) -> wasmtime::Result<()> {
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
