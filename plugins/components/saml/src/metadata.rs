//! `/identity/metadata/saml2`: our metadata, signed.
use postern_refusal::Refusal;
use postern_saml::{IdpMetadata, ResponseAlgorithm};

use crate::bindings::postern::idp::kernel;
use crate::bindings::postern::idp::types::{Algorithm, Document, Header, Response};
use crate::describe::SAMLSSO;
use crate::face::{Place, new_id, with_signing};

/// Writes the document anew: it names the keys that are published now.
pub(crate) fn handle() -> Result<Response, Refusal> {
    let place = Place::read()?;
    let mut keys = kernel::published_keys();
    // RSA first: relying parties that take one certificate take the first.
    keys.sort_by_key(|key| key.algorithm != Algorithm::Rs256);
    let certificates: Vec<Vec<u8>> = keys.into_iter().map(|key| key.certificate).collect();
    let metadata = IdpMetadata {
        id: &new_id()?,
        entity_id: &place.entity_id,
        sign_on_url: &format!("{}{SAMLSSO}", place.base_url),
        certificates: &certificates,
    };
    let text = with_signing(ResponseAlgorithm::Rs256, |signing| metadata.write(signing))?;
    Ok(Response::Document(Document {
        status: 200,
        content_type: "application/samlmetadata+xml".into(),
        headers: vec![Header { name: "cache-control".into(), value: "public, max-age=300".into() }],
        body: text.into_bytes(),
        refusal: None,
    }))
}
