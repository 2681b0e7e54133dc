use postern_form::Form;
use postern_refusal::Refusal;

use crate::binding::{check_beside, message_parameter, relay_state};
use crate::judge::{Lookup, registered, unknown_issuer};
use crate::{AssertionConsumerService, Policy};

/// Sign-on that begins at the identity provider, judged (SAML profiles section 4.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedIdpInitiated {
    /// The relying party.
    pub entity_id: String,
    /// Where the Response goes: the default.
    pub acs: AssertionConsumerService,
    /// A registered target.
    pub relay_state: Option<String>,
}

/// Judges `?spEntityID=…&RelayState=…`. RelayState is one of the registered targets, never a URL
/// of the sender's choice: that would be an open redirect.
pub(crate) fn judge_idp_initiated(
    form: &Form<'_>,
    lookup: Lookup<'_>,
    policy: &Policy,
) -> Result<JudgedIdpInitiated, Refusal> {
    message_parameter(form, false)?;
    let qualifier = check_beside(form, &["spEntityID", "RelayState"], policy)?;
    let entity_id = form.single("spEntityID")?.map(|parameter| parameter.value.as_str()).unwrap_or_default();
    let entity_id = &*registered(entity_id, qualifier.as_deref(), policy);
    let relay_state = relay_state(form, &policy.limits)?;
    let party = lookup(entity_id)?.ok_or_else(|| unknown_issuer("spEntityID", entity_id))?;
    if !party.idp_initiated.allowed {
        return Err(Refusal::misbehaved("saml.idp-initiated.not-allowed")
            .at("spEntityID")
            .expected("a relying party that allows it")
            .found(entity_id));
    }
    if let Some(target) = &relay_state
        && !party.idp_initiated.targets.contains(target)
    {
        return Err(Refusal::misbehaved("saml.relay-state.not-registered")
            .at("RelayState")
            .expected("a registered target")
            .found(target));
    }
    let acs = party.default_service().ok_or_else(|| {
        Refusal::configuration("saml.registration.acs.none").with_status(400).found(entity_id)
    })?;
    Ok(JudgedIdpInitiated { entity_id: entity_id.to_owned(), acs: acs.clone(), relay_state })
}
