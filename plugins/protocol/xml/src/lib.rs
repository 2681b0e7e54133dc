//! XML, read strictly, and enveloped signatures that yield what they signed.
//!
//! [`Document::read`] takes what a peer sent: UTF-8, no DTD, comment, CDATA section or processing
//! instruction, bounded in size, depth, elements and attributes. A document then gives up its
//! content in exactly one of two ways: [`Document::into_unsigned`] when it carries no signature,
//! or [`Document::verify`], which answers with a [`Verified`] element read again from the very
//! bytes that were digested. Nothing leads back to the document after that. Where children may be
//! signed instead of the whole, [`Document::verify_parts`] answers with each of them in that way.
//!
//! Signatures follow the profile of SAML core section 5.4 over XML-DSig, and nothing more.
//! [`Writer`] builds messages with correct escaping; [`Unsigned`] signs them in two steps, so
//! that the key can stay elsewhere.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod declaration;
mod document;
mod element;
mod instant;
mod limits;
mod scan;
mod signature;
mod writer;

pub use document::{Document, read_operators_file};
pub use element::{Attribute, Element, Name, Node};
pub use instant::{format_instant, parse_instant};
pub use limits::Limits;
pub use signature::{
    Place, SignedParts, SignedXml, Trust, Unsigned, Verified, method_for, method_uri, without_whitespace,
};
pub use writer::{Writer, Written};
