//! `/oauth2/jwks`: the public keys, those before a rotation included.

use crate::bindings::kernel;
use crate::bindings::types::Response;
use crate::{keys, reply};
use postern_jose::{PublishedKey, write_key_set};

pub(crate) fn handle() -> Response {
    let published = kernel::published_keys();
    let keys: Vec<PublishedKey<'_>> = published
        .iter()
        .map(|key| PublishedKey {
            key_id: &key.key_id,
            algorithm: keys::algorithm(key.algorithm),
            spki: &key.spki,
        })
        .collect();
    match write_key_set(&keys) {
        Ok(body) => reply::public_json(body),
        Err(refusal) => reply::refused(&refusal),
    }
}
