//! Answers of a sign-on: a Response by HTTP-POST.
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_refusal::Refusal;
use postern_saml::{
    ErrorResponse, NameIdFormat, RelyingParty, ResponseAttribute, ResponseNameId, SignOnFailure, Status,
    SuccessResponse, error_response, name_id_unavailable, success_response,
};

use crate::bindings::exports::postern::idp::protocol::{Authentication, Failure, SignOn};
use crate::bindings::postern::idp::kernel;
use crate::bindings::postern::idp::types::{Claim, FormField, FormPost, Response};
use crate::face::{Place, find_relying_party, new_id, wit_refusal, with_signing};
use crate::state::State;

/// Goes on after a demand.
pub(crate) fn resume(state: &[u8], result: SignOn) -> Result<Response, Refusal> {
    let state = State::read(state)?;
    let place = Place::read()?;
    // The registration may have changed meanwhile: nothing goes where it no longer may.
    let gone = |found: &str| {
        Refusal::misbehaved("saml.registration.changed")
            .at("AssertionConsumerServiceURL")
            .expected("a relying party that is still registered")
            .found(found)
    };
    let (_, party) = find_relying_party(&state.entity_id)?.ok_or_else(|| gone(&state.entity_id))?;
    if !party.assertion_consumer_services.iter().any(|service| service.url == state.acs) {
        return Err(gone(&state.acs));
    }
    match result {
        SignOn::Authenticated(authentication) => answer_success(&place, &party, &state, &authentication),
        SignOn::Failed(failure) => {
            let failure = match failure {
                Failure::LoginRequired => SignOnFailure::LoginRequired,
                Failure::InteractionRequired => SignOnFailure::InteractionRequired,
                Failure::ConsentRequired => SignOnFailure::ConsentRequired,
                Failure::ContextUnavailable => SignOnFailure::ContextUnavailable,
                Failure::Denied => SignOnFailure::Denied,
            };
            let (status, refusal) = failure.answer();
            answer_failure(&place, &party, &state, status, &refusal)
        }
    }
}

/// Tells the relying party that it failed. Where sign-on began here there is no request to
/// answer, and the refusal is a page.
pub(crate) fn answer_failure(
    place: &Place,
    party: &RelyingParty,
    state: &State,
    status: Status,
    refusal: &Refusal,
) -> Result<Response, Refusal> {
    if state.in_response_to.is_none() {
        return Err(refusal.clone());
    }
    let response = ErrorResponse {
        id: &new_id()?,
        issuer: &place.entity_id,
        destination: &state.acs,
        in_response_to: state.in_response_to.as_deref(),
        issued_at: kernel::now(),
        status,
    };
    let text = with_signing(party.signature_algorithm, |signing| error_response(&response, signing))?;
    Ok(post(state, &text, Some(refusal)))
}

fn answer_success(
    place: &Place,
    party: &RelyingParty,
    state: &State,
    authentication: &Authentication,
) -> Result<Response, Refusal> {
    let Some(name_id) = name_id(party, state, authentication)? else {
        let (status, refusal) = name_id_unavailable(state.name_id_format);
        return answer_failure(place, party, state, status, &refusal);
    };
    let now = kernel::now();
    let attributes = attributes(party, &authentication.claims);
    let response = SuccessResponse {
        response_id: &new_id()?,
        assertion_id: &new_id()?,
        issuer: &place.entity_id,
        audience: &party.entity_id,
        recipient: &state.acs,
        in_response_to: state.in_response_to.as_deref(),
        issued_at: now,
        not_before: now.saturating_sub(place.settings.clock_skew),
        not_on_or_after: now.saturating_add(place.settings.assertion_lifetime),
        name_id: &name_id,
        authn_instant: authentication.authenticated_at,
        session_index: &authentication.session_index,
        session_not_on_or_after: Some(authentication.expires_at),
        context_class: &authentication.context,
        attributes: &attributes,
    };
    let text =
        with_signing(party.signature_algorithm, |signing| success_response(&response, party.signs, signing))?;
    Ok(post(state, &text, None))
}

/// The NameID in the format asked for. None: the person has no claim for it.
fn name_id(
    party: &RelyingParty,
    state: &State,
    authentication: &Authentication,
) -> Result<Option<ResponseNameId>, Refusal> {
    let format = state.name_id_format;
    let claim = |name: &str| first_value(&authentication.claims, name);
    let value = match format {
        NameIdFormat::Persistent => {
            Some(kernel::pairwise_identifier(&party.entity_id, &authentication.subject))
        }
        NameIdFormat::Transient => Some(new_id()?),
        NameIdFormat::EmailAddress => claim(&party.name_id.email_claim),
        NameIdFormat::Unspecified => claim(&party.name_id.unspecified_claim),
    };
    Ok(value.map(|value| ResponseNameId { format, value }))
}

fn first_value(claims: &[Claim], name: &str) -> Option<String> {
    let claim = claims.iter().find(|claim| claim.name == name)?;
    claim.values.first().filter(|value| !value.is_empty()).cloned()
}

/// The claims that the registration maps, and no others.
fn attributes(party: &RelyingParty, claims: &[Claim]) -> Vec<ResponseAttribute> {
    let values = |name: &str| {
        claims.iter().find(|claim| claim.name == name).map(|claim| claim.values.clone()).unwrap_or_default()
    };
    party
        .attributes
        .iter()
        .map(|mapping| ResponseAttribute {
            name: mapping.name.clone(),
            name_format: mapping.name_format,
            friendly_name: mapping.friendly_name.clone(),
            values: values(&mapping.claim),
        })
        .collect()
}

/// The HTTP-POST binding (SAML bindings section 3.5.4).
fn post(state: &State, text: &str, refusal: Option<&Refusal>) -> Response {
    let field = |name: &str, value: String| FormField { name: name.into(), value };
    let mut fields = vec![field("SAMLResponse", BASE64_STANDARD.encode(text))];
    fields.extend(state.relay_state.clone().map(|value| field("RelayState", value)));
    Response::FormPost(FormPost { action: state.acs.clone(), fields, refusal: refusal.map(wit_refusal) })
}
