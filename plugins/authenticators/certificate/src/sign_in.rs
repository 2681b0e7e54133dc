//! A certificate at sign-in. It takes a click: whoever has signed out, or wants to be somebody else, would
//! otherwise be signed in by the browser alone.

use postern_authenticator::*;

use crate::CONTEXT;
use crate::form;
use crate::settings::Settings;
use crate::shown::{NotShown, Shown};

pub(crate) fn begin(context: &Context, settings: &Settings) -> Step {
    match Shown::now(context, settings) {
        Ok(shown) if credential_index::find(&shown.handle).is_some() => ask(&shown),
        Ok(_) => Step::NotEnrolled,
        Err(not_shown) => instead(not_shown),
    }
}

/// What counts is the certificate of the connection that the form came over.
pub(crate) fn proceed(context: &Context, state: &[u8], settings: &Settings) -> Step {
    let shown = match Shown::now(context, settings) {
        Ok(shown) => shown,
        Err(not_shown) => return instead(not_shown),
    };
    let Some(found) = credential_index::find(&shown.handle) else { return Step::NotEnrolled };
    if state != shown.fingerprint {
        // Another one than the page named.
        return ask(&shown);
    }
    Step::Authenticated(Identity {
        who: Who::Account(found.subject),
        methods: vec![settings.kept.method().into()],
        context: CONTEXT.into(),
        remember: None,
    })
}

/// Another way is taken.
fn instead(not_shown: NotShown) -> Step {
    match not_shown {
        NotShown::None | NotShown::Refused => Step::NotEnrolled,
        NotShown::Settings(problem) => Step::Unavailable(problem),
    }
}

fn ask(shown: &Shown) -> Step {
    let elements = vec![told(text_with("certificate.ask.lead", "name", &shown.called))];
    form::ask("certificate.ask", elements, "certificate.ask.submit", None, shown.fingerprint.to_vec())
}
