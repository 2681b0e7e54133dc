//! Values on their way into an authenticator's component, and out of it: there each is checked.

use std::sync::Arc;

use postern_kernel::authenticator::{
    Context, Denial, Description, Event, Factor, Form, Identity, MAX_REDIRECT, Person, Purpose, Redirection,
    Returned, Step, Translation, Who,
};

use postern_kernel::services::AuthenticatorServices;

use super::challenge::{self, text};
use super::{claim_set, wit};
use crate::bounds;
use crate::stop::Stop;

// Bytes.
const TEXT: usize = 256;
const LONG_TEXT: usize = 1_024;
const SCHEMA: usize = 16 << 10;
/// Items of a list.
const METHODS: usize = 8;
const CONTEXTS: usize = 8;
const TRANSLATIONS: usize = 512;

pub(super) fn context(context: Context) -> wit::Context {
    let Context {
        purpose,
        relying_party,
        login_hint,
        person,
        language,
        settings,
        base_url,
        client_address,
        return_uri,
        redirect_state,
        client_certificate,
    } = context;
    wit::Context {
        purpose: match purpose {
            Purpose::SignIn => wit::Purpose::SignIn,
            Purpose::Enrol => wit::Purpose::Enrol,
        },
        relying_party,
        login_hint,
        person: person.map(|Person { subject, username }| wit::Person { subject, username }),
        language,
        settings,
        base_url,
        client_address: client_address.to_string(),
        client_certificate: client_certificate.map(|der| der.to_vec()),
        redirect_uri: return_uri,
        redirect_state,
    }
}

pub(super) fn event(event: Event) -> wit::Event {
    match event {
        Event::Form(Form(fields)) => {
            wit::Event::Form(fields.into_iter().map(|(name, value)| wit::FormField { name, value }).collect())
        }
        Event::Returned(Returned(encoded)) => wit::Event::Returned(encoded),
        Event::Poll => wit::Event::Poll,
    }
}

pub(super) fn description(description: wit::Description) -> Result<Description, Stop> {
    bounds::name("name", &description.name, 32, "-")?;
    bounds::name("version", &description.version, 32, ".-+")?;
    bounds::count("factors", description.factors.len(), 3)?;
    methods(&description.methods)?;
    bounds::count("contexts", description.contexts.len(), CONTEXTS)?;
    bounds::distinct("contexts", &description.contexts)?;
    description.contexts.iter().try_for_each(|context| bounds::filled("contexts", context, TEXT))?;
    if description.factors.is_empty() || description.contexts.is_empty() {
        return Err(Stop::output("factors, contexts: none"));
    }
    bounds::json_object("settings-schema", &description.settings_schema, SCHEMA)?;
    let title = text("title", description.title)?;
    let translations = translations(description.translations)?;
    Ok(Description {
        name: description.name,
        version: description.version,
        title,
        factors: description.factors.into_iter().map(factor).collect(),
        methods: description.methods,
        contexts: description.contexts,
        identifies: description.identifies,
        enrols: description.enrols,
        settings_schema: description.settings_schema,
        translations: translations.into(),
    })
}

fn factor(factor: wit::Factor) -> Factor {
    match factor {
        wit::Factor::Knowledge => Factor::Knowledge,
        wit::Factor::Possession => Factor::Possession,
        wit::Factor::Inherence => Factor::Inherence,
    }
}

/// Each in English at least: that is what everybody else gets.
fn translations(translations: Vec<wit::Translation>) -> Result<Vec<Translation>, Stop> {
    bounds::count("translations", translations.len(), TRANSLATIONS)?;
    let pairs = translations.iter().map(|translation| (&translation.language, &translation.key));
    bounds::distinct("translations", pairs)?;
    for translation in &translations {
        bounds::name("translations: language", &translation.language, 35, "-")?;
        bounds::name("translations: key", &translation.key, 128, ".-_")?;
        bounds::filled("translations: text", &translation.text, LONG_TEXT)?;
        let in_english = |other: &wit::Translation| other.key == translation.key && other.language == "en";
        if !translations.iter().any(in_english) {
            return Err(Stop::output(format_args!("translations: {} is not in English", translation.key)));
        }
    }
    let own = |wit::Translation { language, key, text }| Translation { language, key, text };
    Ok(translations.into_iter().map(own).collect())
}

/// `base_url` is whose pages they are.
/// What a step is judged by.
pub(super) struct Asked {
    /// The public origin.
    pub(super) base_url: String,
    /// Of the call that yielded it.
    pub(super) services: Arc<AuthenticatorServices>,
}

pub(super) fn step(step: wit::Step, asked: &Asked) -> Result<Step, Stop> {
    Ok(match step {
        wit::Step::Challenge(value) => Step::Challenge(challenge::challenge(value, asked)?),
        wit::Step::Redirect(wit::Redirection { url, state }) => {
            // Where it leads is the kernel's to judge, which knows what the operator allows.
            bounds::filled("redirect: url", &url, MAX_REDIRECT)?;
            bounds::size("redirect: state", state.len(), challenge::STATE)?;
            Step::Redirect(Redirection { url, state })
        }
        wit::Step::Authenticated(value) => Step::Authenticated(identity(value)?),
        wit::Step::Enrolled => Step::Enrolled,
        wit::Step::NotEnrolled => Step::NotEnrolled,
        wit::Step::Denied(wit::Denial { text: told, reason }) => {
            bounds::line("denied: reason", &reason, TEXT)?;
            Step::Denied(Denial { text: text("denied: text", told)?, reason })
        }
        wit::Step::Unavailable(reason) => {
            bounds::line("unavailable", &reason, TEXT)?;
            Step::Unavailable(reason)
        }
    })
}

fn identity(identity: wit::Identity) -> Result<Identity, Stop> {
    let wit::Identity { who, methods: used, context, remember } = identity;
    let who = match who {
        wit::Who::Account(subject) => {
            bounds::filled("subject", &subject, TEXT)?;
            Who::Account(subject)
        }
        wit::Who::Claims(claims) => Who::Claims(claim_set::claim_set(claims)?),
    };
    methods(&used)?;
    bounds::filled("context", &context, TEXT)?;
    Ok(Identity { who, methods: used, context, remember })
}

fn methods(methods: &[String]) -> Result<(), Stop> {
    bounds::count("methods", methods.len(), METHODS)?;
    bounds::distinct("methods", methods)?;
    methods.iter().try_for_each(|method| bounds::name("methods", method, 32, "-_.:/"))
}
