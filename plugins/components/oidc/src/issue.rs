//! Tokens of a grant.

use crate::bindings::kernel;
use crate::client::{Client, audit};
use crate::keys::Signer;
use postern_jose::json::{Object, Value};
use postern_jose::{Scopes, SigningInput, base64url_encode};
use postern_oauth::{
    AccessTokenContent, GrantType, ONE_TIME_VALUE_BYTES, OneTimeKind, OneTimeValue, access_token_audience,
};
use postern_oidc::{GrantData, IdToken, RefreshData, SubjectClaim, released_claims};
use postern_refusal::Refusal;

/// `typ` of access tokens (RFC 9068 section 2.1).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The grant that tokens are issued under.
pub(crate) struct Issuance<'a> {
    pub(crate) client: &'a Client,
    pub(crate) grant: &'a kernel::Grant,
    pub(crate) data: &'a GrantData,
    /// All of the grant's scopes or, after a refresh, a part of them.
    pub(crate) scopes: &'a Scopes,
    pub(crate) nonce: Option<&'a str>,
    /// For the audit log.
    pub(crate) how: &'static str,
}

impl Issuance<'_> {
    /// The body of the token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
    pub(crate) fn response(&self) -> Result<String, Refusal> {
        let (issuer, now, signer) = (kernel::base_url(), kernel::now(), Signer::new());
        let registration = &self.client.registration;
        let subject = self.client.subject(&self.grant.subject);
        let lifetime = registration.access_token_lifetime.min(self.data.until.saturating_sub(now));
        let access_token = access_token(
            &signer,
            self.client,
            &AccessTokenContent {
                issuer: &issuer,
                subject: &subject,
                audience: access_token_audience(&registration.audience, &issuer, self.scopes),
                client_id: self.client.client_id(),
                scopes: self.scopes,
                token_id: &token_id(),
                issued_at: now,
                lifetime,
                grant: Some(&self.grant.id),
                authentication: Some((self.data.authenticated_at, &self.data.context)),
            },
        )?;
        let mut response = token_response(lifetime, self.scopes);
        if self.scopes.contains("openid") {
            let algorithm = registration.id_token_signed_response_alg.into();
            let id_token = IdToken {
                issuer: &issuer,
                subject: &subject,
                client_id: self.client.client_id(),
                issued_at: now,
                lifetime,
                authenticated_at: self.data.authenticated_at,
                context: &self.data.context,
                methods: &self.data.methods,
                session_index: &self.data.session_index,
                nonce: self.nonce,
                access_token: &access_token,
                released: self.claims_for_id_token(),
            };
            let input = id_token.signing_input(algorithm, signer.key_id(algorithm)?);
            response.insert("id_token".to_owned(), signer.sign(input)?.into());
        }
        response.insert("access_token".to_owned(), access_token.into());
        if registration.grant_types.contains(&GrantType::RefreshToken) {
            response.insert("refresh_token".to_owned(), self.refresh_token()?.into());
        }
        let scope = self.scopes.to_string();
        let fields = [("grant_type", self.how), ("grant", self.grant.id.as_str()), ("scope", scope.as_str())];
        audit("token.issued", self.client, Some(&self.grant.subject), &fields);
        Ok(Value::Object(response).to_string())
    }

    fn claims_for_id_token(&self) -> Object {
        if !self.client.registration.claims_in_id_token {
            return Object::new();
        }
        let claims = subject_claims(&self.grant.subject).unwrap_or_default();
        released_claims(&self.client.registration, self.scopes, &claims)
    }

    /// Part of the grant's family: taken once, it gives the next one.
    fn refresh_token(&self) -> Result<String, Refusal> {
        let token = one_time_value(OneTimeKind::RefreshToken)?;
        let kept = RefreshData { grant: self.grant.id.clone() }.to_bytes().ok_or_else(unwritable)?;
        kernel::put(&token.storage_key(), &kept, Some(&self.grant.id), self.data.until);
        Ok(token.expose().to_owned())
    }
}

/// The body for a client without a person.
pub(crate) fn client_credentials_response(client: &Client, scopes: &Scopes) -> Result<String, Refusal> {
    let (issuer, now) = (kernel::base_url(), kernel::now());
    let registration = &client.registration;
    let lifetime = registration.access_token_lifetime;
    let content = AccessTokenContent {
        issuer: &issuer,
        subject: client.client_id(),
        audience: access_token_audience(&registration.audience, &issuer, scopes),
        client_id: client.client_id(),
        scopes,
        token_id: &token_id(),
        issued_at: now,
        lifetime,
        grant: None,
        authentication: None,
    };
    let mut response = token_response(lifetime, scopes);
    response.insert("access_token".to_owned(), access_token(&Signer::new(), client, &content)?.into());
    let scope = scopes.to_string();
    let fields = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
    audit("token.issued", client, None, &fields);
    Ok(Value::Object(response).to_string())
}

/// The claims of a person, in the rule's form. None: unknown or disabled by now.
pub(crate) fn subject_claims(subject: &str) -> Option<Vec<SubjectClaim>> {
    let claims = kernel::claims(subject)?;
    Some(claims.into_iter().map(|claim| SubjectClaim { name: claim.name, values: claim.values }).collect())
}

pub(crate) fn one_time_value(kind: OneTimeKind) -> Result<OneTimeValue, Refusal> {
    let random = kernel::random(u32::try_from(ONE_TIME_VALUE_BYTES).unwrap_or(32));
    OneTimeValue::new(kind, &random).ok_or_else(|| Refusal::internal("oidc.random.short"))
}

pub(crate) fn unwritable() -> Refusal {
    Refusal::internal("oidc.state.unwritable")
}

fn access_token(
    signer: &Signer,
    client: &Client,
    content: &AccessTokenContent<'_>,
) -> Result<String, Refusal> {
    let algorithm = client.registration.access_token_signed_response_alg.into();
    let key_id = signer.key_id(algorithm)?;
    signer.sign(SigningInput::new(algorithm, key_id, ACCESS_TOKEN_TYPE, content.claims()))
}

fn token_response(lifetime: u64, scopes: &Scopes) -> Object {
    let mut response = Object::new();
    response.insert("token_type".to_owned(), "Bearer".into());
    response.insert("expires_in".to_owned(), lifetime.into());
    if !scopes.tokens().is_empty() {
        response.insert("scope".to_owned(), scopes.to_string().into());
    }
    response
}

fn token_id() -> String {
    base64url_encode(&kernel::random(16))
}
