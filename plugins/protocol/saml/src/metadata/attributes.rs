use postern_xml::Element;

use crate::names::METADATA;
use crate::{AttributeMapping, NameFormat};

/// Names that relying parties know claims by: object identifiers of the LDAP schemas (X.500/LDAP
/// attribute profile), their short names, and the claim types of WS-Federation.
const KNOWN: [(&str, &[&str]); 7] = [
    (
        "email",
        &[
            "urn:oid:0.9.2342.19200300.100.1.3",
            "mail",
            "email",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        ],
    ),
    (
        "given_name",
        &[
            "urn:oid:2.5.4.42",
            "givenName",
            "given_name",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        ],
    ),
    (
        "family_name",
        &[
            "urn:oid:2.5.4.4",
            "sn",
            "surname",
            "family_name",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
        ],
    ),
    (
        "name",
        &[
            "urn:oid:2.16.840.1.113730.3.1.241",
            "displayName",
            "urn:oid:2.5.4.3",
            "cn",
            "name",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        ],
    ),
    ("preferred_username", &["urn:oid:0.9.2342.19200300.100.1.1", "uid", "username", "preferred_username"]),
    ("groups", &["urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf", "memberOf", "groups"]),
    ("phone_number", &["urn:oid:2.5.4.20", "telephoneNumber", "phone_number"]),
];

/// The attributes that the role asks for, as far as they are known. Whatever it does not ask for
/// is not sent; the operator sees the mapping and may change it.
pub(super) fn requested_attributes(role: &Element) -> Vec<AttributeMapping> {
    role.elements_named(METADATA, "AttributeConsumingService")
        .flat_map(|service| service.elements_named(METADATA, "RequestedAttribute"))
        .filter_map(mapping)
        .collect()
}

fn mapping(requested: &Element) -> Option<AttributeMapping> {
    let name = requested.attribute("Name")?;
    let (claim, _) = KNOWN.iter().find(|(_, names)| names.contains(&name))?;
    let format = requested.attribute("NameFormat").unwrap_or_default();
    Some(AttributeMapping {
        claim: (*claim).to_owned(),
        name: name.to_owned(),
        name_format: [NameFormat::Uri, NameFormat::Basic]
            .into_iter()
            .find(|known| known.uri() == format)
            .unwrap_or_default(),
        friendly_name: requested.attribute("FriendlyName").map(str::to_owned),
    })
}
