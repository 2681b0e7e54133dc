//! A challenge as a transaction keeps it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::authenticator::{Challenge, Element, Field, FieldKind, Text};
use crate::keys::KeyRing;
use crate::unavailable::Unavailable;

/// As the releases before 0.1.0 of the contract wrote it, with the whole challenge beside it: they go on
/// with what is only fields, and their transactions are gone on with here.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeptChallenge {
    title: String,
    fields: Vec<KeptField>,
    submit: String,
    error: Option<String>,
    #[serde(with = "crate::opaque")]
    state: Vec<u8>,
    /// The state, sealed: then it stands nowhere else. Empty when there is none, and from a release before,
    /// whose authenticator kept no secret there.
    #[serde(default, with = "crate::opaque")]
    sealed: Vec<u8>,
    #[serde(default)]
    whole: Option<Box<Challenge>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct KeptField {
    name: String,
    kind: FieldKind,
    label: String,
    value: String,
    required: bool,
    autocomplete: String,
}

impl KeptChallenge {
    /// [`Challenge::interval`].
    pub(super) fn interval(&self) -> Option<u32> {
        self.whole.as_ref().and_then(|whole| whole.interval())
    }

    /// For the store: a code that was sent to somebody is in the state.
    pub(super) fn seal(&mut self, keys: &dyn KeyRing, place: &[&str]) -> Result<(), Unavailable> {
        if !self.state.is_empty() {
            self.sealed = keys.seal(place, &self.state)?;
            self.set_state(&[]);
        }
        Ok(())
    }

    /// From the store.
    pub(super) fn open(&mut self, keys: &dyn KeyRing, place: &[&str]) -> Result<(), Unavailable> {
        if !self.sealed.is_empty() {
            let state = keys.open(place, &self.sealed)?;
            self.set_state(&state);
            self.sealed.clear();
        }
        Ok(())
    }

    fn set_state(&mut self, state: &[u8]) {
        let whole = self.whole.as_mut().map(|whole| &mut whole.state);
        for own in [Some(&mut self.state), whole].into_iter().flatten() {
            own.zeroize();
            own.extend_from_slice(state);
        }
    }
}

impl From<Challenge> for KeptChallenge {
    fn from(challenge: Challenge) -> Self {
        let fields = challenge.elements.iter().filter_map(|element| match element {
            Element::Field(field) => Some(KeptField {
                name: field.name.clone(),
                kind: field.kind,
                label: field.label.key.clone(),
                value: field.value.clone(),
                required: field.required,
                autocomplete: field.autocomplete.clone(),
            }),
            Element::Choice(_)
            | Element::QrCode(_)
            | Element::Message(_)
            | Element::WebAuthn(_)
            | Element::Waiting(_) => None,
        });
        Self {
            title: challenge.title.key.clone(),
            fields: fields.collect(),
            submit: challenge.submit.key.clone(),
            error: challenge.error.as_ref().map(|error| error.key.clone()),
            state: challenge.state.clone(),
            sealed: Vec::new(),
            whole: Some(Box::new(challenge)),
        }
    }
}

impl From<KeptChallenge> for Challenge {
    fn from(kept: KeptChallenge) -> Self {
        let KeptChallenge { title, fields, submit, error, state, sealed: _, whole } = kept;
        whole.map(|whole| *whole).unwrap_or_else(|| Self {
            title: Text::of(&title),
            elements: fields.into_iter().map(|field| Element::Field(field.into())).collect(),
            submit: Text::of(&submit),
            error: error.map(|error| Text::of(&error)),
            state,
        })
    }
}

impl From<KeptField> for Field {
    fn from(kept: KeptField) -> Self {
        let KeptField { name, kind, label, value, required, autocomplete } = kept;
        Self { name, kind, label: Text::of(&label), value, required, autocomplete }
    }
}
