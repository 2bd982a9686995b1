//! Checks on trusted certificates that webpki does not make.
//!
//! webpki treats every trusted certificate as an authority: it keeps only names, keys and name constraints. Go checks a
//! trusted certificate like any other on the path (crypto/x509, `CheckSignatureFrom` and `isValid`). This matters if
//! users trust the certificate of a single server: without it the holder of its key could impersonate every other
//! server.

use std::cell::RefCell;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::facts::Facts;
use super::path;
use crate::http::tls_failure::TlsFailure;

/// The trusted certificates, each as itself and in webpki's form.
pub(super) struct Anchors<'a> {
    pub(super) roots: &'a RootCertStore,
    pub(super) certificates: &'a [CertificateDer<'static>],
}

impl Anchors<'_> {
    /// Checks that a server's certificate has this name and is signed by a trusted certificate that may do so, or by
    /// authorities below one. The error says what the last trusted certificate that was tried lacks; it holds `None` if
    /// that was not the reason.
    pub(super) fn vouch_for(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), Option<TlsFailure>> {
        let certificate = EndEntityCert::try_from(end_entity).map_err(|_| None)?;
        let refused = RefCell::new(None);
        let fits = |path: &VerifiedPath<'_>| {
            self.may_anchor(path, now).map_err(|failure| {
                refused.replace(Some(failure));
                webpki::Error::UnknownIssuer
            })
        };
        let usage = KeyUsage::server_auth();
        let roots = &self.roots.roots;
        let path =
            certificate.verify_for_usage(algorithms, roots, intermediates, now, usage, None, Some(&fits));
        path.map_err(|_| refused.take())?;
        certificate.verify_is_valid_for_subject_name(name).map_err(|_| None)
    }

    /// Checks that the trusted certificate at the end of a path may be there, and that those on the path may sign. If
    /// several trusted ones have that name and key, as when an authority has renewed its own, one that may is enough.
    fn may_anchor(&self, path: &VerifiedPath<'_>, now: UnixTime) -> Result<(), TlsFailure> {
        let mut authorities = 0;
        for authority in path.intermediate_certificates() {
            if !Facts::read(&authority.der()).is_some_and(|facts| facts.may_sign()) {
                return Err(TlsFailure::Constraint { how: "it may not sign certificates" });
            }
            authorities += 1;
        }
        let mut failure = TlsFailure::UnknownAuthority { file: None };
        for trusted in self.certificates.iter().filter(|trusted| is_anchor(path.anchor(), trusted)) {
            let Some(facts) = Facts::read(trusted) else { continue };
            match may_sign_for_servers(&facts, authorities, now) {
                Ok(()) => return Ok(()),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }
}

/// Whether webpki has made this anchor from this certificate, by subject and key.
fn is_anchor(anchor: &TrustAnchor<'_>, certificate: &CertificateDer<'_>) -> bool {
    webpki::anchor_from_trusted_cert(certificate).is_ok_and(|own| {
        own.subject == anchor.subject && own.subject_public_key_info == anchor.subject_public_key_info
    })
}

/// Checks that a trusted certificate may be above this many authorities and the certificate of a server.
fn may_sign_for_servers(facts: &Facts<'_>, authorities: usize, now: UnixTime) -> Result<(), TlsFailure> {
    let how = if !facts.is_authority() {
        "it is no authority"
    } else if !facts.may_sign() {
        "it may not sign certificates"
    } else if !facts.may_be_above(authorities) {
        "it may have no authority below it"
    } else if !facts.is_for_servers() {
        "it is none for servers"
    } else {
        return path::is_valid(facts, now).map_err(|failure| match failure {
            TlsFailure::Expired { .. } => TlsFailure::Constraint { how: "it has expired" },
            _ => TlsFailure::Constraint { how: "it is not valid yet" },
        });
    };
    Err(TlsFailure::Constraint { how })
}
