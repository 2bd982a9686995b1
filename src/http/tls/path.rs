//! Searches a path from a server's certificate to a trusted one, by Go's rules (crypto/x509, `buildChains`). It is used
//! where webpki finds none because the server's certificate is itself trusted, or is that of an authority.

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};

use super::facts::Facts;
use crate::http::tls_failure::TlsFailure;

/// How many signatures are checked at most: Go's maxChainSignatureChecks.
const MAX_CHECKS: usize = 100;

/// The result of the search for a trusted certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PathEnd {
    /// The certificate is trusted, or a path of signatures leads from it to a trusted one.
    Found,
    /// There is no such path.
    None,
    /// The only paths go through an authority with name constraints. webpki knows whether these allow the name.
    Limited,
}

/// Searches a path from the certificate `end` to one of `trusted`.
pub(super) fn leads_to(
    trusted: &[CertificateDer<'_>],
    end: &Facts<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> PathEnd {
    if trusted.iter().any(|trusted| end.is(trusted)) {
        return PathEnd::Found;
    }
    let (trusted, others) = (read(trusted), read(intermediates));
    let mut search =
        PathSearch { trusted: &trusted, others: &others, now, algorithms, checks: 0, limited: false };
    match search.from(end, 0) {
        true => PathEnd::Found,
        false if search.limited => PathEnd::Limited,
        false => PathEnd::None,
    }
}

fn read<'a>(certificates: &'a [CertificateDer<'_>]) -> Vec<Facts<'a>> {
    certificates.iter().filter_map(Facts::read).collect()
}

/// Checks that a certificate is valid now. The error says that it has expired, or is not valid yet.
pub(super) fn is_valid(certificate: &Facts<'_>, now: UnixTime) -> Result<(), TlsFailure> {
    let (from, to) = certificate.validity();
    if now.as_secs() < from.as_secs() {
        return Err(TlsFailure::NotYetValid { from: Some(from.as_secs()) });
    }
    if now.as_secs() > to.as_secs() {
        return Err(TlsFailure::Expired { at: Some(to.as_secs()) });
    }
    Ok(())
}

struct PathSearch<'a> {
    trusted: &'a [Facts<'a>],
    others: &'a [Facts<'a>],
    now: UnixTime,
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    checks: usize,
    /// Whether an authority was skipped because it has name constraints.
    limited: bool,
}

impl PathSearch<'_> {
    /// Whether a path leads from this certificate to a trusted one, with this many authorities on the path so far.
    fn from(&mut self, certificate: &Facts<'_>, authorities: usize) -> bool {
        let (trusted, others) = (self.trusted, self.others);
        trusted.iter().any(|issuer| self.issues(issuer, certificate, authorities))
            || others.iter().any(|issuer| {
                self.issues(issuer, certificate, authorities) && self.from(issuer, authorities + 1)
            })
    }

    fn issues(&mut self, issuer: &Facts<'_>, certificate: &Facts<'_>, authorities: usize) -> bool {
        let may = certificate.is_issued_by(issuer)
            && issuer.is_authority()
            && issuer.may_sign()
            && issuer.may_be_above(authorities)
            && issuer.is_for_servers()
            && !issuer.is_beyond_us()
            && is_valid(issuer, self.now).is_ok();
        if !may || self.checks == MAX_CHECKS {
            return false;
        }
        if issuer.is_limited() {
            self.limited = true;
            return false;
        }
        self.checks += 1;
        certificate.is_signed_by(issuer, self.algorithms)
    }
}
