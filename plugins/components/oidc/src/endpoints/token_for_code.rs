//! A code for tokens (RFC 6749 section 4.1.3).

use crate::bindings::kernel::{self, Taken};
use crate::client::{Client, audit, refused};
use crate::issue::Issuance;
use crate::reply::Failed;
use postern_jose::Scopes;
use postern_oauth::{OneTimeValue, Secret, TokenError, check_code_verifier};
use postern_oidc::{CodeData, GrantData};
use postern_refusal::Refusal;

pub(super) fn exchange(
    client: &Client,
    code: &OneTimeValue,
    redirect_uri: &str,
    code_verifier: Option<&Secret>,
) -> Result<String, Failed> {
    let grant_error = |refusal| refused(client, TokenError::grant(refusal));
    let kept = match kernel::take(&code.storage_key()) {
        Taken::Fresh(kept) => kept,
        Taken::Spent(grant) => {
            // RFC 6749 section 4.1.2: what the first use gave is revoked.
            if let Some(grant) = grant {
                revoke(client, &grant, "code used twice");
            }
            return Err(grant_error(Refusal::misbehaved("oauth.code.replayed").at("code")));
        }
        Taken::Absent => return Err(grant_error(Refusal::misbehaved("oauth.code.unknown").at("code"))),
    };
    let kept = CodeData::from_bytes(&kept).ok_or_else(|| Refusal::internal("oidc.state.unreadable"))?;
    let (grant, data) = find_grant(client, &kept.grant).map_err(grant_error)?;
    let check = || {
        if kept.redirect_uri != redirect_uri {
            return Err(Refusal::misbehaved("oauth.code.redirect-uri")
                .at("redirect_uri")
                .expected("that of the authorization request")
                .found(redirect_uri));
        }
        check_code_verifier(kept.code_challenge.as_ref(), code_verifier.map(Secret::expose))
    };
    if let Err(refusal) = check() {
        // The code is gone, and whoever brought it is not who asked for it.
        revoke(client, &grant.id, "code refused");
        return Err(grant_error(refusal));
    }
    let scopes = read_scopes(&data)?;
    let nonce = kept.nonce.as_deref();
    let issuance =
        Issuance { client, grant: &grant, data: &data, scopes: &scopes, nonce, how: "authorization_code" };
    Ok(issuance.response()?)
}

/// The grant, when it is alive, this client's, and of a person who may still sign in.
pub(super) fn find_grant(client: &Client, id: &str) -> Result<(kernel::Grant, GrantData), Refusal> {
    let ended =
        || Refusal::misbehaved("oauth.grant.ended").at("grant").expected("a grant that has not ended");
    let grant = kernel::find_grant(id).ok_or_else(ended)?;
    if grant.relying_party != client.id {
        revoke(client, id, "presented by another client");
        return Err(Refusal::misbehaved("oauth.grant.other-client").at("client_id"));
    }
    let data = GrantData::from_text(&grant.data).ok_or_else(|| Refusal::internal("oidc.state.unreadable"))?;
    if data.until <= kernel::now() {
        return Err(ended());
    }
    if kernel::claims(&grant.subject).is_none() {
        revoke(client, id, "person unknown or disabled");
        return Err(Refusal::misbehaved("oauth.grant.person-gone").at("grant"));
    }
    Ok((grant, data))
}

pub(super) fn read_scopes(data: &GrantData) -> Result<Scopes, Refusal> {
    if data.scope.is_empty() {
        return Ok(Scopes::default());
    }
    Scopes::read(&data.scope).map_err(|_| Refusal::internal("oidc.state.unreadable"))
}

pub(super) fn revoke(client: &Client, grant: &str, reason: &str) {
    kernel::revoke_grant(grant);
    audit("grant.revoked", client, None, &[("grant", grant), ("reason", reason)]);
}
