//! Certificates for the two TLS legs, made for one run.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// An authority and what it issues, as files in a folder.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    name: String,
}

/// A certificate and its key, in memory and as PEM files.
pub struct Issued {
    /// The certificate, PEM.
    pub certificate_file: PathBuf,
    /// The key as PKCS #8, PEM.
    pub key_file: PathBuf,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    serial: u64,
}

impl Authority {
    /// A new authority. Its certificate is `<name>.pem` in the folder.
    ///
    /// # Panics
    /// When a file can't be written.
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, format!("{name} of one test run"));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("a certificate");
        let authority = Self { issuer, folder: folder.into(), name: name.into() };
        write(&authority.certificate_file(), &authority.issuer.pem());
        authority
    }

    /// The authority's certificate, PEM.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.name))
    }

    /// A certificate for these names and addresses, good as server and as client.
    ///
    /// # Panics
    /// When a file can't be written.
    pub fn issue(&self, name: &str, subjects: &[&str]) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let subjects: Vec<_> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let mut parameters = CertificateParams::new(subjects).expect("names of certificates");
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        parameters.serial_number = Some(SerialNumber::from(serial));
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        let issued = Issued {
            certificate_file: self.folder.join(format!("{name}.pem")),
            key_file: self.folder.join(format!("{name}.key")),
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
            serial,
        };
        write(&issued.certificate_file, &certificate.pem());
        write(&issued.key_file, &key.serialize_pem());
        issued
    }

    /// A list of what it has revoked, PEM.
    ///
    /// # Panics
    /// When the file can't be written.
    pub fn revoke(&self, revoked: &[&Issued]) -> PathBuf {
        let one = |issued: &&Issued| RevokedCertParams {
            serial_number: SerialNumber::from(issued.serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let parameters = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(one).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = parameters.signed_by(&self.issuer).expect("a list");
        let file = self.folder.join(format!("{}.crl", self.name));
        write(&file, &list.pem().expect("PEM"));
        file
    }

    /// A client that trusts this authority only, and shows the certificate when there is one.
    ///
    /// # Panics
    /// When the certificate is unfit.
    pub fn client(&self, certificate: Option<&Issued>) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(self.roots());
        match certificate {
            Some(issued) => builder
                .with_client_auth_cert(vec![issued.certificate.clone()], issued.key())
                .expect("a client certificate"),
            None => builder.with_no_client_auth(),
        }
    }

    /// A server with the certificate, asking its clients for one of this authority when `mutual`.
    ///
    /// # Panics
    /// When the certificate is unfit.
    pub fn server(&self, certificate: &Issued, mutual: bool) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS versions");
        let builder = if mutual {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider()).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        builder
            .with_single_cert(vec![certificate.certificate.clone()], certificate.key())
            .expect("a certificate")
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root certificate");
        roots
    }
}

impl Issued {
    /// The certificate as PEM, as it is in its file.
    ///
    /// # Panics
    /// When the file is gone.
    pub fn pem(&self) -> String {
        fs::read_to_string(&self.certificate_file).expect("the certificate")
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
