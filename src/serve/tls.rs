//! HTTPS from a certificate and a key in PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// The paths of certificate and key.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The PEM file with the certificate, followed by those on its path to a trusted authority.
    pub cert: PathBuf,
    /// The PEM file with the certificate's private key.
    pub key: PathBuf,
}

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, is not PEM, or contains nothing of the kind.
    #[error("cannot read {what} in {}: {}", path.display(), pem(error))]
    Pem {
        /// What was looked for: a certificate or a key.
        what: &'static str,
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with the file.
        error: pem::Error,
    },
    /// This file contains no certificate.
    #[error("{} has no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// Certificate and key do not belong together, or this kind of key is not supported.
    #[error("cannot use the certificate {} with the key {}: {}", .0.cert.display(), .0.key.display(), pair(.1))]
    Pair(TlsFiles, rustls::Error),
}

/// What is wrong with a file, in plain words.
fn pem(error: &pem::Error) -> String {
    match error {
        // `No such file or directory` is clear enough without ` (os error 2)`.
        pem::Error::Io(error) => error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
        pem::Error::NoItemsFound => "there is none in it, or it is encrypted".to_owned(),
        _ => "it is not valid PEM".to_owned(),
    }
}

/// Why certificate and key cannot be used together, in plain words.
fn pair(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InconsistentKeys(_) => "it is another certificate's key",
        rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding) => {
            "the certificate is broken"
        }
        rustls::Error::InvalidCertificate(_) => {
            "the certificate is broken, or has a critical extension that is unknown here"
        }
        _ => {
            "the key is broken or of a kind that cannot sign here; RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519 can"
        }
    }
}

/// Reads the files, and returns what accepts TLS connections with them.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let unread = |what, path: &Path| {
        let path = path.to_owned();
        move |error| TlsError::Pem { what, path, error }
    };
    let certificates = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unread("the certificate", &files.cert))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(files.cert.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unread("the key", &files.key))?;
    let unpaired = |error| TlsError::Pair(files.clone(), error);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unpaired)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(unpaired)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
