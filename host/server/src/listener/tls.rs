//! Certificates and keys from PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{0}: {1}")]
    Pem(PathBuf, rustls::pki_types::pem::Error),
    #[error("{0}: there is no certificate in it")]
    Empty(PathBuf),
    #[error("{0} and {1} do not fit: {2}")]
    Pair(PathBuf, PathBuf, rustls::Error),
    #[error("{0}: {1}")]
    Authority(PathBuf, String),
    #[error("TLS: {0}")]
    Tls(rustls::Error),
}

impl TlsError {
    /// The file that is to be replaced; of a pair that does not fit, the key.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Pem(file, _) | Self::Empty(file) | Self::Authority(file, _) | Self::Pair(_, file, _) => {
                Some(file)
            }
            Self::Tls(_) => None,
        }
    }
}

/// Whose certificates a listener asks for.
pub(crate) enum ClientCertificates<'p> {
    /// Nobody's.
    Off,
    /// No connection without one that an authority of this file issued.
    Required(&'p Path),
}

/// TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1.
pub(crate) fn server_config(
    certificate: &Path,
    key: &Path,
    clients: &ClientCertificates<'_>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Pem(key.into(), error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Tls)?;
    let builder = match clients {
        ClientCertificates::Off => builder.with_no_client_auth(),
        ClientCertificates::Required(authority) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(authority)? {
                roots
                    .add(root)
                    .map_err(|error| TlsError::Authority((*authority).into(), error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| TlsError::Authority((*authority).into(), error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, private)
        .map_err(|error| TlsError::Pair(certificate.into(), key.into(), error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| TlsError::Pem(path.into(), error))?;
    if found.is_empty() { Err(TlsError::Empty(path.into())) } else { Ok(found) }
}
