//! From what is asserted to a claim set.

use postern_saml::{AssertedPerson, NameIdFormat};

use crate::bindings::exports::postern::idp::authenticator::{Claim, ClaimSet, Identity, Who};
use crate::settings::Settings;
use crate::{MFA, SEVERAL_FACTORS, UNSPECIFIED};

/// # Errors
/// Why nobody is named for ever, for the log.
pub(crate) fn identity(person: &AssertedPerson, settings: &Settings) -> Result<Identity, String> {
    let written = &settings.written;
    let taken = |(claim, attribute): (&String, &String)| {
        let values = person.attributes.get(attribute)?.clone();
        Some(Claim { name: claim.clone(), values })
    };
    let class = person.context_class.as_deref().unwrap_or_default();
    let context = written.contexts.get(class).map_or(UNSPECIFIED, String::as_str);
    let several = (context == MFA).then(|| SEVERAL_FACTORS.to_owned());
    Ok(Identity {
        who: Who::Claims(ClaimSet {
            issuer: settings.provider.provider.entity_id.clone(),
            subject: subject(person, settings)?,
            claims: written.claims.iter().filter_map(taken).collect(),
        }),
        methods: several.into_iter().collect(),
        context: context.to_owned(),
        remember: None,
    })
}

fn subject(person: &AssertedPerson, settings: &Settings) -> Result<String, String> {
    let written = &settings.written;
    if let Some(attribute) = &written.subject {
        return match person.attributes.get(attribute).map(Vec::as_slice) {
            Some([only]) => Ok(only.clone()),
            _ => Err(format!("saml-provider.subject.attribute: not one value of {attribute:?}")),
        };
    }
    let Some(name) = &person.name_id else {
        return Err("saml-provider.subject.absent: no NameID".into());
    };
    // In another format the same letters may be somebody else.
    if name.format != Some(written.name_id_format) {
        return Err("saml-provider.subject.format: a NameID of another format than was asked for".into());
    }
    if name.format == Some(NameIdFormat::Transient) {
        return Err(
            "saml-provider.subject.transient: set `subject`: a transient NameID is another one each time"
                .into(),
        );
    }
    Ok(name.value.clone())
}
