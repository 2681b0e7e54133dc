//! Enveloped signatures: SAML core section 5.4 over XML-DSig, and nothing more.

mod canonical;
mod key_info;
mod methods;
mod parts;
mod sign;
mod structure;
mod verify;

pub use methods::{method_for, method_uri};
pub use parts::SignedParts;
pub(crate) use parts::verify_parts;
pub use sign::{SignedXml, Unsigned};
pub use structure::without_whitespace;
pub(crate) use verify::verify;
pub use verify::{Place, Trust, Verified};

/// Namespace of XML-DSig.
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Exclusive C14N without comments, and its InclusiveNamespaces.
pub(crate) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The enveloped-signature transform.
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The id attribute of SAML 2.0.
pub(crate) const ID: &str = "ID";

/// The value of an element's id attribute, which is in no namespace: `x:ID` is another attribute.
fn plain_id<'t>(tree: &'t uppsala::Document<'_>, element: uppsala::NodeId, local: &str) -> Option<&'t str> {
    let attributes = &tree.element(element)?.attributes;
    let is_id = |name: &uppsala::QName<'_>| {
        name.local_name == local && name.namespace_uri.as_deref().unwrap_or_default().is_empty()
    };
    attributes.iter().find(|attribute| is_id(&attribute.name)).map(|attribute| attribute.value.as_ref())
}
