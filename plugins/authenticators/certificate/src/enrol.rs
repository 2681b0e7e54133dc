//! The certificate that the browser shows now becomes the person's.

use postern_authenticator::credential_index::Added;
use postern_authenticator::*;

use crate::form;
use crate::settings::Settings;
use crate::shown::{NotShown, Shown};

/// Bytes of a name: what the kernel keeps.
const MAX_LABEL: usize = 64;

pub(crate) fn begin(context: &Context, settings: &Settings) -> Step {
    ask(context, settings, "", None)
}

pub(crate) fn proceed(
    context: &Context,
    person: &Person,
    state: &[u8],
    sent: &Form,
    settings: &Settings,
) -> Step {
    let label = sent.value("label");
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return ask(context, settings, "", Some("certificate.label.wrong"));
    }
    let again = |error: &str| ask(context, settings, label, Some(error));
    // Only what the page has named, on the connection that the form came over.
    let Ok(shown) = Shown::now(context, settings) else { return ask(context, settings, label, None) };
    if state != shown.fingerprint {
        return ask(context, settings, label, None);
    }
    match credential_index::add(&person.subject, label, &shown.fingerprint, &shown.handle) {
        Added::Id(_) => Step::Enrolled,
        Added::Full => again("certificate.full"),
        Added::Taken => again("certificate.taken"),
    }
}

fn ask(context: &Context, settings: &Settings, label: &str, error: Option<&str>) -> Step {
    let (elements, submit, state) = match Shown::now(context, settings) {
        Ok(shown) => {
            let lead = told(text_with("certificate.enrol.lead", "name", &shown.called));
            (vec![lead, form::label(label)], "certificate.enrol.submit", shown.fingerprint.to_vec())
        }
        Err(NotShown::None) => (vec![told(text("certificate.none"))], "certificate.look-again", Vec::new()),
        Err(NotShown::Refused) => {
            (vec![told(text("certificate.refused"))], "certificate.look-again", Vec::new())
        }
        Err(NotShown::Settings(problem)) => return Step::Unavailable(problem),
    };
    form::ask("certificate.enrol", elements, submit, error, state)
}
