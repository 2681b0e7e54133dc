use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_refusal::Refusal;
use postern_xml::{Place, Writer};

use crate::names::{DSIG, METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING};
use crate::{NameIdFormat, Signing};

/// How long relying parties may keep our metadata: keys are rotated with the old one published.
const CACHE_DURATION: &str = "PT6H";

/// Our metadata.
#[derive(Clone, Debug)]
pub struct IdpMetadata<'a> {
    /// ID of the document.
    pub id: &'a str,
    /// Our entity ID.
    pub entity_id: &'a str,
    /// URL of the single sign-on service, for both bindings.
    pub sign_on_url: &'a str,
    /// Certificates (DER) of all published keys, the active ones first.
    pub certificates: &'a [Vec<u8>],
}

impl IdpMetadata<'_> {
    /// Writes and signs the EntityDescriptor.
    ///
    /// # Errors
    /// `xml.sign.*`: ours.
    pub fn write(&self, signing: &Signing<'_>) -> Result<String, Refusal> {
        let mut writer = Writer::new();
        writer
            .start("md:EntityDescriptor")
            .attribute("xmlns:md", METADATA)
            .attribute("ID", self.id)
            .attribute("cacheDuration", CACHE_DURATION)
            .attribute("entityID", self.entity_id)
            .start("md:IDPSSODescriptor")
            .attribute("WantAuthnRequestsSigned", "false")
            .attribute("protocolSupportEnumeration", PROTOCOL);
        for certificate in self.certificates {
            writer
                .start("md:KeyDescriptor")
                .attribute("use", "signing")
                .start("ds:KeyInfo")
                .attribute("xmlns:ds", DSIG)
                .start("ds:X509Data")
                .leaf("ds:X509Certificate", &BASE64_STANDARD.encode(certificate))
                .end()
                .end()
                .end();
        }
        for format in NameIdFormat::ALL {
            writer.leaf("md:NameIDFormat", format.uri());
        }
        for binding in [REDIRECT_BINDING, POST_BINDING] {
            writer
                .start("md:SingleSignOnService")
                .attribute("Binding", binding)
                .attribute("Location", self.sign_on_url)
                .end();
        }
        Ok(signing.sign(writer.finish(), Place::First)?.into_string())
    }
}
