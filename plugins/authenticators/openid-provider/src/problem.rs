//! Why a sign-in does not go on. Whatever it is, it is not the person's fault: another way is offered.

use postern_refusal::Refusal;

use crate::bindings::exports::postern::idp::authenticator::Step;
use crate::bindings::postern::idp::system;

/// Bytes of a reason that the host takes.
const REASON: usize = 256;

pub(crate) struct Problem(String);

impl Problem {
    pub(crate) fn new(reason: &str) -> Self {
        Self(reason.into())
    }

    pub(crate) fn into_step(self) -> Step {
        let end = self.0.char_indices().map(|(start, _)| start).take_while(|start| *start < REASON).last();
        let cut = if self.0.len() > REASON { self.0.get(..end.unwrap_or(0)) } else { Some(self.0.as_str()) };
        Step::Unavailable(cut.unwrap_or_default().into())
    }
}

impl From<Refusal> for Problem {
    /// The whole refusal for the log, its code for the audit log.
    fn from(refusal: Refusal) -> Self {
        system::log(system::Level::Warn, &refusal.to_string());
        Self(format!("{} ({})", refusal.code, refusal.fault))
    }
}
