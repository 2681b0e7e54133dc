//! What a component asks of a browser: read by the rule that is the same for all, for the public host alone,
//! and written anew.

use postern_kernel::authenticator::{Ceremony, Element, WebAuthn};
use postern_webauthn::{CreationOptions, RequestOptions, rp_id_of};

use super::border::Asked;
use super::wit;
use crate::bounds;
use crate::stop::Stop;

/// Bytes.
const NAME: usize = 64;

pub(super) fn judged(ceremony: Ceremony, value: wit::WebAuthn, asked: &Asked) -> Result<WebAuthn, Stop> {
    let wit::WebAuthn { name, options } = value;
    bounds::name("web-authn: name", &name, NAME, "-_")?;
    let rp_id = rp_id_of(&asked.base_url);
    let judged = match ceremony {
        Ceremony::Create => {
            CreationOptions::read(&options, rp_id).map(|options| (options.write(), options.challenge.0))
        }
        Ceremony::Get => {
            RequestOptions::read(&options, rp_id).map(|options| (options.write(), options.challenge.0))
        }
    };
    let (options, challenge) = judged.map_err(Stop::output)?;
    if !asked.services.has_drawn(&challenge) {
        return Err(Stop::output(
            "webauthn.options.challenge-foreign: a challenge is 32 bytes of `system.random`, drawn in this call",
        ));
    }
    Ok(WebAuthn { ceremony, name, options })
}

/// A browser does one ceremony at a time.
pub(super) fn one_at_most(elements: &[Element]) -> Result<(), Stop> {
    let ceremonies = elements.iter().filter(|element| matches!(element, Element::WebAuthn(_)));
    bounds::count("web-authn", ceremonies.count(), 1)
}
