//! Authorization requests: the token validator's member for them.

use postern_oauth::AuthorizationClient;
use postern_oidc::AuthorizationGuard;
use serde_json::{Map, Value};

use super::Problems;
use super::token_sections::AuthorizationSection;
use crate::preset::Preset;

pub(super) fn put_into(
    members: &mut Map<String, Value>,
    section: &AuthorizationSection,
    preset: &Preset,
    problems: &mut Problems<'_>,
) {
    let paths = if section.paths.is_empty() { &preset.authorization_paths } else { &section.paths };
    if paths.is_empty() {
        problems.add("authorization.paths", "is missing: the identity provider's authorization endpoint");
        return;
    }
    let clients = section.clients.iter().map(|client| AuthorizationClient {
        client_id: client.client_id.clone(),
        redirect_uris: client.redirect_uris.clone(),
        scope: client.scope.clone(),
        require_pkce: client.require_pkce,
        require_state: client.require_state,
        require_nonce: client.require_nonce,
    });
    // The product's own flow comes back to the product's own paths.
    let own = preset.authorization_continuations.iter().filter(|own| paths.contains(&own.path));
    let guard = AuthorizationGuard::new(paths.clone(), clients.collect());
    match guard.and_then(|guard| guard.with_continuations(own.cloned().collect())) {
        Ok(guard) => guard.put_into(members),
        Err(refusal) => problems.add("authorization.clients", refusal.to_string()),
    }
}
