//! Verifies that a server is the one that its name says.
//!
//! webpki decides first, or on some systems the system itself. Then the trusted certificate has to be fit to sign,
//! which webpki does not check. If the answer is no, a server may still be accepted by Go's rules (crypto/x509,
//! `Certificate.Verify`), which Helm uses: a certificate that the user trusts itself needs no authority, and that of an
//! authority may be a server's (`openssl req -x509` makes such certificates), as may one for any purpose. Names, dates
//! and purposes are checked in every case.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::anchors::Anchors;
use super::facts::Facts;
use super::path::{self, PathEnd};
use crate::http::tls_failure::TlsFailure;

/// The smallest RSA key that ring accepts, in bits.
const MIN_RSA: usize = 2048;
/// The largest RSA key that ring accepts, in bits.
const MAX_RSA: usize = 8192;

/// Verifies servers by the trusted certificates.
pub(super) struct Verifier {
    inner: Arc<dyn ServerCertVerifier>,
    /// The trusted certificates; empty if only the system knows them, or if they are built into this program.
    trusted: Vec<CertificateDer<'static>>,
    /// The trusted certificates in webpki's form.
    roots: Arc<RootCertStore>,
    /// The file from the user's options that the trusted certificates come from.
    file: Option<PathBuf>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        inner: Arc<dyn ServerCertVerifier>,
        trusted: Vec<CertificateDer<'static>>,
        roots: Arc<RootCertStore>,
        file: Option<&Path>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { inner, trusted, roots, file: file.map(Path::to_owned), algorithms }
    }

    /// Verifies by webpki's rules, and checks the trusted certificate by Go's.
    fn vouch_for(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<(), TlsFailure> {
        let mut unfit = None;
        if !self.trusted.is_empty() {
            let anchors = Anchors { roots: &self.roots, certificates: &self.trusted };
            match anchors.vouch_for(end_entity, intermediates, name, now, self.algorithms.all) {
                Ok(()) => return Ok(()),
                Err(why) => unfit = why,
            }
        }
        match self.inner.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
            Ok(_) if self.trusted.is_empty() => Ok(()),
            Ok(_) => Err(unfit.unwrap_or(TlsFailure::UnknownAuthority { file: None })),
            Err(rustls::Error::InvalidCertificate(error)) => Err(TlsFailure::of_certificate(&error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Verifies by Go's rules, after webpki has said no.
    fn believe(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
        failure: TlsFailure,
    ) -> Result<(), TlsFailure> {
        let Some(facts) = Facts::read(end_entity) else { return Err(failure) };
        match failure {
            TlsFailure::UnknownAuthority { .. }
            | TlsFailure::AuthorityAsServer
            | TlsFailure::Constraint { .. }
            | TlsFailure::CriticalExtension
            | TlsFailure::TooFar
            | TlsFailure::Purpose => {}
            failure => return Err(explained(failure, &facts, intermediates)),
        }
        let way = path::leads_to(&self.trusted, &facts, intermediates, now, self.algorithms.all);
        if way != PathEnd::Found {
            return Err(match failure {
                TlsFailure::UnknownAuthority { .. } | TlsFailure::AuthorityAsServer
                    if facts.is_self_signed(self.algorithms.all) =>
                {
                    TlsFailure::SelfSigned { file: self.file.clone() }
                }
                TlsFailure::AuthorityAsServer if way == PathEnd::Limited => failure,
                // That it is the certificate of an authority would not be the reason.
                TlsFailure::UnknownAuthority { .. } | TlsFailure::AuthorityAsServer => {
                    TlsFailure::UnknownAuthority { file: self.file.clone() }
                }
                failure => failure,
            });
        }
        path::is_valid(&facts, now)?;
        if !facts.is_for_servers() {
            return Err(TlsFailure::Purpose);
        }
        if facts.is_beyond_us() {
            return Err(TlsFailure::CriticalExtension);
        }
        let named =
            ParsedCertificate::try_from(end_entity).and_then(|parsed| verify_server_name(&parsed, name));
        named.map_err(|error| explained(error.into(), &facts, intermediates))
    }

    /// Replaces the error of a handshake's signature if the key has a size that ring does not accept: then it is not a
    /// forgery.
    fn judged(
        result: Result<HandshakeSignatureValid, rustls::Error>,
        certificate: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        result.map_err(|error| match Facts::read(certificate).and_then(|facts| unsound(&facts)) {
            Some(failure) => told(failure),
            None => error,
        })
    }
}

/// webpki's failure, with details from the certificates that webpki does not report.
fn explained(failure: TlsFailure, facts: &Facts<'_>, intermediates: &[CertificateDer<'_>]) -> TlsFailure {
    match failure {
        TlsFailure::OtherName { host, names } => match facts.sole_common_name() {
            Some(name) => TlsFailure::CommonNameOnly { name: crate::terminal::printable(&name, 100) },
            None => TlsFailure::OtherName { host, names },
        },
        TlsFailure::BadSignature => {
            let others = intermediates.iter().filter_map(|der| Facts::read(der));
            let mut all = std::iter::once(unsound(facts)).chain(others.map(|facts| unsound(&facts)));
            all.find_map(|found| found).unwrap_or(TlsFailure::BadSignature)
        }
        failure => failure,
    }
}

/// The failure for an RSA key of a size that ring does not accept.
fn unsound(facts: &Facts<'_>) -> Option<TlsFailure> {
    let bits = facts.rsa_bits().filter(|bits| !(MIN_RSA..=MAX_RSA).contains(bits))?;
    let what = format!("an RSA key of {bits} bits, where {MIN_RSA} to {MAX_RSA} are believed");
    Some(TlsFailure::Algorithm { what })
}

/// Wraps a failure as an error of rustls.
fn told(failure: TlsFailure) -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(failure))).into()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.vouch_for(end_entity, intermediates, server_name, ocsp_response, now)
            .or_else(|failure| self.believe(end_entity, intermediates, server_name, now, failure))
            .map(|()| ServerCertVerified::assertion())
            .map_err(told)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::judged(verify_tls12_signature(message, cert, dss, &self.algorithms), cert)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::judged(verify_tls13_signature(message, cert, dss, &self.algorithms), cert)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

/// Accepts every certificate, as `--insecure` asks for.
#[derive(Debug)]
pub(super) struct Credulous {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms.supported_schemes();
        // Signatures are not checked, so old schemes are acceptable too.
        schemes.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        schemes
    }
}
