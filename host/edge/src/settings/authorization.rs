//! Authorization requests: the token validator's member for them.

use postern_oauth::AuthorizationClient;
use postern_oidc::AuthorizationGuard;
use serde_json::{Map, Value};

use super::Problems;
use super::file::EdgeFile;
use super::token_sections::AuthorizationSection;
use crate::policy::Behind;
use crate::preset::Preset;

pub(super) fn put_into(
    members: &mut Map<String, Value>,
    file: &EdgeFile,
    section: &AuthorizationSection,
    preset: &Preset,
    problems: &mut Problems<'_>,
) {
    if matches!(file.behind, Behind::Wso2is | Behind::Shibboleth) {
        problems.add(
            "authorization",
            format!(
                "{} comes back to its authorization endpoint with parameters of its own sign-on flow, which \
                 would be refused",
                file.behind.product()
            ),
        );
        return;
    }
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
    match AuthorizationGuard::new(paths.clone(), clients.collect()) {
        Ok(guard) => guard.put_into(members),
        Err(refusal) => problems.add("authorization.clients", refusal.to_string()),
    }
}
