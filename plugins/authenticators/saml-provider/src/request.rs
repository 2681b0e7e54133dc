//! To the identity provider.

use postern_saml::{RequestBinding, SignOnRequest, identifier};
use postern_signature::Algorithm;

use crate::asked::{self, Asked};
use crate::bindings::exports::postern::idp::authenticator::{Context, Redirection, Step};
use crate::bindings::postern::idp::redirections::{self, Field};
use crate::bindings::postern::idp::{demands, own_keys, system};
use crate::refused;
use crate::settings::Settings;

/// Random bytes of a request's ID.
const RANDOM: u32 = 20;

pub(crate) fn send(context: &Context, settings: &Settings) -> Step {
    match request(context, settings) {
        Ok(redirection) => Step::Redirect(redirection),
        Err(refusal) => refused(&refusal),
    }
}

fn request(context: &Context, settings: &Settings) -> Result<Redirection, postern_refusal::Refusal> {
    let id = identifier(&system::random(RANDOM))?;
    let (demand, now) = (demands::current(), system::now());
    let asked = Asked::new(&id, settings, &demand, now);
    let contexts = asked::contexts(settings, &demand);
    let (binding, destination) = settings.service()?;
    let request = SignOnRequest {
        id: &id,
        issuer: settings.entity_id(&context.redirect_uri),
        destination,
        consumer_url: &context.redirect_uri,
        issued_at: now,
        name_id_format: Some(settings.written.name_id_format),
        force: asked.force(),
        contexts: &contexts,
    };
    let sign = |message: &[u8]| Some(own_keys::sign(message));
    let (relay_state, signing) = (&context.redirect_state, (Algorithm::Rs256, &sign as _));
    let url = match binding {
        RequestBinding::Redirect => request.url(relay_state, Some(signing))?,
        RequestBinding::Post => {
            let fields = request.form(relay_state, signing)?;
            let fields = fields.into_iter().map(|(name, value)| Field { name, value });
            redirections::by_post(&fields.collect::<Vec<_>>());
            destination.to_owned()
        }
    };
    Ok(Redirection { url, state: asked.to_bytes() })
}
