//! HTTPS from a certificate and a key in PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, followed by those that lead to a known authority.
    pub cert: PathBuf,
    /// The certificate's key.
    pub key: PathBuf,
}

/// Why HTTPS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No PEM file, or not one with what is looked for.
    #[error("cannot read {what} in {}", path.display())]
    Pem {
        /// A certificate, or a key.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file without a certificate.
    #[error("{} has no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// Two files that do not belong together, or a kind of key that nobody uses.
    #[error("cannot use the certificate {} with the key {}", .0.cert.display(), .0.key.display())]
    Pair(TlsFiles, #[source] rustls::Error),
}

/// Reads the files and makes what turns a connection into a secure one.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let pem = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Pem { what, path, source }
    };
    let certificates = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem("the certificate", &files.cert))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(files.cert.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(pem("the key", &files.key))?;
    let pair = |source| TlsError::Pair(files.clone(), source);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
