//! Mail to the person whom a call is about: `messages` in `wit/authenticator.wit`.
//!
//! To nobody but whom the call may name, at the address that the directory has of them; the component learns
//! no address. Its text is one of the component's translations, on lines that the kernel breaks: no argument
//! adds one.

use core::fmt;
use std::sync::atomic::Ordering;

use super::AuthenticatorServices;
use crate::audit::Event;
use crate::authenticator::{Text, translated};
use crate::mail::{Mail, MailAddress};
use crate::throttle::{Admission, Pool, Throttle};
use crate::unavailable::Unavailable;

/// Messages of one call.
const MOST_MESSAGES: u8 = 2;
/// Paragraphs of a message.
const MOST_PARAGRAPHS: usize = 8;

/// Messages to a person before the next one has to wait, which it does for twice as long each time.
const FREE: u32 = 3;
/// Seconds in which they count, and the longest wait.
const WINDOW: u64 = 3_600;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// The mail server has taken it. The address, masked.
    Sent(String),
    /// There is none to send it to.
    NoAddress,
    /// Too many: seconds until the next one.
    Throttled(u32),
    /// Nobody has taken it.
    Unavailable,
}

/// What a component did wrong with a message.
#[derive(Debug, PartialEq, Eq)]
pub enum MessageError {
    /// To a subject that it may not name.
    ForeignSubject,
    /// More than [`MOST_MESSAGES`] in one call.
    TooMany,
    /// No paragraph, or more than [`MOST_PARAGRAPHS`].
    Paragraphs,
    /// A text that is none of its translations.
    Untranslated(String),
    /// A control character in a text or an argument.
    Control,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignSubject => {
                f.write_str("authenticator.subject.foreign: it writes to a subject that it may not name")
            }
            Self::TooMany => write!(f, "authenticator.message.too-many: {MOST_MESSAGES} a call"),
            Self::Paragraphs => write!(f, "authenticator.message.paragraphs: 1 to {MOST_PARAGRAPHS}"),
            Self::Untranslated(key) => {
                write!(f, "authenticator.message.untranslated: {key:?} is none of its texts")
            }
            Self::Control => f.write_str("authenticator.message.control: a control character"),
        }
    }
}

impl std::error::Error for MessageError {}

impl AuthenticatorServices {
    /// Sends a message to the person, in the language of the call.
    ///
    /// # Errors
    /// What the component may not do.
    pub async fn send_message(
        &self,
        subject: &str,
        subject_line: &Text,
        paragraphs: &[Text],
    ) -> Result<Sending, MessageError> {
        if !self.may_name(subject) {
            return Err(MessageError::ForeignSubject);
        }
        if self.messages.fetch_add(1, Ordering::Relaxed) >= MOST_MESSAGES {
            return Err(MessageError::TooMany);
        }
        if !(1..=MOST_PARAGRAPHS).contains(&paragraphs.len()) {
            return Err(MessageError::Paragraphs);
        }
        let subject_line = self.own_text(subject_line)?;
        let paragraphs = paragraphs.iter().map(|text| self.own_text(text)).collect::<Result<Vec<_>, _>>()?;
        let body = format!("{}\n", paragraphs.join("\n\n"));
        Ok(match self.deliver(subject, subject_line, body).await {
            Ok(sending) => sending,
            Err(error) => {
                tracing::error!(correlation = %self.correlation, %error, "message not sent");
                Sending::Unavailable
            }
        })
    }

    fn own_text(&self, text: &Text) -> Result<String, MessageError> {
        let whole = translated(&self.translations, &self.language, &text.key)
            .ok_or_else(|| MessageError::Untranslated(text.key.clone()))?;
        let filled = text.filled(whole);
        if filled.chars().any(char::is_control) {
            return Err(MessageError::Control);
        }
        Ok(filled)
    }

    async fn deliver(
        &self,
        subject: &str,
        subject_line: String,
        body: String,
    ) -> Result<Sending, Unavailable> {
        let installation = &self.installation;
        let mailer = installation.mailer.as_ref();
        let mailer = mailer.ok_or_else(|| Unavailable::new("mail", "there is no [mail]"))?;
        let account = installation.directory.account(subject).await?;
        let claims = account.map(|account| account.claims).unwrap_or_default();
        // Of several nobody knows which one is read by the person.
        let address = claims.iter().find(|claim| claim.name == "email").and_then(|claim| {
            let [only] = claim.values.as_slice() else { return None };
            MailAddress::read(only)
        });
        let Some(to) = address else { return Ok(Sending::NoAddress) };
        let (store, now) = (installation.store.as_ref(), installation.clock.now());
        let throttle =
            Throttle { per_name: FREE, window: WINDOW, longest_wait: WINDOW, ..installation.throttle };
        let pool = Pool::messages(&self.call.authenticator, subject);
        if let Admission::Wait(seconds) = throttle.admit(store, &pool, now).await? {
            self.audit_message("message.throttled", subject, &to);
            return Ok(Sending::Throttled(seconds));
        }
        let masked = to.masked();
        let mail = Mail { to: to.clone(), subject_line, body };
        if let Err(error) = mailer.send(mail).await {
            throttle.take_back(store, &pool, now).await?;
            return Err(error);
        }
        self.audit_message("message.sent", subject, &to);
        Ok(Sending::Sent(masked))
    }

    fn audit_message(&self, event: &str, subject: &str, to: &MailAddress) {
        self.installation.audit.record(&Event {
            name: event,
            module: Some(&self.call.authenticator),
            relying_party: None,
            subject: Some(subject),
            correlation: Some(&self.correlation),
            fields: &[("address", &to.masked())],
        });
    }
}
