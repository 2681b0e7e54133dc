//! Registered clients, and their authentication at the endpoints for machines.

use crate::bindings::kernel;
use crate::bindings::types::{RelyingParty, Request};
use crate::keys::KernelVerifier;
use crate::reply::Failed;
use postern_form::Form;
use postern_oauth::{
    AuthenticationStep, ClientCredentials, Registration, SubjectType, TokenError, wrong_secret,
};
use postern_oidc::ENDPOINTS;
use postern_refusal::Refusal;

/// A client as it is registered.
pub(crate) struct Client {
    /// The kernel's identifier.
    pub(crate) id: String,
    pub(crate) registration: Registration,
}

impl Client {
    /// By `client_id`.
    pub(crate) fn find(client_id: &str) -> Result<Option<Self>, Refusal> {
        kernel::find_relying_party(client_id).map(Self::read).transpose()
    }

    /// By the kernel's identifier.
    pub(crate) fn by_id(id: &str) -> Result<Option<Self>, Refusal> {
        kernel::relying_party_by_id(id).map(Self::read).transpose()
    }

    fn read(relying_party: RelyingParty) -> Result<Self, Refusal> {
        let registration = Registration::read(relying_party.settings.as_bytes())
            .map_err(|refusal| refusal.with_status(500))?;
        if registration.client_id != relying_party.identifier {
            return Err(Refusal::configuration("oidc.registration.identifier")
                .at("client_id")
                .expected(&relying_party.identifier)
                .found(&registration.client_id));
        }
        Ok(Self { id: relying_party.id, registration })
    }

    /// The person as this client knows them.
    pub(crate) fn subject(&self, subject: &str) -> String {
        match self.registration.subject_type {
            SubjectType::Public => subject.to_owned(),
            SubjectType::Pairwise => kernel::pairwise_identifier(self.registration.sector(), subject),
        }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.registration.client_id
    }
}

/// Who calls an endpoint for machines.
pub(crate) fn authenticate(form: &Form<'_>, request: &Request) -> Result<Client, Failed> {
    let credentials = ClientCredentials::read(form, request.authorization.as_deref())?;
    let client = Client::find(credentials.client_id())?.ok_or_else(|| credentials.unknown_client())?;
    let issuer = kernel::base_url();
    let token_endpoint = format!("{issuer}{}", ENDPOINTS.token);
    let audiences = [issuer.as_str(), &token_endpoint];
    match credentials.judge(&client.registration, &audiences, kernel::now(), &KernelVerifier)? {
        AuthenticationStep::Public => {}
        AuthenticationStep::CheckSecret(secret) => {
            if !kernel::check_secret(&client.id, secret.expose()) {
                return Err(refused(&client, wrong_secret()));
            }
        }
        AuthenticationStep::RememberAssertion { replay_key, until } => {
            if !kernel::remember(&replay_key, until) {
                return Err(refused(&client, AuthenticationStep::replayed()));
            }
        }
    }
    Ok(client)
}

/// Notes a refusal of a known client in the audit log.
pub(crate) fn refused(client: &Client, error: TokenError) -> Failed {
    audit("token.refused", client, None, &[("reason", error.refusal.code)]);
    Failed::Token(error)
}

/// Longest value of an audit field, in bytes. The kernel refuses longer ones.
const MAX_AUDIT_VALUE: usize = 512;

/// Adds an event to the audit log. Values are ASCII; a long list of scopes is cut.
pub(crate) fn audit(event: &str, client: &Client, subject: Option<&str>, fields: &[(&str, &str)]) {
    let fields: Vec<kernel::AuditField> = fields
        .iter()
        .map(|(name, value)| kernel::AuditField {
            name: (*name).to_owned(),
            value: value.get(..MAX_AUDIT_VALUE).unwrap_or(value).to_owned(),
        })
        .collect();
    kernel::audit(event, &client.id, subject, &fields);
}
