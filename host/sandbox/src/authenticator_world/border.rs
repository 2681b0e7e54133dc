//! Values on their way into an authenticator's component, and out of it: there each is checked.

use postern_kernel::authenticator::{
    Challenge, Context, Description, Factor, Field, FieldKind, Form, Identity, Step,
};

use super::wit;
use crate::bounds;
use crate::stop::Stop;

// Bytes.
const STATE: usize = 4 << 10;
const VALUE: usize = 1_024;
const TEXT: usize = 256;
const SCHEMA: usize = 16 << 10;
/// Items of a list.
const FIELDS: usize = 16;
const METHODS: usize = 8;

pub(super) fn context(context: Context) -> wit::Context {
    let Context { relying_party, login_hint, subject, language, settings } = context;
    wit::Context { relying_party, login_hint, subject, language, settings }
}

pub(super) fn form(form: Form) -> Vec<wit::FormField> {
    form.0.into_iter().map(|(name, value)| wit::FormField { name, value }).collect()
}

pub(super) fn description(description: wit::Description) -> Result<Description, Stop> {
    bounds::name("name", &description.name, 32, "-")?;
    bounds::filled("title", &description.title, TEXT)?;
    methods(&description.methods)?;
    bounds::filled("context", &description.context, TEXT)?;
    bounds::json_object("settings-schema", &description.settings_schema, SCHEMA)?;
    Ok(Description {
        name: description.name,
        title: description.title,
        factor: match description.factor {
            wit::Factor::Knowledge => Factor::Knowledge,
            wit::Factor::Possession => Factor::Possession,
            wit::Factor::Inherence => Factor::Inherence,
        },
        methods: description.methods,
        context: description.context,
        settings_schema: description.settings_schema,
    })
}

pub(super) fn step(step: wit::Step) -> Result<Step, Stop> {
    Ok(match step {
        wit::Step::Challenge(value) => Step::Challenge(challenge(value)?),
        wit::Step::Authenticated(value) => Step::Authenticated(identity(value)?),
        wit::Step::Denied(reason) => {
            bounds::line("denied", &reason, TEXT)?;
            Step::Denied(reason)
        }
        wit::Step::Unavailable(reason) => {
            bounds::line("unavailable", &reason, TEXT)?;
            Step::Unavailable(reason)
        }
    })
}

fn challenge(challenge: wit::Challenge) -> Result<Challenge, Stop> {
    bounds::filled("title", &challenge.title, TEXT)?;
    bounds::filled("submit", &challenge.submit, TEXT)?;
    bounds::optional_line("error", challenge.error.as_deref(), TEXT)?;
    bounds::size("state", challenge.state.len(), STATE)?;
    bounds::count("fields", challenge.fields.len(), FIELDS)?;
    bounds::distinct("fields", challenge.fields.iter().map(|field| &field.name))?;
    let fields = challenge.fields.into_iter().map(field).collect::<Result<_, _>>()?;
    let wit::Challenge { title, submit, error, state, .. } = challenge;
    Ok(Challenge { title, fields, submit, error, state })
}

fn field(field: wit::Field) -> Result<Field, Stop> {
    bounds::name("field: name", &field.name, 64, "-_")?;
    bounds::filled("field: label", &field.label, TEXT)?;
    // What a person typed is shown again as it was, so that a control character in it is not the
    // module's fault.
    bounds::size("field: value", field.value.len(), VALUE)?;
    let is_autocomplete = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b' ');
    if field.autocomplete.len() > 64 || !field.autocomplete.bytes().all(is_autocomplete) {
        return Err(Stop::output(format_args!("field: {} has no such autocomplete token", field.name)));
    }
    let kind = match field.kind {
        wit::FieldKind::Text => FieldKind::Text,
        wit::FieldKind::Secret => FieldKind::Secret,
        wit::FieldKind::OneTimeCode => FieldKind::OneTimeCode,
    };
    if kind != FieldKind::Text && !field.value.is_empty() {
        return Err(Stop::output(format_args!("field: {} is secret and has a value", field.name)));
    }
    let wit::Field { name, label, value, required, autocomplete, .. } = field;
    Ok(Field { name, kind, label, value, required, autocomplete })
}

fn identity(identity: wit::Identity) -> Result<Identity, Stop> {
    bounds::filled("subject", &identity.subject, TEXT)?;
    methods(&identity.methods)?;
    bounds::filled("context", &identity.context, TEXT)?;
    let wit::Identity { subject, methods, context } = identity;
    Ok(Identity { subject, methods, context })
}

fn methods(methods: &[String]) -> Result<(), Stop> {
    bounds::count("methods", methods.len(), METHODS)?;
    bounds::distinct("methods", methods)?;
    methods.iter().try_for_each(|method| bounds::name("methods", method, 32, "-_.:/"))
}
