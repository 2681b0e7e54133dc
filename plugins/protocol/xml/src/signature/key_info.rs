//! KeyInfo beside a good signature. Nothing of it is believed here, and no signature covers it: whoever
//! carries a message can put in another. A reader in the LAN may fetch what it refers to, or run the
//! transforms that it brings (CVE-2021-40690), so that it may name a key and no more.
use postern_refusal::Refusal;

use super::DSIG;
use crate::Element;

const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";

/// What may stand in an element of that name, as namespace and local name. Nothing else has children.
fn children_of(local: &str) -> &'static [(&'static str, &'static str)] {
    match local {
        "KeyInfo" => &[(DSIG, "KeyName"), (DSIG, "KeyValue"), (DSIG, "X509Data")],
        "X509Data" => &[
            (DSIG, "X509Certificate"),
            (DSIG, "X509IssuerSerial"),
            (DSIG, "X509SKI"),
            (DSIG, "X509SubjectName"),
        ],
        "X509IssuerSerial" => &[(DSIG, "X509IssuerName"), (DSIG, "X509SerialNumber")],
        "KeyValue" => &[(DSIG, "RSAKeyValue"), (DSIG11, "ECKeyValue")],
        "RSAKeyValue" => &[(DSIG, "Exponent"), (DSIG, "Modulus")],
        "ECKeyValue" => &[(DSIG11, "NamedCurve"), (DSIG11, "PublicKey")],
        _ => &[],
    }
}

/// Looks at the KeyInfo of a signature, if there is one.
///
/// # Errors
/// `xml.signature.key-info`.
pub(super) fn check_key_info(signature: &Element) -> Result<(), Refusal> {
    signature.elements_named(DSIG, "KeyInfo").try_for_each(check)
}

fn check(element: &Element) -> Result<(), Refusal> {
    let wrong = |found: &str| {
        Err(Refusal::misbehaved("xml.signature.key-info")
            .at(&element.name.local)
            .expected("a certificate, a key or the name of one, in place")
            .found(found))
    };
    for attribute in &element.attributes {
        let is_curve = element.name.local == "NamedCurve" && attribute.value.starts_with("urn:oid:");
        let known = attribute.name.is("", "Id") || (attribute.name.is("", "URI") && is_curve);
        if !known {
            return wrong(&attribute.name.local);
        }
    }
    for child in element.elements() {
        let known = children_of(&element.name.local);
        if !known.iter().any(|(namespace, local)| child.name.is(namespace, local)) {
            return wrong(&child.name.local);
        }
        check(child)?;
    }
    Ok(())
}
