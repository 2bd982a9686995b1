//! What can go wrong between us and a registry, told apart by what a caller can do next.
//!
//! `Display` is this level only; the cause is in `source()`. No message holds a query, a header or a secret, and
//! nothing that a registry said is in one before `printable` has seen it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::location::{Location, Refusal};
use super::report::{ErrorCode, Report};
use crate::credential::CredentialsError;
use crate::digest::{Digest, Mismatch};

/// A request, as far as it may be shown: `GET https://registry.example.com/v2/…`, without the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    method: &'static str,
    url: Box<str>,
}

impl RequestLine {
    pub(super) fn new(method: &'static str, location: &Location) -> Self {
        Self { method, url: location.to_string().into() }
    }

    /// `GET`.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The URL without its query.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// Why a request to a registry did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
        /// Whether this came from the registry itself, or its token service. The challenge of another host, reached by a redirect, is none
        /// of our credentials' business.
        from_registry: bool,
        /// Whether a credential was shown. If so it is wrong, or not enough; if not, one is missing.
        shown: bool,
        /// What the registry said.
        report: Report,
    },
    /// 403: these credentials are not enough.
    #[error("{request}: 403{report}")]
    Forbidden {
        /// The request.
        request: RequestLine,
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
    /// No connection, no complete answer, or one that says "later", after all retries.
    #[error("{request}")]
    Unreachable {
        /// The request.
        request: RequestLine,
        /// What happened the last time.
        source: Failure,
    },
    /// Content that is not what its digest or size says.
    #[error("{request}: verification failed")]
    Mismatch {
        /// The request.
        request: RequestLine,
        /// The difference.
        source: Mismatch,
    },
    /// More than we are willing to send or read.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What is.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The registry does not do as the distribution spec says.
    #[error("{request}: {how}")]
    Protocol {
        /// The request.
        request: RequestLine,
        /// In which way.
        how: String,
    },
    /// The registry points to a place that is not gone to.
    #[error("{request}: the registry points to {to}")]
    Elsewhere {
        /// The request.
        request: RequestLine,
        /// That place, without its query.
        to: String,
        /// Why it is not gone to.
        source: Refusal,
    },
    /// The registry sends for tokens to a host that is not known to belong to it. No credential was sent there.
    #[error("{request}: {host} has its tokens from {realm}, which is not known to belong to it")]
    ForeignRealm {
        /// The request that the challenge answered.
        request: RequestLine,
        /// The registry's host.
        host: String,
        /// The host of the realm, with its port unless that is the scheme's own: what `Options::trusted_realms` takes.
        realm: String,
    },
    /// A credential may be there, and cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// TLS was spoken, and answered in plain HTTP.
    #[error("{request}: the registry answered in plain HTTP instead of TLS")]
    SpeaksPlainHttp {
        /// The request.
        request: RequestLine,
    },
    /// Plain HTTP was spoken, and not answered in it: most likely the port speaks TLS.
    #[error("{request}: the registry does not speak plain HTTP here")]
    SpeaksTls {
        /// The request.
        request: RequestLine,
    },
    /// No trust: an unknown, expired or foreign certificate, or no common version.
    #[error("{request}: no TLS connection")]
    Tls {
        /// The request.
        request: RequestLine,
        /// What the TLS library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A certificate or key file cannot be used.
    #[error("cannot use {}: {how}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        how: String,
    },
    /// A certificate or key file cannot be read.
    #[error("cannot read {}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A proxy of the environment cannot be used. Its URL is not repeated: it may hold a password.
    #[error("cannot use the proxy for {url}: {how}")]
    Proxy {
        /// What the proxy was for.
        url: String,
        /// Why not.
        how: String,
    },
    /// Neither a tag nor a digest.
    #[error("`{0}` is neither a tag nor a digest")]
    Target(String),
    /// A host that cannot stand in a URL.
    #[error("`{0}` is not a registry host")]
    Host(String),
    /// The content to send cannot be read, or is not what its descriptor says.
    #[error("cannot read the content of {digest}")]
    Source {
        /// Which content.
        digest: Digest,
        /// What happened.
        source: io::Error,
    },
    /// Received content cannot be kept.
    #[error("cannot write the content of {digest}")]
    Sink {
        /// Which content.
        digest: Digest,
        /// What the system said.
        source: io::Error,
    },
}

/// Why an answer did not come, or did not help. Trying again later may.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A status that means "not now".
    #[error("{status}{report}{}", asks(*retry_after))]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the registry asks to wait.
        retry_after: Option<Duration>,
        /// What the registry said.
        report: Report,
    },
    /// The name does not resolve.
    #[error("the host is not found")]
    HostNotFound,
    /// Nothing happened for too long.
    #[error("timeout: {0}")]
    Timeout(String),
    /// The proxy does not get through.
    #[error("the proxy cannot connect: {0}")]
    Proxy(String),
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
}

fn asks(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(" (asks to wait {} s)", wait.as_secs()))
}

impl Error {
    /// Whether the same request may succeed if it is just made again.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// The wait that the registry asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { source: Failure::Status { retry_after, .. }, .. } => *retry_after,
            _ => None,
        }
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
            | Self::BlobsUnknown { report, .. }
            | Self::Unreachable { source: Failure::Status { report, .. }, .. } => Some(report),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_request_status_code_and_message() {
        let location = Location::parse("https://r.example/v2/a/manifests/1?secret=s3cret").unwrap();
        let request = RequestLine::new("GET", &location);
        let report = || {
            Report::read(
                br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#,
                "application/json",
            )
        };
        let error = Error::NotFound { request: request.clone(), report: report() };
        assert_eq!(
            error.to_string(),
            "GET https://r.example/v2/a/manifests/1: 404: MANIFEST_UNKNOWN: manifest unknown"
        );
        assert!(error.has_code(&ErrorCode::ManifestUnknown));
        let source = Failure::Status {
            status: 429,
            retry_after: Some(Duration::from_secs(120)),
            report: Report::default(),
        };
        let error = Error::Unreachable { request, source };
        assert_eq!(error.to_string(), "GET https://r.example/v2/a/manifests/1");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("429 (asks to wait 120 s)"));
    }

    #[test]
    fn is_small_enough_to_return() {
        assert!(size_of::<Error>() <= 128, "{}", size_of::<Error>());
    }
}
