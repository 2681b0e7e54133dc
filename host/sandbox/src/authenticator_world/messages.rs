//! `messages`, answered by the kernel.

use postern_kernel::authenticator::Text;
use postern_kernel::services::Sending;

use super::AuthenticatorState;
use super::bindings::exports::postern::idp::authenticator as wit;
use super::bindings::postern::idp::messages;
use super::challenge::text;
use crate::bounds;
use crate::stop::Stop;

/// Paragraphs that are looked at.
const PARAGRAPHS: usize = 8;

impl messages::Host for AuthenticatorState {
    async fn send(
        &mut self,
        subject: String,
        subject_line: messages::Text,
        paragraphs: Vec<messages::Text>,
    ) -> wasmtime::Result<messages::Verdict> {
        let services = self.counted()?;
        self.asked("messages.send", subject.len());
        bounds::count("send: paragraphs", paragraphs.len(), PARAGRAPHS)?;
        let subject_line = own(subject_line)?;
        let paragraphs = paragraphs.into_iter().map(own).collect::<Result<Vec<_>, _>>()?;
        let sent = self.wait(services.send_message(&subject, &subject_line, &paragraphs)).await?;
        Ok(match sent.map_err(Stop::output)? {
            Sending::Sent(address) => messages::Verdict::Sent(address),
            Sending::NoAddress => messages::Verdict::NoAddress,
            Sending::Throttled(seconds) => messages::Verdict::Throttled(seconds),
            Sending::Unavailable => messages::Verdict::Unavailable,
        })
    }
}

/// By the rule of the texts on pages: bounded, and free of control characters.
fn own(sent: messages::Text) -> Result<Text, Stop> {
    let messages::Text { key, arguments } = sent;
    let argument = |messages::Argument { name, value }| wit::Argument { name, value };
    text("send", wit::Text { key, arguments: arguments.into_iter().map(argument).collect() })
}
