//! The client certificate for servers that ask for one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use super::files::{certificates, private_key, unusable};
use crate::http::error::HttpError;
use crate::http::options::HttpOptions;

/// Reads certificate and key. An error if one is missing or unusable, or if they do not belong together.
pub(super) fn read(
    options: &HttpOptions,
    provider: &CryptoProvider,
) -> Result<Option<Arc<CertifiedKey>>, HttpError> {
    let (certificate, key) = match (&options.cert_file, &options.key_file) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(path), None) => return Err(HttpError::Unpaired { path: path.clone(), missing: "key" }),
        (None, Some(path)) => return Err(HttpError::Unpaired { path: path.clone(), missing: "certificate" }),
    };
    pair(certificate, key, provider).map(|pair| Some(Arc::new(pair)))
}

fn pair(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, HttpError> {
    let chain = certificates(certificate)?;
    if chain.iter().any(|der| rustls::RootCertStore::empty().add(der.clone()).is_err()) {
        return unusable(certificate, "one of its certificates is broken");
    }
    match CertifiedKey::from_der(chain, private_key(key)?, provider) {
        Ok(pair) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => {
            unusable(key, &format!("it is not the key of {}", certificate.display()))
        }
        Err(_) => unusable(
            key,
            "it is a key of a kind that cannot sign here: RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519 can",
        ),
    }
}

/// Shows the certificate, if there is one, and records that a server has asked: if that server then closes the
/// connection, most likely the certificate is why.
#[derive(Debug)]
pub(super) struct ShownCertificate {
    pub(super) certificate: Option<Arc<CertifiedKey>>,
    pub(super) asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for ShownCertificate {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.certificate.clone().filter(|certificate| certificate.key.choose_scheme(schemes).is_some())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
