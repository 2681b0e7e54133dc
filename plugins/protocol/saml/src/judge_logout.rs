//! Single logout (SAML profiles section 4.4), judged in the order of every message.
use postern_refusal::Refusal;
use postern_xml::{Document, Element};

use crate::authn_request::{check_version, id, issue_instant, issuer};
use crate::binding::Detached;
use crate::judge::Scene;
use crate::{LogoutRequest, LogoutResponse, Once};

/// What the messages of single logout have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutHead {
    /// ID.
    pub id: String,
    /// The relying party's entity ID.
    pub entity_id: String,
    /// RelayState, to be returned unchanged.
    pub relay_state: Option<String>,
    /// Until when the message would be accepted again, seconds since 1970.
    pub until: u64,
}

impl LogoutHead {
    /// What has to be remembered of it: both messages are always signed.
    pub(crate) fn once(&self) -> Once {
        Once { key: format!("{} {}", self.id, self.entity_id), until: self.until, signed: true }
    }
}

/// A LogoutRequest that may be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedLogoutRequest {
    /// Who sent it.
    pub head: LogoutHead,
    /// What it asks for.
    pub request: LogoutRequest,
}

/// A LogoutResponse that may be believed. Whether it answers a request that was sent is for whoever
/// sent it to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedLogoutResponse {
    /// Who sent it.
    pub head: LogoutHead,
    /// What it says.
    pub response: LogoutResponse,
}

pub(crate) fn judge_logout_request(
    document: Document<'_>,
    detached: Option<Detached>,
    relay_state: Option<String>,
    scene: &Scene<'_>,
) -> Result<JudgedLogoutRequest, Refusal> {
    let (element, head) = read(document, detached, relay_state, scene, LogoutRequest::check_shape)?;
    let request = LogoutRequest::read(&element)?;
    if let Some(end) = request.not_on_or_after
        && end.saturating_add(scene.policy.clock_skew) <= scene.now
    {
        return Err(Refusal::misbehaved("saml.logout.expired")
            .at("NotOnOrAfter")
            .expected("an instant to come")
            .found(&crate::format_instant(end).unwrap_or_default()));
    }
    Ok(JudgedLogoutRequest { head, request })
}

pub(crate) fn judge_logout_response(
    document: Document<'_>,
    detached: Option<Detached>,
    relay_state: Option<String>,
    scene: &Scene<'_>,
) -> Result<JudgedLogoutResponse, Refusal> {
    let (element, head) = read(document, detached, relay_state, scene, LogoutResponse::check_shape)?;
    Ok(JudgedLogoutResponse { head, response: LogoutResponse::read(&element)? })
}

/// A front-channel message of single logout is signed, whatever the registration says of
/// AuthnRequests (SAML profiles sections 4.4.3.1 and 4.4.3.4): else anybody could sign people out.
fn read(
    document: Document<'_>,
    detached: Option<Detached>,
    relay_state: Option<String>,
    scene: &Scene<'_>,
    check_shape: fn(&Element) -> Result<(), Refusal>,
) -> Result<(Element, LogoutHead), Refusal> {
    let party = scene.claimed_issuer(&document)?;
    let (element, signed) = scene.authentic(document, detached, &party, true)?;
    check_shape(&element)?;
    check_version(&element)?;
    let entity_id = issuer(&element)?;
    scene.check_issuer(&entity_id, &party)?;
    let id = id(&element)?;
    scene.check_destination(element.attribute("Destination"), signed)?;
    let until = scene.check_time(issue_instant(&element)?)?;
    Ok((element, LogoutHead { id, entity_id, relay_state, until }))
}
