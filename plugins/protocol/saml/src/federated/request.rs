//! Our AuthnRequest to a federated identity provider, by HTTP-Redirect (SAML bindings section 3.4) or HTTP-POST
//! (section 3.5).
use core::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use postern_xml::{Unsigned, Writer, Written, method_uri};

use super::response::AFTER_ISSUER;
use crate::names::{ASSERTION, POST_BINDING, PROTOCOL};
use crate::{NameIdFormat, format_instant};

/// A request to sign somebody in.
#[derive(Clone, Debug)]
pub struct SignOnRequest<'a> {
    /// ID, see [`crate::identifier()`].
    pub id: &'a str,
    /// Our entity ID as a service provider.
    pub issuer: &'a str,
    /// URL of the provider's single sign-on service for the binding.
    pub destination: &'a str,
    /// Where the Response is to be posted.
    pub consumer_url: &'a str,
    /// Now, seconds since 1970.
    pub issued_at: u64,
    /// The NameID that is wanted. None: any.
    pub name_id_format: Option<NameIdFormat>,
    /// Whether the person has to prove anew who they are.
    pub force: bool,
    /// AuthnContextClassRefs, one of which is wanted. Empty: any.
    pub contexts: &'a [String],
}

/// How our request goes to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBinding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
}

/// Signs the query, or SignedInfo: the algorithm, and what makes a signature of it.
pub type QuerySigning<'s> = (Algorithm, &'s dyn Fn(&[u8]) -> Option<Vec<u8>>);

impl SignOnRequest<'_> {
    /// The URL to send the browser to.
    ///
    /// # Errors
    /// `saml.request.build`: ours.
    pub fn url(&self, relay_state: &str, signing: Option<QuerySigning<'_>>) -> Result<String, Refusal> {
        let deflated = deflate(self.write()?.into_string().as_bytes())?;
        let mut query = format!(
            "SAMLRequest={}&RelayState={}",
            postern_form::encode(&BASE64_STANDARD.encode(deflated)),
            postern_form::encode(relay_state)
        );
        if let Some((algorithm, sign)) = signing {
            let method = method_uri(algorithm).ok_or_else(broken)?;
            let _ = write!(query, "&SigAlg={}", postern_form::encode(method));
            let signature = sign(query.as_bytes()).ok_or_else(broken)?;
            let _ = write!(query, "&Signature={}", postern_form::encode(&BASE64_STANDARD.encode(signature)));
        }
        let separator = if self.destination.contains('?') { '&' } else { '?' };
        Ok(format!("{}{separator}{query}", self.destination))
    }

    /// The fields to have the browser post: the request carries its signature (SAML core section 5.4). The provider
    /// knows our keys by our metadata.
    ///
    /// # Errors
    /// `saml.request.build`, `xml.sign.*`: ours.
    pub fn form(
        &self,
        relay_state: &str,
        (algorithm, sign): QuerySigning<'_>,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let unsigned = Unsigned::new(self.write()?, AFTER_ISSUER, algorithm)?;
        let signature = sign(unsigned.to_sign()).ok_or_else(broken)?;
        let signed = unsigned.with_signature(&signature, None).into_string();
        let fields =
            [("SAMLRequest", BASE64_STANDARD.encode(signed)), ("RelayState", relay_state.to_owned())];
        Ok(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn write(&self) -> Result<Written, Refusal> {
        let mut writer = Writer::new();
        writer
            .start("samlp:AuthnRequest")
            .attribute("xmlns:samlp", PROTOCOL)
            .attribute("xmlns:saml", ASSERTION)
            .attribute("ID", self.id)
            .attribute("Version", "2.0")
            .attribute("IssueInstant", &format_instant(self.issued_at).ok_or_else(broken)?)
            .attribute("Destination", self.destination)
            .attribute("AssertionConsumerServiceURL", self.consumer_url)
            .attribute("ProtocolBinding", POST_BINDING)
            .optional("ForceAuthn", self.force.then_some("true"))
            .leaf("saml:Issuer", self.issuer);
        writer
            .start("samlp:NameIDPolicy")
            .optional("Format", self.name_id_format.map(NameIdFormat::uri))
            .attribute("AllowCreate", "true")
            .end();
        if !self.contexts.is_empty() {
            writer.start("samlp:RequestedAuthnContext").attribute("Comparison", "exact");
            for class in self.contexts {
                writer.leaf("saml:AuthnContextClassRef", class);
            }
            writer.end();
        }
        Ok(writer.finish())
    }
}

fn deflate(xml: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml).map_err(|_| broken())?;
    encoder.finish().map_err(|_| broken())
}

fn broken() -> Refusal {
    Refusal::internal("saml.request.build").at("AuthnRequest").expected("a request that can be written")
}
