//! What a relying party is told when a request can't be answered with an assertion.
use postern_refusal::Refusal;

use crate::{JudgedAuthnRequest, NameIdFormat, NameIdSettings, Status};

/// Why a sign-on failed, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOnFailure {
    /// The request was passive and nobody is signed in.
    LoginRequired,
    /// The request was passive and a page would have been needed.
    InteractionRequired,
    /// The request was passive and the person has not agreed yet.
    ConsentRequired,
    /// No way of signing in satisfies the requested contexts.
    ContextUnavailable,
    /// The person, or a policy, turned it down.
    Denied,
}

impl SignOnFailure {
    /// The status of the Response and the refusal for the log (SAML core section 3.2.2.2).
    pub fn answer(self) -> (Status, Refusal) {
        let (status, code) = match self {
            Self::LoginRequired => (Status::NoPassive, "saml.sign-on.login-required"),
            Self::InteractionRequired => (Status::NoPassive, "saml.sign-on.interaction-required"),
            Self::ConsentRequired => (Status::NoPassive, "saml.sign-on.consent-required"),
            Self::ContextUnavailable => (Status::NoAuthnContext, "saml.sign-on.context-unavailable"),
            Self::Denied => (Status::RequestDenied, "saml.sign-on.denied"),
        };
        (status, Refusal::incompatible(code))
    }
}

/// What an AuthnRequest demands, in terms that can be had here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demanded {
    /// The NameID's format.
    pub name_id_format: NameIdFormat,
    /// Acceptable contexts, best first. Empty: any.
    pub contexts: Vec<String>,
}

impl JudgedAuthnRequest {
    /// Chooses the NameID's format and the contexts.
    ///
    /// # Errors
    /// `saml.name-id-policy.unsupported`, `saml.authn-context.unknown`, each with the status of
    /// the Response that says so.
    pub fn demanded(&self, settings: &NameIdSettings) -> Result<Demanded, (Status, Refusal)> {
        let policy = self.name_id_policy.as_ref();
        let name_id_format = settings.choose(policy, &self.entity_id).ok_or_else(|| {
            let found = policy.and_then(|policy| policy.format.as_deref()).unwrap_or_default();
            let refusal = Refusal::incompatible("saml.name-id-policy.unsupported")
                .at("NameIDPolicy")
                .expected("a format that is registered, for this relying party")
                .found(found);
            (Status::InvalidNameIdPolicy, refusal)
        })?;
        let contexts = match &self.context {
            None => Vec::new(),
            Some(context) => context.acceptable().ok_or_else(|| {
                let refusal = Refusal::incompatible("saml.authn-context.unknown")
                    .at("RequestedAuthnContext")
                    .expected("classes that can be compared");
                (Status::NoAuthnContext, refusal)
            })?,
        };
        Ok(Demanded { name_id_format, contexts })
    }
}

/// The answer when the person has no claim to make a NameID of that format of.
pub fn name_id_unavailable(format: NameIdFormat) -> (Status, Refusal) {
    let refusal = Refusal::configuration("saml.name-id.unavailable")
        .at("NameID")
        .expected("a claim of the person to make it of")
        .found(format.uri());
    (Status::InvalidNameIdPolicy, refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AssertionConsumerService, Comparison, NameIdPolicy, RequestedAuthnContext};

    fn request(format: Option<&str>, qualifier: Option<&str>, classes: &[&str]) -> JudgedAuthnRequest {
        JudgedAuthnRequest {
            id: "_0123456789".to_owned(),
            entity_id: "https://sp.example".to_owned(),
            acs: AssertionConsumerService {
                url: "https://sp.example/acs".to_owned(),
                index: 0,
                is_default: true,
            },
            relay_state: None,
            force: false,
            passive: false,
            name_id_policy: Some(NameIdPolicy {
                format: format.map(str::to_owned),
                sp_name_qualifier: qualifier.map(str::to_owned),
            }),
            context: (!classes.is_empty()).then(|| RequestedAuthnContext {
                comparison: Comparison::Minimum,
                classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            }),
            signed: false,
            until: 0,
        }
    }

    fn answer(request: &JudgedAuthnRequest, settings: &NameIdSettings) -> (Status, &'static str) {
        let (status, refusal) = request.demanded(settings).unwrap_err();
        (status, refusal.code)
    }

    #[test]
    fn what_cannot_be_had_is_said_by_status() {
        let settings = NameIdSettings { allowed: vec![NameIdFormat::Transient], ..NameIdSettings::default() };
        let transient = NameIdFormat::Transient.uri();
        let granted = request(Some(transient), Some("https://sp.example"), &[]).demanded(&settings);
        assert_eq!(granted, Ok(Demanded { name_id_format: NameIdFormat::Transient, contexts: Vec::new() }));
        let unsupported = (Status::InvalidNameIdPolicy, "saml.name-id-policy.unsupported");
        for (format, qualifier) in [
            (NameIdFormat::EmailAddress.uri(), None),
            ("urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName", None),
            ("", None),
            (transient, Some("https://other.example")),
            (transient, Some("")),
        ] {
            assert_eq!(answer(&request(Some(format), qualifier, &[]), &settings), unsupported, "{format}");
        }
        assert_eq!(
            answer(&request(None, None, &["urn:unheard-of"]), &settings),
            (Status::NoAuthnContext, "saml.authn-context.unknown")
        );
        let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
        let demanded = request(None, None, &[password]).demanded(&settings).unwrap();
        assert!(demanded.contexts.contains(&password.to_owned()));
        let (status, refusal) = name_id_unavailable(NameIdFormat::EmailAddress);
        assert_eq!((status, refusal.code), (Status::InvalidNameIdPolicy, "saml.name-id.unavailable"));
    }

    #[test]
    fn failures_of_a_sign_on_have_their_status() {
        for (failure, status, code) in [
            (SignOnFailure::LoginRequired, Status::NoPassive, "saml.sign-on.login-required"),
            (SignOnFailure::InteractionRequired, Status::NoPassive, "saml.sign-on.interaction-required"),
            (SignOnFailure::ConsentRequired, Status::NoPassive, "saml.sign-on.consent-required"),
            (SignOnFailure::ContextUnavailable, Status::NoAuthnContext, "saml.sign-on.context-unavailable"),
            (SignOnFailure::Denied, Status::RequestDenied, "saml.sign-on.denied"),
        ] {
            let (answered, refusal) = failure.answer();
            assert_eq!((answered, refusal.code), (status, code));
        }
    }
}
