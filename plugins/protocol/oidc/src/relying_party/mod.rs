//! The other side: Postern as the client of an outside OpenID Provider.
//!
//! In the order of a sign-in: [`ProviderMetadata`] (discovery), [`AuthorizationUrl`] and [`PendingSignIn`],
//! [`Callback`], [`TokenAnswer`], [`IdTokenRule`] with [`judge_provider_token`], [`judge_userinfo`], and
//! [`MappedClaims`]. What goes over the network is fetched by the caller.

mod authorization_url;
mod callback;
mod id_token;
mod mapped_claims;
mod pending;
mod provider;
mod token_answer;
mod userinfo;

pub use authorization_url::AuthorizationUrl;
pub use callback::Callback;
pub use id_token::{IdTokenRule, ProviderIdentity, judge_provider_token};
pub use mapped_claims::{ClaimSource, MappedClaims};
pub use pending::PendingSignIn;
pub use provider::{MAX_PROVIDER_METADATA, ProviderMetadata, discovery_url};
pub use token_answer::{MAX_TOKEN_ANSWER, TokenAnswer};
pub use userinfo::{MAX_USERINFO, judge_userinfo};
