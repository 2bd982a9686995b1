//! The files that a user names: certificates and keys in PEM. All of them are read before anything is sent.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::http::error::Error;

/// The certificates in a file, in its order.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let Ok(found) = found else { return unusable(path, "it is not valid PEM") };
    if found.is_empty() {
        return unusable(path, "it holds no certificate in PEM");
    }
    Ok(found)
}

/// The first private key in a file.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    match PrivateKeyDer::pem_slice_iter(&read(path)?).next() {
        Some(Ok(key)) => Ok(key),
        Some(Err(_)) => unusable(path, "it is not valid PEM"),
        None => unusable(path, "it holds no private key in PEM (or an encrypted one)"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::CertificateFile { path: path.to_path_buf(), source })
}

pub(super) fn unusable<T>(path: &Path, how: &str) -> Result<T, Error> {
    Err(Error::Certificate { path: path.to_path_buf(), how: how.to_owned() })
}
