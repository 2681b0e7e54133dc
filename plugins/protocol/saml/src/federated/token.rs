//! The token of a WS-Federation answer (`wresult`, WS-Federation 1.2 section 13.2.3): one SAML 1.1 or 2.0
//! Assertion in a RequestSecurityTokenResponse, by the rules of the Assertion in a Response.
//!
//! Only the Assertion is signed. What stands around it (AppliesTo, Lifetime, references) is nobody's word:
//! there is one RequestSecurityTokenResponse with one RequestedSecurityToken, and no other Assertion and no
//! other signature in the document, so that every reader finds the same one.
use std::rc::Rc;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use postern_wsfed::TRUST_NAMESPACES;
use postern_xml::{Document, Place, Trust};

use super::assertion::{Answers, Expected, check_assertion};
use super::assertion1::{SAML1, check_assertion1};
use super::configuration::{IdentityProvider, TokenConsumer};
use super::response::{unknown_provider, wrong};
use crate::names::ASSERTION;
use crate::{Once, Policy};

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";

/// Who is federated by WS-Federation, and how tokens are judged.
pub(crate) struct Tokens<'f> {
    pub(crate) consumer: &'f TokenConsumer,
    pub(crate) lookup: &'f dyn Fn(&str) -> Option<Rc<IdentityProvider>>,
    pub(crate) policy: &'f Policy,
    /// Largest `wresult`, in bytes.
    pub(crate) max_message: usize,
    pub(crate) now: u64,
    pub(crate) verifier: &'f dyn Verifier,
}

/// A token that may go on to the LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedToken {
    /// ID of the Assertion.
    pub id: String,
    /// The identity provider's name.
    pub entity_id: String,
    /// It may not come again.
    pub once: Once,
}

/// Judges the token in a `wresult`, which [`postern_wsfed::judge`] has found well-formed: its place, issuer,
/// signature, shape, time, audience.
///
/// # Errors
/// The first rule that is broken: `wsfed.token.*`, `saml.assertion.*`, `xml.*`, and those that every message
/// has.
pub(crate) fn judge_token(result: &str, tokens: &Tokens<'_>) -> Result<JudgedToken, Refusal> {
    let Tokens { policy, now, consumer, .. } = *tokens;
    let limits = postern_xml::Limits { max_bytes: tokens.max_message, ..policy.limits.xml() };
    let (namespace, assertion) = only_assertion(Document::read(result.as_bytes(), &limits)?)?;
    let (claimed, id_attribute, place) = if namespace == SAML1 {
        (assertion.claimed_attribute("Issuer"), "AssertionID", Place::Last)
    } else {
        let place = Place::After { namespace: ASSERTION, local: "Issuer" };
        (assertion.claimed_child_text(ASSERTION, "Issuer"), "ID", place)
    };
    let claimed = claimed.unwrap_or_default();
    let provider = (tokens.lookup)(&claimed).filter(|provider| provider.entity_id == claimed);
    let provider = provider.ok_or_else(|| unknown_provider(&claimed))?;
    let keys = provider.keys();
    let trust = Trust { keys: &keys, algorithms: &policy.algorithms };
    let signed = assertion.verify_by(id_attribute, place, &trust, tokens.verifier)?.into_element();
    // What was verified, read again: its name too.
    if !signed.name.is(namespace, "Assertion") {
        return Err(misplaced());
    }
    let expected = Expected {
        provider: &provider,
        audiences: &consumer.audiences,
        recipients: &consumer.recipients,
        answers: Answers::Nothing,
        policy,
        now,
    };
    let check = if namespace == SAML1 { check_assertion1 } else { check_assertion };
    let (id, until) = check(&signed, &expected)?;
    let once = Once { key: format!("{id} {claimed}"), until, signed: true };
    Ok(JudgedToken { id, entity_id: claimed, once })
}

/// The one Assertion of the document, which stands in the one RequestedSecurityToken.
fn only_assertion(document: Document<'_>) -> Result<(&'static str, Document<'_>), Refusal> {
    let namespace = TRUST_NAMESPACES
        .into_iter()
        .find(|namespace| document.count(namespace, "RequestSecurityTokenResponse") > 0)
        .ok_or_else(misplaced)?;
    let everywhere = |local| TRUST_NAMESPACES.map(|namespace| document.count(namespace, local)).iter().sum();
    let is_one = |count: usize| count == 1;
    let kinds = [SAML1, ASSERTION];
    let kind = kinds.into_iter().find(|kind| document.count(kind, "Assertion") == 1).ok_or_else(misplaced)?;
    if !is_one(everywhere("RequestSecurityTokenResponse"))
        || !is_one(everywhere("RequestedSecurityToken"))
        || !is_one(kinds.map(|kind| document.count(kind, "Assertion")).iter().sum())
        || document.count(XENC, "EncryptedData") > 0
    {
        return Err(misplaced());
    }
    let response = (namespace, "RequestSecurityTokenResponse");
    let inner = [(namespace, "RequestedSecurityToken"), (kind, "Assertion")];
    let found = if document.is(response.0, response.1) {
        document.into_descendant(&inner)
    } else {
        document.into_descendant(&[&[response], inner.as_slice()].concat())
    };
    found.map(|assertion| (kind, assertion)).ok_or_else(misplaced)
}

fn misplaced() -> Refusal {
    wrong(
        "wsfed.token.misplaced",
        "wresult",
        "one Assertion that can be read, in the RequestedSecurityToken of one RequestSecurityTokenResponse",
    )
}
