//! Real keys, and xmlsec1 and xmllint as oracles. What a machine lacks is a failure, not a skip.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, KeyPair as _, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

/// Verifies with aws-lc-rs.
pub struct Native;

impl Verifier for Native {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        value: &[u8],
    ) -> Result<(), VerifyError> {
        let (with, oid): (&'static dyn VerificationAlgorithm, &[u8]) = match algorithm {
            Algorithm::Rs256 => (&signature::RSA_PKCS1_2048_8192_SHA256, RSA_OID),
            Algorithm::Rs384 => (&signature::RSA_PKCS1_2048_8192_SHA384, RSA_OID),
            Algorithm::Rs512 => (&signature::RSA_PKCS1_2048_8192_SHA512, RSA_OID),
            Algorithm::Es256 => (&signature::ECDSA_P256_SHA256_FIXED, EC_OID),
            Algorithm::Es384 => (&signature::ECDSA_P384_SHA384_FIXED, EC_OID),
            _ => return Err(VerifyError::UnfitKey),
        };
        if !key.spki().windows(oid.len()).take(16).any(|window| window == oid) {
            return Err(VerifyError::UnfitKey);
        }
        UnparsedPublicKey::new(with, key.spki()).verify(message, value).map_err(|_| VerifyError::Mismatch)
    }
}

const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// A key pair with its certificate, made for one test.
pub struct Key {
    pub algorithm: Algorithm,
    pub private_pem: String,
    pub certificate: Vec<u8>,
    pub public: PublicKey,
    pkcs8: Vec<u8>,
}

impl Key {
    pub fn rsa() -> Self {
        Self::new(
            Algorithm::Rs256,
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap(),
        )
    }

    pub fn p256() -> Self {
        Self::new(Algorithm::Es256, rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())
    }

    fn new(algorithm: Algorithm, pair: rcgen::KeyPair) -> Self {
        let certificate =
            rcgen::CertificateParams::new(vec!["sp.example".to_owned()]).unwrap().self_signed(&pair).unwrap();
        Self {
            algorithm,
            private_pem: pair.serialize_pem(),
            certificate: certificate.der().to_vec(),
            public: PublicKey::from_spki(rcgen::PublicKeyData::subject_public_key_info(&pair)),
            pkcs8: pair.serialize_der(),
        }
    }

    /// Signs: PKCS#1 v1.5, or ECDSA as r||s.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(&self.pkcs8).unwrap();
                let mut value = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut value).unwrap();
                value
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &self.pkcs8)
                    .unwrap();
                let _ = pair.public_key();
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            other => panic!("no key for {other}"),
        }
    }

    pub fn certificate_pem(&self) -> String {
        use base64::Engine as _;
        let text = base64::prelude::BASE64_STANDARD.encode(&self.certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }
}

/// Files of one oracle call.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// xmlsec1 signs the template that stands in the document.
pub fn xmlsec_sign(document: &str, key: &Key, id_of: &str) -> String {
    let folder = Folder::new();
    let output = run(Command::new("xmlsec1")
        .arg("--sign")
        .arg("--privkey-pem")
        .arg(folder.file("key.pem", &key.private_pem))
        .arg("--id-attr:ID")
        .arg(id_of)
        .arg(folder.file("document.xml", document)));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether xmlsec1 verifies the signature that is a child of the element of that local name.
pub fn xmlsec_verifies(document: &str, key: &Key, element: &str) -> bool {
    let folder = Folder::new();
    let data = if key.algorithm == Algorithm::Rs256 { "rsa" } else { "ecdsa" };
    let output = run(Command::new("xmlsec1")
        .arg("--verify")
        .args(["--enabled-key-data", data])
        .arg("--pubkey-cert-pem")
        .arg(folder.file("key.pem", &key.certificate_pem()))
        .args(["--id-attr:ID", "Response", "--id-attr:ID", "Assertion"])
        .args(["--id-attr:ID", "EntityDescriptor", "--id-attr:ID", "AuthnRequest"])
        .arg("--node-xpath")
        .arg(format!("//*[local-name()='{element}']/*[local-name()='Signature']"))
        .arg(folder.file("document.xml", document)));
    output.status.success()
}

/// xmllint validates against a schema of the package opensaml-schemas.
pub fn validate(document: &str, schema: &str) {
    let folder = Folder::new();
    let tooling = "/usr/share/xml/xmltooling";
    let catalogue = folder.file(
        "catalogue.xml",
        &format!(
            "<catalog xmlns='urn:oasis:names:tc:entity:xmlns:xml:catalog'>\
             <system systemId='http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd' \
             uri='file://{tooling}/xmldsig-core-schema.xsd'/>\
             <system systemId='http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd' \
             uri='file://{tooling}/xenc-schema.xsd'/>\
             <system systemId='http://www.w3.org/2001/xml.xsd' uri='file://{tooling}/xml.xsd'/>\
             </catalog>"
        ),
    );
    let output = run(Command::new("xmllint")
        .env("XML_CATALOG_FILES", catalogue)
        .args(["--nonet", "--noout", "--schema"])
        .arg(format!("/usr/share/xml/opensaml/{schema}"))
        .arg(folder.file("document.xml", document)));
    assert!(output.status.success(), "{}\n{document}", String::from_utf8_lossy(&output.stderr));
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; the tests need xmlsec1, libxml2-utils and opensaml-schemas")
    })
}
