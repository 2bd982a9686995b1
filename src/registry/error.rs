//! What can go wrong between us and a registry, told apart by what a caller can do next.
//!
//! `Display` is this level only; the cause is in `source()`. No message holds a query, a header or a secret, and
//! nothing that a registry said is in one before `printable` has seen it.

use std::sync::Arc;

use super::report::{ErrorCode, Report};
use crate::credential::{CredentialOrigin, CredentialsError};
use crate::digest::Digest;
use crate::http::{self, HttpFailure, HttpFault, RequestLine};

/// Why a request to a registry did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It did not get there and back, or what came is not what was asked for.
    #[error(transparent)]
    Http(#[from] http::HttpError),
    /// 404: no such repository, tag, manifest or blob; the code tells which.
    #[error("{request}: 404{report}")]
    NotFound {
        /// The request.
        request: RequestLine,
        /// What the registry said.
        report: Report,
    },
    /// 401: credentials are missing or wrong.
    #[error("{request}: 401{report}")]
    Unauthorized {
        /// The request.
        request: RequestLine,
        /// The values of `WWW-Authenticate`, unparsed.
        challenges: Vec<String>,
        /// The scope that the request was for.
        scope: String,
        /// Whether this came from the registry itself, or its token service. The challenge of another host, reached by a
        /// redirect, is none of our credentials' business.
        from_registry: bool,
        /// Where the credential came from that was shown. It is wrong, or not enough; without one, one is missing.
        shown: Option<Arc<CredentialOrigin>>,
        /// Whether it was not even shown, because it is a token where a user and a password are wanted.
        unfit: bool,
        /// What the registry said.
        report: Report,
    },
    /// 403: who asks may not do this.
    #[error("{request}: 403{report}")]
    Forbidden {
        /// The request.
        request: RequestLine,
        /// Whether this came from the registry itself, or its token service. What another host that a redirect led to
        /// does not allow has nothing to do with a login.
        from_registry: bool,
        /// Where the credential came from that was shown.
        shown: Option<Arc<CredentialOrigin>>,
        /// What the registry said.
        report: Report,
    },
    /// Any other answer that is a refusal.
    #[error("{request}: {status}{report}")]
    Refused {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// What the registry said.
        report: Report,
    },
    /// A manifest was refused because blobs it names are not there: upload them, and try once more.
    #[error("{request}: the registry lacks blobs of this manifest{report}")]
    BlobsUnknown {
        /// The request.
        request: RequestLine,
        /// Which, as far as the registry said.
        digests: Vec<Digest>,
        /// What the registry said.
        report: Report,
    },
    /// The registry sends for tokens to a host that is not known to belong to it. No credential was sent there.
    #[error("{request}: {host} has its tokens from {realm}, which is not known to belong to it")]
    ForeignRealm {
        /// The request that the challenge answered.
        request: RequestLine,
        /// The registry's host.
        host: String,
        /// The host of the realm, with its port unless that is the scheme's own: what `RegistryOptions::trusted_realms` takes.
        realm: String,
    },
    /// A credential may be there, and cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A host that cannot stand in a URL.
    #[error("`{0}` is not a registry host")]
    Host(String),
}

impl HttpFault for RegistryError {
    fn http(&self) -> Option<&http::HttpError> {
        match self {
            Self::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl RegistryError {
    /// Whether the registry was not reached, or said "later" to the end: trying again some other time may help.
    pub fn is_unreachable(&self) -> bool {
        self.is_transient()
    }

    /// Whether this request was answered, and that with something other than what it asked for. One that only saves work is
    /// then gone without. What a token service answers is another matter: it holds for the requests to come, too.
    pub(super) fn is_an_answer_to(&self, asked: &http::HttpRequest<'_>) -> bool {
        let (line, answered) = (asked.line(), self.answered());
        // A redirect may have led elsewhere; no other request of these is a HEAD.
        answered.is_some_and(|it| *it == line || (it.method(), line.method()) == ("HEAD", "HEAD"))
    }

    /// Whether there was no answer in HTTP though the server was reached: it, or something on the way that does not like
    /// the request, has closed the connection or sent something else. That is how some firewalls refuse.
    pub(super) fn is_cut_short(&self) -> bool {
        self.http().is_some_and(http::HttpError::is_cut_short)
    }

    /// The request that this is the answer to, if there was one.
    fn answered(&self) -> Option<&RequestLine> {
        match self {
            Self::NotFound { request, .. }
            | Self::Unauthorized { request, .. }
            | Self::Forbidden { request, .. }
            | Self::Refused { request, .. }
            | Self::BlobsUnknown { request, .. } => Some(request),
            Self::Http(
                http::HttpError::Unreachable { request, source: HttpFailure::Status { .. } }
                | http::HttpError::Mismatch { request, .. }
                | http::HttpError::Protocol { request, .. }
                | http::HttpError::Elsewhere { request, .. }
                | http::HttpError::Inside { request, .. }
                | http::HttpError::RefusedByProxy { request, .. }
                | http::HttpError::Redirected { request, .. },
            ) => Some(request),
            Self::Http(_) | Self::ForeignRealm { .. } | Self::Credentials(_) | Self::Host(_) => None,
        }
    }

    /// Whether the registry wants fewer requests.
    pub(super) fn is_too_many_requests(&self) -> bool {
        let source = match self {
            Self::Http(http::HttpError::Unreachable { source, .. }) => source,
            _ => return false,
        };
        matches!(source, HttpFailure::Status { status: 429, .. })
    }

    /// Whether something is larger than it may be.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Http(http::HttpError::TooLarge { .. }))
    }

    /// Whether what came cannot be kept: a full disk.
    pub fn is_about_the_sink(&self) -> bool {
        matches!(self, Self::Http(http::HttpError::Sink { .. }))
    }

    /// Whether the registry gave this code.
    pub fn has_code(&self, code: &ErrorCode) -> bool {
        self.report().is_some_and(|report| report.has(code))
    }

    /// What the registry said, if it answered at all.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::NotFound { report, .. }
            | Self::Unauthorized { report, .. }
            | Self::Forbidden { report, .. }
            | Self::Refused { report, .. }
            | Self::BlobsUnknown { report, .. } => Some(report),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Location;

    #[test]
    fn says_request_status_code_and_message() {
        let location = Location::parse("https://r.example/v2/a/manifests/1?secret=s3cret").unwrap();
        let request = RequestLine::new("GET", &location);
        let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
        let error = RegistryError::NotFound { request, report: Report::read(body, "application/json") };
        assert_eq!(
            error.to_string(),
            "GET https://r.example/v2/a/manifests/1: 404: MANIFEST_UNKNOWN: manifest unknown"
        );
        assert!(error.has_code(&ErrorCode::ManifestUnknown));
    }

    #[test]
    fn is_small_enough_to_return() {
        assert!(size_of::<RegistryError>() <= 128, "{}", size_of::<RegistryError>());
    }
}
