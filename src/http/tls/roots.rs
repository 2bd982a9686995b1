//! The certificates that are trusted if the user names none: the system's, or those that are built into this program.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

use super::verifier::Verifier;

/// A verifier that trusts these certificates. One that cannot be parsed is left out, as in Go; `None` if none is left.
pub(super) fn of(
    certificates: Vec<CertificateDer<'static>>,
    file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<dyn ServerCertVerifier>> {
    let mut roots = RootCertStore::empty();
    let (taken, left_out) = roots.add_parsable_certificates(certificates.iter().cloned());
    if left_out > 0 {
        log::debug!("{left_out} certificates cannot be read, and {taken} can");
    }
    verifier(roots, certificates, file, provider)
}

/// A verifier that trusts what the system trusts; if the system has no certificates, as in an empty container, those
/// that are built into this program.
#[cfg(not(any(target_vendor = "apple", windows, target_os = "android")))]
pub(super) fn of_the_system(provider: &Arc<CryptoProvider>) -> Option<Arc<dyn ServerCertVerifier>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        log::debug!("the system's certificates: {error}");
    }
    of(found.certs, None, provider).or_else(|| bundled(provider))
}

/// A verifier that asks the system; if that is not possible, one with the certificates that are built into this
/// program.
#[cfg(any(target_vendor = "apple", windows, target_os = "android"))]
pub(super) fn of_the_system(provider: &Arc<CryptoProvider>) -> Option<Arc<dyn ServerCertVerifier>> {
    match rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
        Ok(system) => {
            let algorithms = provider.signature_verification_algorithms;
            let none = Arc::new(RootCertStore::empty());
            Some(Arc::new(Verifier::new(Arc::new(system), Vec::new(), none, None, algorithms)))
        }
        Err(error) => {
            log::debug!("the system's certificates: {error}");
            bundled(provider)
        }
    }
}

fn bundled(provider: &Arc<CryptoProvider>) -> Option<Arc<dyn ServerCertVerifier>> {
    log::debug!("the system has no CA certificates: using the bundled ones");
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    verifier(roots, Vec::new(), None, provider)
}

fn verifier(
    roots: RootCertStore,
    trusted: Vec<CertificateDer<'static>>,
    file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<dyn ServerCertVerifier>> {
    let roots = Arc::new(roots);
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
    let algorithms = provider.signature_verification_algorithms;
    // It fails if there are no roots.
    let inner = builder.build().ok()?;
    Some(Arc::new(Verifier::new(inner, trusted, roots, file, algorithms)))
}
