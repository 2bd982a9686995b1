//! From the certificate of a server to one that is trusted, by Go's rules (crypto/x509, `buildChains`): where webpki finds
//! no way because the server's certificate is one that is trusted itself, or one of an authority.

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};

use super::facts::Facts;
use crate::http::tls_failure::TlsFailure;

/// As many signatures as are checked: Go's maxChainSignatureChecks.
const MAX_CHECKS: usize = 100;

/// Where the search for a trusted certificate has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PathEnd {
    /// The certificate is trusted, or signed by one that is, or by one that leads there.
    Found,
    /// There is none.
    None,
    /// There is none that does not go through an authority which may give some names only. Whether it may give this one is
    /// what webpki knows.
    Limited,
}

/// Looks for the way from a certificate to one that is trusted.
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

/// Whether now is between a certificate's first and last moment.
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
    /// Whether an authority was passed over because it may give some names only.
    limited: bool,
}

impl PathSearch<'_> {
    /// Whether there is a way from here, with so many authorities behind us.
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
