//! Whom we trust, and what we show. Every file is read and checked here: ureq would panic at the first connection over a
//! certificate and a key that do not belong together.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::error::Error;
use super::options::Options;

/// The TLS settings that the options ask for.
pub(super) fn config(options: &Options, system_roots: bool) -> Result<TlsConfig, Error> {
    let roots = match &options.ca_file {
        // They replace the system's roots, as with Helm's --ca-file.
        Some(path) => RootCerts::Specific(Arc::new(certificates(path)?)),
        None if system_roots => RootCerts::PlatformVerifier,
        None => RootCerts::WebPki,
    };
    // rustls speaks TLS 1.2 and 1.3, and nothing older.
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(client_certificate(options)?)
        .disable_verification(options.insecure)
        .build())
}

fn client_certificate(options: &Options) -> Result<Option<ClientCert>, Error> {
    let (certificate, key) = match (&options.cert_file, &options.key_file) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(path), None) => return unusable(path, "it needs its key as well"),
        (None, Some(path)) => return unusable(path, "it needs its certificate as well"),
    };
    let chain = certificates(certificate)?;
    let private = private_key(key)?;
    let ders = chain.iter().map(|c| CertificateDer::from(c.der()).into_owned()).collect();
    let Ok(der) = PrivateKeyDer::try_from(private.der().to_vec()) else {
        return unusable(key, "it is not a private key");
    };
    match CertifiedKey::from_der(ders, der, &ring::default_provider()) {
        Ok(_) => Ok(Some(ClientCert::new_with_certs(&chain, private))),
        Err(rustls::Error::InconsistentKeys(_)) => {
            unusable(key, &format!("it is not the key of {}", certificate.display()))
        }
        Err(error) => unusable(key, &error.to_string()),
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let mut certificates = Vec::new();
    for item in parse_pem(&read(path)?) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return unusable(path, "it is not valid PEM"),
        }
    }
    if certificates.is_empty() {
        return unusable(path, "it holds no certificate in PEM");
    }
    // ureq would drop what is no certificate, and then trust nobody.
    let broken = certificates
        .iter()
        .any(|c| rustls::RootCertStore::empty().add(CertificateDer::from(c.der()).into_owned()).is_err());
    if broken {
        return unusable(path, "one of its certificates is broken");
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKey<'static>, Error> {
    for item in parse_pem(&read(path)?) {
        match item {
            Ok(PemItem::PrivateKey(key)) => return Ok(key),
            Ok(_) => {}
            Err(_) => return unusable(path, "it is not valid PEM"),
        }
    }
    unusable(path, "it holds no private key in PEM (or an encrypted one)")
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::CertificateFile { path: path.to_path_buf(), source })
}

fn unusable<T>(path: &Path, how: &str) -> Result<T, Error> {
    Err(Error::Certificate { path: path.to_path_buf(), how: how.to_owned() })
}
