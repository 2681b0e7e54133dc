//! Responses of federated identity providers (SAML profiles section 4.1.4): what the DMZ knows of them
//! before the LAN does.
//!
//! A Response comes by POST only (section 4.1.2), and only what a signature covers is believed: the
//! Response is signed, or every Assertion in it is. See [`postern_xml::Document::verify_parts`]: an
//! Assertion in any other place than the schema's, and a signature over anything else, is refused before
//! anything is read.

mod assertion;
mod assertion1;
mod configuration;
mod consumed;
mod encrypted;
mod request;
mod response;
mod sign_on;
mod token;

pub(crate) use configuration::check_entity_id;
pub use configuration::{AssertionConsumer, IdentityProvider, TokenConsumer};
pub use consumed::{AssertedName, AssertedPerson};
pub use encrypted::{ContentCipher, Decryptor, EncryptedContent, KeyTransport};
pub use request::{QuerySigning, RequestBinding, SignOnRequest};
pub use response::JudgedResponse;
pub(crate) use response::{Federation, judge_response};
pub use sign_on::{ExpectedSignOn, SignOnAnswer, judge_sign_on};
pub use token::JudgedToken;
pub(crate) use token::{Tokens, judge_token};
