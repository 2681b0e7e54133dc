//! Client authentication (RFC 6749 section 2.3): exactly one method, the registered one.

use crate::client_assertion::{self, CLIENT_ASSERTION_TYPE};
use crate::parameter::optional;
use crate::registration::{AuthenticationMethod, MAX_CLIENT_ID, Registration};
use crate::secret::Secret;
use crate::token_error::TokenError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_form::Form;
use postern_jose::{MAX_TOKEN, UnverifiedJws};
use postern_refusal::Refusal;
use postern_signature::Verifier;

/// Longest client secret, in bytes.
const MAX_SECRET: usize = 1_024;

/// What a client presents to prove who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    client_id: String,
    proof: Proof,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    None,
    Basic(Secret),
    Post(Secret),
    Assertion(Secret),
}

impl Proof {
    fn method(&self) -> AuthenticationMethod {
        match self {
            Self::None => AuthenticationMethod::None,
            Self::Basic(_) => AuthenticationMethod::ClientSecretBasic,
            Self::Post(_) => AuthenticationMethod::ClientSecretPost,
            Self::Assertion(_) => AuthenticationMethod::PrivateKeyJwt,
        }
    }
}

/// What is left to do before the client is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationStep {
    /// Nothing: a public client.
    Public,
    /// Compare with the client's secret, in constant time; [`wrong_secret`] when it is another.
    CheckSecret(Secret),
    /// Remember the value until the time; [`AuthenticationStep::replayed`] when it is known.
    RememberAssertion {
        /// What to remember.
        replay_key: String,
        /// Seconds since 1970-01-01T00:00:00Z.
        until: u64,
    },
}

impl AuthenticationStep {
    /// The refusal of an assertion that was used before.
    pub fn replayed() -> TokenError {
        TokenError::client(
            Refusal::misbehaved("oauth.assertion.replayed").at("jti").expected("an assertion used once"),
        )
    }
}

/// The refusal of a secret that is not the client's.
pub fn wrong_secret() -> TokenError {
    TokenError::client(
        Refusal::misbehaved("oauth.client.secret").at("client_secret").expected("the client's secret"),
    )
}

impl ClientCredentials {
    /// Reads what a request presents: `authorization` is its header, when there is one.
    ///
    /// # Errors
    /// `oauth.client.several-methods`, `oauth.client.missing`, `oauth.client.mismatch`,
    /// `oauth.client.basic`, `oauth.client.assertion-type`, `oauth.parameter.…`,
    /// `form.duplicate`.
    pub fn read(form: &Form<'_>, authorization: Option<&str>) -> Result<Self, TokenError> {
        let field = |name, max| optional(form, name, max).map_err(TokenError::request);
        let named = field("client_id", MAX_CLIENT_ID)?;
        let secret = field("client_secret", MAX_SECRET)?;
        let assertion = field("client_assertion", MAX_TOKEN)?;
        let assertion_type = field("client_assertion_type", 256)?;
        let (client_id, proof) = match (authorization, secret, assertion, assertion_type) {
            (Some(header), None, None, None) => {
                let (client_id, secret) = read_basic(header).map_err(TokenError::client)?;
                (Some(client_id), Proof::Basic(secret))
            }
            (None, Some(secret), None, None) => (None, Proof::Post(Secret::new(secret.to_owned()))),
            (None, None, Some(assertion), Some(CLIENT_ASSERTION_TYPE)) => {
                let claimed = UnverifiedJws::read(assertion).and_then(|jws| jws.claimed_issuer());
                let proof = Proof::Assertion(Secret::new(assertion.to_owned()));
                (Some(claimed.map_err(TokenError::client)?), proof)
            }
            (None, None, None, None) => (None, Proof::None),
            (None, None, _, _) => {
                return Err(TokenError::request(
                    Refusal::misbehaved("oauth.client.assertion-type")
                        .at("client_assertion_type")
                        .expected(CLIENT_ASSERTION_TYPE)
                        .found(assertion_type.unwrap_or_default()),
                ));
            }
            _ => {
                return Err(TokenError::request(
                    Refusal::misbehaved("oauth.client.several-methods")
                        .expected("one method of client authentication"),
                ));
            }
        };
        let client_id = match (client_id, named) {
            (Some(proven), Some(named)) if proven != named => {
                return Err(TokenError::client(
                    Refusal::misbehaved("oauth.client.mismatch")
                        .at("client_id")
                        .expected(&proven)
                        .found(named),
                ));
            }
            (Some(proven), _) => proven,
            (None, Some(named)) => named.to_owned(),
            (None, None) => {
                return Err(TokenError::client(
                    Refusal::misbehaved("oauth.client.missing").at("client_id").expected("a client"),
                ));
            }
        };
        Ok(Self { client_id, proof })
    }

    /// The client that is claimed.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The error of a client that nobody registered: the same outside as a wrong secret.
    pub fn unknown_client(&self) -> TokenError {
        TokenError::client(crate::unknown_client(&self.client_id))
    }

    /// Judges the credentials against the registration of [`Self::client_id`]. `audiences`: the
    /// issuer and the URL of the token endpoint.
    ///
    /// # Errors
    /// `oauth.client.method`, `oauth.assertion.…` and the codes of the assertion's signature.
    pub fn judge(
        &self,
        registration: &Registration,
        audiences: &[&str],
        now: u64,
        verifier: &dyn Verifier,
    ) -> Result<AuthenticationStep, TokenError> {
        let registered = registration.token_endpoint_auth_method;
        if self.proof.method() != registered || registration.client_id != self.client_id {
            return Err(TokenError::client(
                Refusal::misbehaved("oauth.client.method")
                    .at("client authentication")
                    .expected(registered.as_str())
                    .found(self.proof.method().as_str()),
            ));
        }
        match &self.proof {
            Proof::None => Ok(AuthenticationStep::Public),
            Proof::Basic(secret) | Proof::Post(secret) => Ok(AuthenticationStep::CheckSecret(secret.clone())),
            Proof::Assertion(assertion) => registration
                .key_set()
                .and_then(|keys| {
                    let assertion = assertion.expose();
                    client_assertion::judge(assertion, &self.client_id, &keys, audiences, now, verifier)
                })
                .map(|accepted| AuthenticationStep::RememberAssertion {
                    replay_key: accepted.replay_key,
                    until: accepted.until,
                })
                .map_err(TokenError::client),
        }
    }
}

/// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined and base64-encoded.
fn read_basic(header: &str) -> Result<(String, Secret), Refusal> {
    let broken = || {
        Refusal::misbehaved("oauth.client.basic")
            .at("authorization")
            .expected("Basic and base64 of form-encoded client_id:client_secret")
    };
    let (scheme, credentials) = header.split_once(' ').ok_or_else(broken)?;
    if !scheme.eq_ignore_ascii_case("Basic") || credentials.len() > 4_096 {
        return Err(broken());
    }
    let text = STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = Secret::new(text.ok_or_else(broken)?);
    let (client_id, secret) = text.expose().split_once(':').ok_or_else(broken)?;
    let client_id = form_decode(client_id).ok_or_else(broken)?;
    let secret = form_decode(secret).ok_or_else(broken)?;
    if client_id.is_empty()
        || client_id.len() > MAX_CLIENT_ID
        || secret.is_empty()
        || secret.len() > MAX_SECRET
    {
        return Err(broken());
    }
    Ok((client_id, Secret::new(secret)))
}

/// One value, read as the value of a form's parameter.
fn form_decode(encoded: &str) -> Option<String> {
    if encoded.contains('&') {
        return None;
    }
    let form = Secret::new(format!("v={encoded}"));
    let form = Form::parse(form.expose().as_bytes()).ok()?;
    form.parameters().first().map(|parameter| parameter.value.clone())
}
