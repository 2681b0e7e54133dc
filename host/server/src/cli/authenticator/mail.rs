//! Mail that is shown instead of sent.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use postern_kernel::mail::{Mail, Mailer};
use postern_kernel::unavailable::Unavailable;

use super::{plain, say};

/// Takes every message.
#[derive(Default)]
pub(super) struct Shown {
    /// Those of the call that runs.
    new: Mutex<Vec<Mail>>,
    /// The text of the last one that was shown.
    last: Mutex<String>,
}

#[async_trait]
impl Mailer for Shown {
    async fn send(&self, mail: Mail) -> Result<(), Unavailable> {
        self.new.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        Ok(())
    }
}

impl Shown {
    /// Shows what was sent since the last time.
    pub(super) fn say(&self) {
        let new = std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner));
        for mail in new {
            say(format!("  mail, shown and not sent: to {}", plain(&mail.to.as_text())));
            say(format!("    | Subject: {}", plain(&mail.subject_line)));
            say("    |");
            for line in mail.body.lines() {
                say(format!("    | {}", plain(line)).trim_end());
            }
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = mail.body;
        }
    }

    /// What stands behind these words, up to the end of their line, in the last message.
    pub(super) fn behind(&self, words: &str) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, rest) = last.split_once(words)?;
        rest.lines().next().map(|line| line.trim().to_owned()).filter(|found| !found.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use postern_kernel::mail::MailAddress;

    use super::*;

    #[tokio::test]
    async fn what_is_behind_some_words_is_found_in_the_last_message() {
        let shown = Shown::default();
        for code in ["1234", "5678"] {
            let mail = Mail {
                to: MailAddress::read("alice@example.com").unwrap(),
                subject_line: "Your code".into(),
                body: format!("Hello\n\nYour code: {code} \nBye\n"),
            };
            shown.send(mail).await.unwrap();
        }
        assert_eq!(shown.behind("Your code:"), None, "not shown yet");
        shown.say();
        assert_eq!(shown.behind("Your code:").as_deref(), Some("5678"));
        assert_eq!(shown.behind("Bye"), None);
        assert_eq!(shown.behind("nothing of the kind"), None);
    }
}
