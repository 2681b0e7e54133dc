//! A refresh token for tokens, among them the next refresh token (RFC 6749 section 6, RFC 9700
//! section 4.14.2).

use super::token_for_code::{find_grant, read_scopes, revoke};
use crate::bindings::kernel::{self, Renewal, Taken};
use crate::client::{Client, refused};
use crate::issue::Issuance;
use crate::reply::Failed;
use postern_jose::Scopes;
use postern_oauth::{OneTimeValue, TokenError, TokenErrorCode};
use postern_oidc::RefreshData;
use postern_refusal::Refusal;

pub(super) fn refresh(
    client: &Client,
    refresh_token: &OneTimeValue,
    wanted: Option<Scopes>,
) -> Result<String, Failed> {
    let grant_error = |refusal| refused(client, TokenError::grant(refusal));
    // Before the token is spent: a scope that can never be granted costs the client nothing.
    if let Some(wanted) = &wanted {
        client.registration.check_scopes(wanted).map_err(|refusal| scope_error(client, refusal))?;
    }
    let kept = match kernel::take(&refresh_token.storage_key()) {
        Taken::Fresh(kept) => kept,
        Taken::Spent(grant) => {
            // Somebody has a copy: nobody knows who is the client, so the whole family ends.
            if let Some(grant) = grant {
                revoke(client, &grant, "refresh token used twice");
            }
            let refusal = Refusal::misbehaved("oauth.refresh-token.replayed").at("refresh_token");
            return Err(grant_error(refusal));
        }
        Taken::Absent => {
            let refusal = Refusal::misbehaved("oauth.refresh-token.unknown").at("refresh_token");
            return Err(grant_error(refusal));
        }
    };
    let kept = RefreshData::from_bytes(&kept).ok_or_else(|| Refusal::internal("oidc.state.unreadable"))?;
    let (grant, data) = find_grant(client, &kept.grant).map_err(grant_error)?;
    // The token is spent by now, and says nothing before that of whose it is: whoever is refused signs in anew.
    let renewal = match kernel::renew(&grant.id) {
        Renewal::Granted => None,
        Renewal::Denied => Some("oauth.grant.policy-denied"),
        Renewal::StepsDue => Some("oauth.grant.policy-steps-due"),
        Renewal::Unavailable => Some("oauth.grant.policy-failed"),
    };
    if let Some(code) = renewal {
        return Err(grant_error(Refusal::misbehaved(code).at("grant")));
    }
    let granted = read_scopes(&data)?;
    let scopes = match wanted {
        None => granted,
        Some(wanted) => match wanted.first_beyond(&granted) {
            None => wanted,
            Some(beyond) => {
                let refusal = Refusal::misbehaved("oauth.scope.beyond-grant")
                    .at("scope")
                    .expected(&data.scope)
                    .found(beyond);
                revoke(client, &grant.id, "refresh beyond the grant");
                return Err(scope_error(client, refusal));
            }
        },
    };
    // OpenID Connect Core section 12.2: no nonce.
    let issuance =
        Issuance { client, grant: &grant, data: &data, scopes: &scopes, nonce: None, how: "refresh_token" };
    Ok(issuance.response()?)
}

fn scope_error(client: &Client, refusal: Refusal) -> Failed {
    refused(client, TokenError::other(TokenErrorCode::InvalidScope, refusal))
}
