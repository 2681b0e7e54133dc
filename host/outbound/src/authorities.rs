//! Who may have issued the certificates of hosts outside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Certification authorities.
#[derive(Clone)]
pub struct Authorities {
    pub(crate) tls: Arc<ClientConfig>,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum AuthoritiesError {
    #[error("{0}: {1}")]
    Pem(PathBuf, rustls::pki_types::pem::Error),
    #[error("{0}: there is no certificate in it")]
    Empty(PathBuf),
    #[error("{0}: {1}")]
    Certificate(PathBuf, rustls::Error),
    #[error("the system trusts nobody: install its certification authorities, or name a file")]
    System,
    #[error("TLS: {0}")]
    Tls(rustls::Error),
}

impl Authorities {
    /// Those of a PEM file, and no others.
    ///
    /// # Errors
    /// When they can't be read, or there is none.
    pub fn of_file(path: &Path) -> Result<Self, AuthoritiesError> {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut roots = RootCertStore::empty();
        for certificate in read.map_err(|error| AuthoritiesError::Pem(path.into(), error))? {
            roots.add(certificate).map_err(|error| AuthoritiesError::Certificate(path.into(), error))?;
        }
        if roots.is_empty() {
            return Err(AuthoritiesError::Empty(path.into()));
        }
        Self::of(roots)
    }

    /// Whom the system trusts.
    ///
    /// # Errors
    /// When it trusts nobody.
    pub fn of_system() -> Result<Self, AuthoritiesError> {
        let mut roots = RootCertStore::empty();
        // Old ones that can't be read are left out, as every client does.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() { Err(AuthoritiesError::System) } else { Self::of(roots) }
    }

    fn of(roots: RootCertStore) -> Result<Self, AuthoritiesError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(AuthoritiesError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(tls) })
    }
}
