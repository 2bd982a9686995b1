//! Which servers are believed to be who they say.
//!
//! webpki decides first, or on some systems the system itself. Where it says no, a server may still be believed by Go's
//! rules (crypto/x509, `Certificate.Verify`), which are Helm's: a certificate that is itself among those that the user
//! trusts needs no authority, and one of an authority may be a server's: `openssl req -x509` makes such certificates. One
//! for any purpose may be a server's, too.
//! Names, dates and purposes count all the same.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::facts::Facts;
use super::path;
use crate::http::tls_failure::TlsFailure;

/// The fewest bits of an RSA key that ring believes in.
const MIN_RSA: usize = 2048;
/// The most.
const MAX_RSA: usize = 8192;

/// Believes servers by the certificates that are trusted.
pub(super) struct Verifier {
    inner: Arc<dyn ServerCertVerifier>,
    /// The certificates that are trusted; none where only the system knows them.
    trusted: Vec<CertificateDer<'static>>,
    /// The file that the user has named for them.
    file: Option<PathBuf>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        inner: Arc<dyn ServerCertVerifier>,
        trusted: Vec<CertificateDer<'static>>,
        file: Option<&Path>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { inner, trusted, file: file.map(Path::to_owned), algorithms }
    }

    /// By Go's rules, once webpki has said no.
    fn believe(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
        refused: &rustls::Error,
    ) -> Result<(), TlsFailure> {
        let refusal = || match refused.clone() {
            rustls::Error::InvalidCertificate(error) => TlsFailure::of_certificate(&error),
            error => error.into(),
        };
        let Some(facts) = Facts::read(end_entity) else { return Err(refusal()) };
        let failure = match refusal() {
            failure @ (TlsFailure::UnknownAuthority { .. }
            | TlsFailure::AuthorityAsServer
            | TlsFailure::Purpose) => failure,
            failure => return Err(explained(failure, &facts, intermediates)),
        };
        if !path::leads_to(&self.trusted, &facts, intermediates, now, self.algorithms.all) {
            return Err(match failure {
                TlsFailure::Purpose => TlsFailure::Purpose,
                _ if facts.is_self_signed(self.algorithms.all) => {
                    TlsFailure::SelfSigned { file: self.file.clone() }
                }
                // That it is one of an authority would be no reason.
                _ => TlsFailure::UnknownAuthority { file: self.file.clone() },
            });
        }
        path::is_valid(&facts, now)?;
        if !facts.is_for_servers() {
            return Err(TlsFailure::Purpose);
        }
        if facts.is_beyond_us() {
            return Err(TlsFailure::of_certificate(&CertificateError::UnhandledCriticalExtension));
        }
        let named =
            ParsedCertificate::try_from(end_entity).and_then(|parsed| verify_server_name(&parsed, name));
        named.map_err(|error| explained(error.into(), &facts, intermediates))
    }

    /// A handshake's signature with a key that is too small, or too large, is no forgery.
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

/// What webpki says, with what it does not tell.
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

/// What is wrong with the size of an RSA key.
fn unsound(facts: &Facts<'_>) -> Option<TlsFailure> {
    let bits = facts.rsa_bits().filter(|bits| !(MIN_RSA..=MAX_RSA).contains(bits))?;
    let what = format!("an RSA key of {bits} bits, where {MIN_RSA} to {MAX_RSA} are believed");
    Some(TlsFailure::Algorithm { what })
}

/// A failure on its way through rustls.
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
        let error =
            match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                Ok(verified) => return Ok(verified),
                Err(error) => error,
            };
        match self.believe(end_entity, intermediates, server_name, now, &error) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(failure) => Err(told(failure)),
        }
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

/// Believes everybody, as `--insecure` asks for.
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
        // Signatures are not looked at, so that old ones do as well.
        schemes.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        schemes
    }
}
