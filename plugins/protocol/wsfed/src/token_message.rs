//! WS-Trust messages in `wreq` and `wresult`: which they are, and that they are well-formed. No DTD,
//! no comment, bounded: as every document of a peer.
use postern_refusal::Refusal;
use postern_xml::{Document, Limits};

use crate::Policy;

/// WS-Trust 1.3 and 1.4, and the submission of February 2005 that most relying parties speak.
pub const TRUST_NAMESPACES: [&str; 2] =
    ["http://docs.oasis-open.org/ws-sx/ws-trust/200512", "http://schemas.xmlsoap.org/ws/2005/02/trust"];

pub(crate) fn check_request(xml: &str, policy: &Policy) -> Result<(), Refusal> {
    check(xml, policy, "wsfed.request.malformed", "wreq", &["RequestSecurityToken"])
}

pub(crate) fn check_result(xml: &str, policy: &Policy) -> Result<(), Refusal> {
    let roots = ["RequestSecurityTokenResponse", "RequestSecurityTokenResponseCollection"];
    check(xml, policy, "wsfed.result.malformed", "wresult", &roots)
}

fn check(xml: &str, policy: &Policy, code: &'static str, at: &str, roots: &[&str]) -> Result<(), Refusal> {
    let limits = Limits { max_bytes: policy.limits.max_message, ..Limits::default() };
    let document = Document::read(xml.as_bytes(), &limits)?;
    let is_known = |root: &&str| TRUST_NAMESPACES.iter().any(|namespace| document.is(namespace, root));
    if roots.iter().any(is_known) {
        return Ok(());
    }
    Err(Refusal::misbehaved(code).at(at).expected(&roots.join(" or ")).found(&document.root_name()))
}
