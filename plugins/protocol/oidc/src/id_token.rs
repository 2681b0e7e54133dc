//! ID tokens (OpenID Connect Core section 2).

use postern_jose::SigningInput;
use postern_jose::json::{Object, Value};
use postern_oauth::at_hash;
use postern_signature::Algorithm;

/// `typ` of ID tokens: never that of access tokens.
pub const ID_TOKEN_TYPE: &str = "JWT";

/// What an ID token says.
#[derive(Clone, Debug)]
pub struct IdToken<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`: the person as this client knows them.
    pub subject: &'a str,
    /// `aud` and `azp`.
    pub client_id: &'a str,
    /// `iat`, in seconds.
    pub issued_at: u64,
    /// `exp` minus `iat`, in seconds.
    pub lifetime: u64,
    /// `auth_time`.
    pub authenticated_at: u64,
    /// `acr`.
    pub context: &'a str,
    /// `amr` (RFC 8176).
    pub methods: &'a [String],
    /// `sid`: the session as this client knows it.
    pub session_index: &'a str,
    /// `nonce` of the request; none after a refresh.
    pub nonce: Option<&'a str>,
    /// The access token that is handed out with it, for `at_hash`.
    pub access_token: &'a str,
    /// More claims, when the registration wants them here.
    pub released: Object,
}

impl IdToken<'_> {
    /// What is to be signed by the key of that `kid`.
    pub fn signing_input(&self, algorithm: Algorithm, key_id: &str) -> SigningInput {
        // First the released claims: they never replace one of the token's own.
        let mut claims = self.released.clone();
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("iss", self.issuer.into());
        set("sub", self.subject.into());
        set("aud", self.client_id.into());
        set("azp", self.client_id.into());
        set("iat", self.issued_at.into());
        set("exp", self.issued_at.saturating_add(self.lifetime).into());
        set("auth_time", self.authenticated_at.into());
        set("at_hash", at_hash(algorithm, self.access_token).into());
        if !self.context.is_empty() {
            set("acr", self.context.into());
        }
        if !self.methods.is_empty() {
            set("amr", self.methods.to_vec().into());
        }
        if !self.session_index.is_empty() {
            set("sid", self.session_index.into());
        }
        if let Some(nonce) = self.nonce {
            set("nonce", nonce.into());
        }
        SigningInput::new(algorithm, key_id, ID_TOKEN_TYPE, claims)
    }
}
