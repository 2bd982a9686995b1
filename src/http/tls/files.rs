//! The files that a user names: certificates and keys in PEM. All of them are read before anything is sent.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::http::error::HttpError;

/// The certificates of authorities in a file, in its order. Blocks that are malformed or hold something else are left
/// out, as in Go (crypto/x509, AppendCertsFromPEM; encoding/pem, Decode): bundles are put together by hand, and one
/// truncated certificate should not invalidate the others. An error if none is left.
pub(super) fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let text = read(path)?;
    let whole: Vec<_> =
        blocks(&text).filter_map(|block| CertificateDer::from_pem_slice(block).ok()).collect();
    if whole.is_empty() {
        // This returns the error that says why there is none.
        return certificates(path);
    }
    Ok(whole)
}

/// The certificate blocks of a file, each from its BEGIN line to its END line, or to the next BEGIN line where END is
/// missing. A BEGIN that does not start a line counts too, as where `cat` has joined files without a final newline.
fn blocks(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts: Vec<usize> = text
        .windows(BEGIN.len())
        .enumerate()
        .filter(|(_, window)| *window == BEGIN)
        .map(|(at, _)| at)
        .collect();
    starts.push(text.len());
    let ends: Vec<_> = starts.iter().skip(1).copied().collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| {
        let first = start == 0 || matches!(text.get(start - 1), Some(b'\n' | b'\r' | b'-'));
        text.get(start..end).filter(|_| first)
    })
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// All certificates in a file, in its order. An error if one is malformed or there is none.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let Ok(found) = found else { return unusable(path, "it is not valid PEM") };
    if found.is_empty() {
        return unusable(path, "it holds no certificate in PEM");
    }
    Ok(found)
}

/// The first private key in a file. An error if there is none, or it is encrypted.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, HttpError> {
    let text = read(path)?;
    match PrivateKeyDer::pem_slice_iter(&text).next() {
        // The header of encrypted keys by OpenSSL's older tools (RFC 1421 4.6.1.1), which is not valid PEM by RFC 7468.
        Some(Err(_)) if text.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED) => {
            unusable(path, "its key is encrypted; `openssl pkey` writes one that is not")
        }
        Some(Ok(key)) => Ok(key),
        Some(Err(_)) => unusable(path, "it is not valid PEM"),
        None => unusable(path, "it holds no private key in PEM (or an encrypted one)"),
    }
}

const ENCRYPTED: &[u8] = b"Proc-Type: 4,ENCRYPTED";

fn read(path: &Path) -> Result<Vec<u8>, HttpError> {
    fs::read(path).map_err(|source| HttpError::CertificateFile { path: path.to_path_buf(), source })
}

pub(super) fn unusable<T>(path: &Path, how: &str) -> Result<T, HttpError> {
    Err(HttpError::Certificate { path: path.to_path_buf(), how: how.to_owned() })
}
