//! `demands`, answered by the kernel.

use postern_kernel::authenticator::Demanded;

use super::AuthenticatorState;
use super::bindings::postern::idp::demands;

impl demands::Host for AuthenticatorState {
    fn current(&mut self) -> wasmtime::Result<demands::Demand> {
        self.asked("demands.current", 0);
        let Demanded { fresh, max_age, contexts } = self.services()?.demanded().clone();
        self.got(contexts.iter().map(String::len).sum());
        Ok(demands::Demand { fresh, max_age, contexts })
    }
}
