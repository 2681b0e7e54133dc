//! SAML 2.0: what Postern accepts as an identity provider, and what it answers.
//!
//! [`judge()`] is the one rule for everything that arrives at `/samlsso`: the DMZ filter, the LAN
//! component and the tests call the same function and get the same reason code. Responses
//! ([`success_response`], [`error_response`]) and metadata ([`IdpMetadata`], [`read_sp_metadata`])
//! are built and read without I/O: time, randomness, registry and cryptography are arguments.
//!
//! Specifications: saml-core-2.0-os, saml-bindings-2.0-os, saml-profiles-2.0-os (section 4.1),
//! saml-metadata-2.0-os.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod answer;
mod arrival;
mod artifact;
mod artifact_resolve;
mod authn_context;
mod authn_request;
mod binding;
mod decoder;
mod federated;
mod identifier;
mod idp_initiated;
mod issuer_qualifier;
mod judge;
mod judge_logout;
mod key;
mod logout;
mod metadata;
mod name_id;
mod names;
mod path;
mod policy;
mod registration;
mod replay;
mod report_only;
mod response;
mod settings;
mod shape;
mod soap;

pub use answer::{Demanded, SignOnFailure, name_id_unavailable};
pub use arrival::{Arrival, Carrier, RequestHead, Service, carrier};
pub use artifact_resolve::{
    ArtifactResolution, ArtifactResolutionService, CertificateDigest, JudgedArtifactResolve, SoapRequest,
};
pub use authn_context::{Comparison, RequestedAuthnContext};
pub use authn_request::{AuthnRequest, NameIdPolicy};
pub use decoder::{Decoded, Decoder, DecoderConfiguration, Message, OtherPaths, has_saml_meaning};
pub use federated::{
    AssertedName, AssertedPerson, AssertionConsumer, ContentCipher, Decryptor, EncryptedContent,
    ExpectedSignOn, IdentityProvider, JudgedResponse, JudgedToken, KeyTransport, QuerySigning,
    RequestBinding, SignOnAnswer, SignOnRequest, TokenConsumer, judge_sign_on,
};
pub use identifier::identifier;
pub use idp_initiated::JudgedIdpInitiated;
pub use issuer_qualifier::IssuerQualifier;
pub use judge::{Incoming, Judged, JudgedAuthnRequest, Lookup, judge};
pub use judge_logout::{JudgedLogoutRequest, JudgedLogoutResponse, LogoutHead};
pub use key::check_key;
pub use logout::{LoggedOutNameId, LogoutRequest, LogoutResponse};
pub use metadata::{
    FederatedProvider, IdpMetadata, SpMetadata, read_federated_provider, read_idp_metadata,
    read_registration, read_sp_metadata,
};
pub use name_id::{NameIdFormat, NameIdSettings};
pub use path::{Addressed, addresses};
pub use policy::{MessageLimits, Policy};
pub use registration::{
    AssertionConsumerService, AttributeMapping, EDGE_FIELDS, EdgeRelyingParty, IdpInitiated, NameFormat,
    RegisteredKey, RelyingParty, ResponseAlgorithm, Signs,
};
pub use replay::{Once, ReplayTable, SharedMemory};
pub use report_only::SWITCHABLE;
pub use response::{
    ErrorResponse, ResponseAttribute, ResponseNameId, Signing, Status, SuccessResponse, error_response,
    success_response,
};
pub use settings::ModuleSettings;

/// Sign-on flows of products at paths where messages arrive, and parameters beside messages.
pub use postern_form::{Companions, Continuation, ContinuationForm};
/// Instants as SAML writes them (SAML core section 1.3.3).
pub use postern_xml::{format_instant, parse_instant};
