use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_xml::Writer;

use crate::NameIdFormat;
use crate::names::{DSIG, METADATA, POST_BINDING, PROTOCOL};

/// Our metadata as a service provider, for a federated identity provider. It is handed over by the operator
/// and not signed.
#[derive(Clone, Debug)]
pub struct SpMetadata<'a> {
    /// Our entity ID as a service provider.
    pub entity_id: &'a str,
    /// Where Responses are posted.
    pub consumer_url: &'a str,
    /// Certificates (DER) of the keys that requests are signed with, the active one first.
    pub signing: &'a [Vec<u8>],
    /// Certificates (DER) of the keys that Assertions may be encrypted for.
    pub encryption: &'a [Vec<u8>],
}

impl SpMetadata<'_> {
    /// Writes the EntityDescriptor (saml-metadata-2.0-os section 2.4.4).
    pub fn write(&self) -> String {
        let mut writer = Writer::new();
        writer
            .start("md:EntityDescriptor")
            .attribute("xmlns:md", METADATA)
            .attribute("entityID", self.entity_id)
            .start("md:SPSSODescriptor")
            .attribute("AuthnRequestsSigned", if self.signing.is_empty() { "false" } else { "true" })
            .attribute("WantAssertionsSigned", "true")
            .attribute("protocolSupportEnumeration", PROTOCOL);
        let keys = self.signing.iter().map(|key| (key, "signing"));
        for (certificate, purpose) in keys.chain(self.encryption.iter().map(|key| (key, "encryption"))) {
            writer
                .start("md:KeyDescriptor")
                .attribute("use", purpose)
                .start("ds:KeyInfo")
                .attribute("xmlns:ds", DSIG)
                .start("ds:X509Data")
                .leaf("ds:X509Certificate", &BASE64_STANDARD.encode(certificate))
                .end()
                .end();
            if purpose == "encryption" {
                for method in [
                    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
                    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
                    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
                ] {
                    writer.start("md:EncryptionMethod").attribute("Algorithm", method).end();
                }
            }
            writer.end();
        }
        writer
            .leaf("md:NameIDFormat", NameIdFormat::Persistent.uri())
            .start("md:AssertionConsumerService")
            .attribute("Binding", POST_BINDING)
            .attribute("Location", self.consumer_url)
            .attribute("index", "0")
            .attribute("isDefault", "true")
            .end();
        writer.finish().into_string()
    }
}
