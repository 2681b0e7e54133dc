//! The sections `[wsfed]`, `[saml.artifact_resolution]` and `[saml.federation]` of `postern-edge.toml`.

use std::path::PathBuf;

use postern_settings::Duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// WS-Federation (`/passivests`). Needed when the protocol is switched on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WsfedSection {
    /// Paths whose requests are judged, behind `endpoints`.
    pub paths: Vec<String>,
    /// Registered relying parties.
    pub realms: Vec<RealmSection>,
    /// What `whr` may be: identity providers that people may be sent to.
    pub home_realms: Vec<String>,
    /// Whether `wreq` may be there: a RequestSecurityToken, well-formed and small.
    pub accepts_requests: bool,
    /// What `wreqptr` may be: the LAN fetches it.
    pub request_pointers: Vec<String>,
    /// Parameters that the specification does not have and that pass: `x-client-SKU`.
    pub ignored_parameters: Vec<String>,
    /// How far a peer's clock may be off, up to 10 minutes.
    pub clock_skew: Option<Duration>,
    /// How old a request with `wct` may be, up to an hour.
    pub max_age: Option<Duration>,
    /// Answers of federated identity providers (`wresult`). Left out: they are refused.
    pub results: Option<ResultsSection>,
}

/// A relying party of WS-Federation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealmSection {
    /// What `wtrealm` has to be, letter by letter.
    pub realm: String,
    /// What `wreply` may be, letter by letter; the first is for requests without it.
    pub replies: Vec<String>,
    /// More addresses for sign-outs.
    #[serde(default)]
    pub sign_out_replies: Vec<String>,
}

/// Answers of federated identity providers by WS-Federation: `wresult`, by POST, at the paths of
/// `[wsfed]`. Either `audiences` and `identity_providers`, or `unverified`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResultsSection {
    /// Tokens pass well-formed and unverified: their signature is for the LAN to verify.
    pub unverified: bool,
    /// What the identity provider behind is called at the others, such as the `wtrealm` of its requests: the
    /// Audience.
    pub audiences: Vec<String>,
    /// Who may send tokens: SAML 1.1 or 2.0, signed.
    pub identity_providers: Vec<TokenIssuerSection>,
}

/// An identity provider whose tokens come by WS-Federation: its SAML metadata, or its name and certificates.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenIssuerSection {
    /// File with its metadata, with an IDPSSODescriptor.
    pub metadata: Option<PathBuf>,
    /// Its name, the Issuer of its tokens, without metadata.
    pub entity_id: Option<String>,
    /// Files with the certificates that it signs with, PEM, without metadata.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
}

/// Artifacts of SAML, resolved from server to server. Left out: the endpoint is closed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactResolutionSection {
    /// The identity provider's entity ID: the source of its artifacts.
    pub entity_id: String,
    /// Index of the endpoint in its metadata.
    #[serde(default)]
    pub endpoint_index: u16,
    /// Paths whose requests are judged. Left out: the product's.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Who may resolve artifacts.
    pub relying_parties: Vec<ArtifactPartySection>,
}

/// A relying party that may resolve artifacts; it is among `saml.relying_parties` too.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactPartySection {
    /// Its entity ID.
    pub entity_id: String,
    /// Client certificates that it shows, PEM, read now: needs `listen.client_ca`. Left out: it signs its
    /// requests, with a key of its metadata.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
}

/// Where the identity provider behind is itself a service provider of others: their SAML Responses. One
/// section for each entity ID, such as the realms of a Keycloak.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederationSection {
    /// The entity ID as a service provider: the Audience.
    pub entity_id: String,
    /// Paths where Responses arrive. Left out: the product's.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Whether other forms than Responses arrive there and pass. Left out: as the product has it.
    pub serves_other_forms: Option<bool>,
    /// Who may send Responses.
    pub identity_providers: Vec<IdentityProviderSection>,
}

/// A federated identity provider: its metadata, or its entity ID and its certificates.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderSection {
    /// File with its metadata.
    pub metadata: Option<PathBuf>,
    /// Its entity ID, without metadata.
    pub entity_id: Option<String>,
    /// Files with the certificates that it signs with, PEM, without metadata.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
    /// Whether a Response that answers no request is accepted.
    #[serde(default)]
    pub allows_unsolicited: bool,
    /// Whether an Assertion may be encrypted: then nothing of it is judged here.
    #[serde(default)]
    pub accepts_encrypted_assertions: bool,
    /// Most Assertions of one Response, 1 to 8.
    #[serde(default = "one")]
    pub max_assertions: usize,
}

fn one() -> usize {
    1
}
