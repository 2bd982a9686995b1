//! The errors of a request to a registry, one variant for each thing that a caller can do next.
//!
//! `Display` describes one level only; the cause is in `source()`. No message contains a query, a header or a secret.
//! Text from a registry goes through `printable` first.

use std::sync::Arc;

use super::report::{ErrorCode, Report};
use crate::credential::{CredentialOrigin, CredentialsError};
use crate::digest::Digest;
use crate::http::{self, HttpFailure, HttpFault, RequestLine};

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There was no answer, or what came is not what was asked for.
    #[error(transparent)]
    Http(#[from] http::HttpError),
    /// 404: there is no such repository, tag, manifest or blob. The code in the report says which.
    #[error("{request}: 404{report}")]
    NotFound {
        /// The request.
        request: RequestLine,
        /// The registry's explanation.
        report: Report,
    },
    /// 401: credentials are missing or wrong.
    #[error("{request}: 401{report}")]
    Unauthorized {
        /// The request.
        request: RequestLine,
        /// The values of `WWW-Authenticate`, unparsed.
        challenges: Vec<String>,
        /// The token scope of the request.
        scope: String,
        /// Whether this came from the registry itself or its token service. If it came from another host, reached by a
        /// redirect, our credentials do not matter for it.
        from_registry: bool,
        /// The origin of the credential that was sent, which is wrong or not sufficient. `None` if none was sent.
        shown: Option<Arc<CredentialOrigin>>,
        /// Whether the credential was not sent, because it is a token and the registry wants user name and password.
        unfit: bool,
        /// The registry's explanation.
        report: Report,
    },
    /// 403: this user may not do this.
    #[error("{request}: 403{report}")]
    Forbidden {
        /// The request.
        request: RequestLine,
        /// Whether this came from the registry itself or its token service. If it came from another host, reached by a
        /// redirect, a login does not help.
        from_registry: bool,
        /// The origin of the credential that was sent.
        shown: Option<Arc<CredentialOrigin>>,
        /// The registry's explanation.
        report: Report,
    },
    /// Any other status that refuses the request.
    #[error("{request}: {status}{report}")]
    Refused {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// The registry's explanation.
        report: Report,
    },
    /// The registry refused a manifest because it lacks blobs that the manifest names: upload them, and try again.
    #[error("{request}: the registry lacks blobs of this manifest{report}")]
    BlobsUnknown {
        /// The request.
        request: RequestLine,
        /// The digests of those blobs, as far as the registry names them.
        digests: Vec<Digest>,
        /// The registry's explanation.
        report: Report,
    },
    /// The registry's challenge names a token service that is not known to belong to it. No credential was sent there.
    #[error("{request}: {host} has its tokens from {realm}, which is not known to belong to it")]
    ForeignRealm {
        /// The request that was answered with the challenge.
        request: RequestLine,
        /// The registry's host.
        host: String,
        /// The host of the realm, with its port unless that is the scheme's default one.
        /// `RegistryOptions::trusted_realms` takes it.
        realm: String,
    },
    /// The credential store failed, so a credential may exist that cannot be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// This host cannot stand in a URL.
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
    /// Whether the registry could not be reached, or said "later" to every attempt. Another attempt some time later may
    /// succeed.
    pub fn is_unreachable(&self) -> bool {
        self.is_transient()
    }

    /// Whether this request itself was answered, with something other than what it asked for. A request that only saves
    /// work can then be skipped. The answer of a token service does not count: it would be the same for the next
    /// requests.
    pub(super) fn is_an_answer_to(&self, asked: &http::HttpRequest<'_>) -> bool {
        let (line, answered) = (asked.line(), self.answered());
        // A redirect may have led elsewhere; only this request is a HEAD.
        answered.is_some_and(|it| *it == line || (it.method(), line.method()) == ("HEAD", "HEAD"))
    }

    /// Whether the server was reached and did not answer in HTTP: it, or a firewall on the way, closed the connection
    /// or sent something else. Some firewalls refuse requests that way.
    pub(super) fn is_cut_short(&self) -> bool {
        self.http().is_some_and(http::HttpError::is_cut_short)
    }

    /// The request that this error is the answer to, if there was an answer.
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

    /// Whether the registry answered 429, "Too Many Requests".
    pub(super) fn is_too_many_requests(&self) -> bool {
        let source = match self {
            Self::Http(http::HttpError::Unreachable { source, .. }) => source,
            _ => return false,
        };
        matches!(source, HttpFailure::Status { status: 429, .. })
    }

    /// Whether something is larger than its limit.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Http(http::HttpError::TooLarge { .. }))
    }

    /// Whether received content could not be written, for example because the disk is full.
    pub fn is_about_the_sink(&self) -> bool {
        matches!(self, Self::Http(http::HttpError::Sink { .. }))
    }

    /// Whether the registry's report contains this code.
    pub fn has_code(&self, code: &ErrorCode) -> bool {
        self.report().is_some_and(|report| report.has(code))
    }

    /// The registry's report, if the error has one.
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
