//! `/samlsso`: single sign-on, begun by a relying party or here.
use std::cell::RefCell;
use std::rc::Rc;

use postern_refusal::Refusal;
use postern_saml::{
    Carrier, Incoming, Judged, JudgedAuthnRequest, JudgedIdpInitiated, RelyingParty, carrier, judge,
};

use crate::bindings::exports::postern::idp::protocol::{Demand, Outcome};
use crate::bindings::postern::idp::kernel;
use crate::bindings::postern::idp::types::{Method, RelyingParty as WitRelyingParty, Request};
use crate::face::{KernelVerifier, Place, find_relying_party};
use crate::sign_on::answer_failure;
use crate::state::State;

/// Judges the request and asks the kernel for somebody signed in.
pub(crate) fn handle(request: &Request) -> Result<Outcome, Refusal> {
    let place = Place::read()?;
    // The judge looks a relying party up once; what it found is used further on.
    let found: RefCell<Option<(WitRelyingParty, RelyingParty)>> = RefCell::new(None);
    let lookup = |entity_id: &str| {
        let registered = find_relying_party(entity_id)?;
        let edge = registered.as_ref().map(|(_, party)| Rc::new(party.edge()));
        found.replace(registered);
        Ok(edge)
    };
    let method: &[u8] = match request.method {
        Method::Get => b"GET",
        Method::Post => b"POST",
    };
    // The host hands bodies on as they came: one with a Content-Encoding is no form.
    let incoming = match carrier(method, !request.body.is_empty(), None)? {
        Carrier::Query => Incoming::Get(request.query.as_bytes()),
        Carrier::Body => Incoming::Post {
            query: request.query.as_bytes(),
            content_type: request.content_type.as_deref(),
            body: &request.body,
        },
    };
    let policy = place.settings.policy(&place.base_url);
    let judged = judge(incoming, &lookup, &policy, kernel::now(), &KernelVerifier)?;
    let (registered, party) = found.take().ok_or_else(|| Refusal::internal("saml.registration.lost"))?;
    match judged {
        Judged::AuthnRequest(request) => answer_request(&place, &registered, &party, request),
        Judged::IdpInitiated(request) => begin_here(&registered, &party, request),
        // The policy of this module lets none through: docs/limits.md.
        Judged::LogoutRequest(_) | Judged::LogoutResponse(_) => {
            Err(Refusal::internal("saml.logout.not-served").expected("a module with single logout"))
        }
    }
}

fn answer_request(
    place: &Place,
    registered: &WitRelyingParty,
    party: &RelyingParty,
    request: JudgedAuthnRequest,
) -> Result<Outcome, Refusal> {
    let once = request.once();
    if !kernel::remember(&once.key, once.until) {
        return Err(once.replayed());
    }
    let demanded = request.demanded(&party.name_id);
    let state = State {
        entity_id: request.entity_id,
        acs: request.acs.url,
        in_response_to: Some(request.id),
        relay_state: request.relay_state,
        name_id_format: demanded.as_ref().map_or(party.name_id.default, |demanded| demanded.name_id_format),
    };
    match demanded {
        Ok(demanded) => demand(registered, &state, request.force, request.passive, demanded.contexts),
        Err((status, refusal)) => {
            answer_failure(place, party, &state, status, &refusal).map(Outcome::Respond)
        }
    }
}

fn begin_here(
    registered: &WitRelyingParty,
    party: &RelyingParty,
    request: JudgedIdpInitiated,
) -> Result<Outcome, Refusal> {
    let state = State {
        entity_id: request.entity_id,
        acs: request.acs.url,
        in_response_to: None,
        relay_state: request.relay_state,
        name_id_format: party.name_id.default,
    };
    demand(registered, &state, false, false, Vec::new())
}

fn demand(
    registered: &WitRelyingParty,
    state: &State,
    force: bool,
    passive: bool,
    contexts: Vec<String>,
) -> Result<Outcome, Refusal> {
    Ok(Outcome::Authenticate(Demand {
        relying_party: registered.id.clone(),
        force,
        passive,
        select_account: false,
        max_age: None,
        contexts,
        login_hint: None,
        consent: Vec::new(),
        consent_anew: false,
        state: state.write()?,
    }))
}
