//! Software that is not ours judges what we send: xmlsec1 the signatures, xmllint the schemas.
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::tools;

/// The schemas of OASIS, as Debian's `opensaml-schemas` installs them.
const SCHEMAS: &str = "/usr/share/xml/opensaml";
/// The schemas of the W3C that they import, of `xmltooling-schemas`.
const W3C: &str = "/usr/share/xml/xmltooling";

/// Checks the signature of the element (`Response`, `Assertion`, `EntityDescriptor`) against the
/// certificate (PEM).
///
/// # Errors
/// What xmlsec1 says.
///
/// # Panics
/// When xmlsec1 is missing.
pub fn verify_signature(document: &str, element: &str, certificate: &str) -> Result<(), String> {
    let namespace = match element {
        "Assertion" => "urn:oasis:names:tc:SAML:2.0:assertion",
        "EntityDescriptor" => "urn:oasis:names:tc:SAML:2.0:metadata",
        _ => "urn:oasis:names:tc:SAML:2.0:protocol",
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let document_file = written(folder.path(), "document.xml", document);
    let certificate_file = written(folder.path(), "certificate.pem", certificate);
    // The signature is the one that is a child of the element.
    let signature = format!("//*[local-name()='{element}']/*[local-name()='Signature']");
    let output = Command::new(tools::program("xmlsec1", "xmlsec1"))
        .args(["--verify", "--id-attr:ID", &format!("{namespace}:{element}")])
        .args(["--node-xpath", &signature, "--pubkey-cert-pem", &certificate_file, &document_file])
        .output();
    judged(output)
}

/// Checks the document against a schema of OASIS: `protocol` or `metadata`.
///
/// # Errors
/// What xmllint says.
///
/// # Panics
/// When xmllint or the schemas are missing.
pub fn validate(document: &str, schema: &str) -> Result<(), String> {
    let schema = tools::existing(
        Path::new(SCHEMAS).join(format!("saml-schema-{schema}-2.0.xsd")),
        "`cargo xtask tools`, or `apt-get install opensaml-schemas xmltooling-schemas`",
    );
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let catalogue = format!(
        r#"<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
        <system systemId="http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd" uri="file://{W3C}/xmldsig-core-schema.xsd"/>
        <system systemId="http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd" uri="file://{W3C}/xenc-schema.xsd"/>
        <system systemId="http://www.w3.org/2001/xml.xsd" uri="file://{W3C}/xml.xsd"/></catalog>"#
    );
    let catalogue = written(folder.path(), "catalogue.xml", &catalogue);
    let document = written(folder.path(), "document.xml", document);
    let output = Command::new(tools::program("xmllint", "libxml2-utils"))
        .env("XML_CATALOG_FILES", catalogue)
        .args(["--nonet", "--noout", "--schema"])
        .arg(schema)
        .arg(document)
        .output();
    judged(output)
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path.to_string_lossy().into_owned()
}

fn judged(output: std::io::Result<Output>) -> Result<(), String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
