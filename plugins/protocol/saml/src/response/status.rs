/// How a request ended (SAML core section 3.2.2.2): the top-level code and the one below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It succeeded.
    Success,
    /// The request was passive, and a page would have been needed.
    NoPassive,
    /// The person could not be signed in.
    AuthnFailed,
    /// None of the requested contexts can be reached.
    NoAuthnContext,
    /// The person, or a policy, turned it down.
    RequestDenied,
    /// No NameID of that kind can be had.
    InvalidNameIdPolicy,
}

impl Status {
    /// The two status codes.
    pub(crate) fn codes(self) -> (&'static str, Option<&'static str>) {
        const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
        const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
        match self {
            Self::Success => ("urn:oasis:names:tc:SAML:2.0:status:Success", None),
            Self::NoPassive => (RESPONDER, Some("urn:oasis:names:tc:SAML:2.0:status:NoPassive")),
            Self::AuthnFailed => (RESPONDER, Some("urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")),
            Self::NoAuthnContext => (RESPONDER, Some("urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext")),
            Self::RequestDenied => (RESPONDER, Some("urn:oasis:names:tc:SAML:2.0:status:RequestDenied")),
            Self::InvalidNameIdPolicy => {
                (REQUESTER, Some("urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"))
            }
        }
    }
}
