//! What can go wrong on the way to a server and back, told apart by what a caller can do next.
//!
//! `Display` is this level only; the cause is in `source()`. No message holds a query, a header or a secret, and nothing
//! that a server said is in one before `printable` has seen it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::inside::NetworkPlace;
use super::refusal::RedirectRefusal;
use super::request_line::RequestLine;
use super::tls_failure::TlsFailure;
use crate::digest::{Digest, Mismatch};
use crate::terminal::printable;

/// Why a request did not do what it was for. Statuses that refuse it are no errors here: the caller knows what they mean.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, no complete answer, or one that says "later", after all retries.
    #[error("{request}")]
    Unreachable {
        /// The request.
        request: RequestLine,
        /// What happened the last time.
        source: HttpFailure,
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
    /// The server does not do as its protocol says.
    #[error("{request}: {how}")]
    Protocol {
        /// The request.
        request: RequestLine,
        /// In which way.
        how: String,
    },
    /// The server points to a place that is not gone to.
    #[error("{request}: the answer points to {to}")]
    Elsewhere {
        /// The request.
        request: RequestLine,
        /// That place, without its query.
        to: String,
        /// Why it is not gone to.
        source: RedirectRefusal,
    },
    /// A request that writes is redirected in a way that would make it one that reads (RFC 9110 15.4).
    #[error("{request}: {status}{to}")]
    Redirected {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// ` to ` and the place, without its query; nothing if there is none.
        to: String,
    },
    /// TLS was spoken, and answered in plain HTTP.
    #[error("{request}: answered in plain HTTP instead of TLS")]
    SpeaksPlainHttp {
        /// The request.
        request: RequestLine,
    },
    /// Plain HTTP was spoken, and not answered in it: most likely the port speaks TLS.
    #[error("{request}: plain HTTP is not spoken here")]
    SpeaksTls {
        /// The request.
        request: RequestLine,
    },
    /// No trust: an unknown, expired or foreign certificate, or no common version.
    #[error("{request}: no TLS connection")]
    Tls {
        /// The request.
        request: RequestLine,
        /// Why not.
        source: Box<TlsFailure>,
    },
    /// A certificate or key file cannot be used.
    #[error("cannot use {}: {how}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        how: String,
    },
    /// Of a client certificate and its key only one is given.
    #[error("cannot use {}: it needs its {missing} as well", path.display())]
    Unpaired {
        /// The file that is given.
        path: PathBuf,
        /// What the other one is: `key` or `certificate`.
        missing: &'static str,
    },
    /// A certificate or key file cannot be read.
    #[error("cannot read {}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A proxy of the environment cannot be used.
    #[error("{request}: cannot use the proxy {proxy}: {how}")]
    Proxy {
        /// The request.
        request: RequestLine,
        /// Its scheme, host and port, without user and password; where it stands in the environment, if it is no URL.
        proxy: String,
        /// Why not.
        how: String,
    },
    /// A proxy that is asked for plain HTTP refuses by itself, and the server has not been asked.
    #[error("{request}: the proxy {proxy} does not let us through ({status})")]
    RefusedByProxy {
        /// The request.
        request: RequestLine,
        /// The proxy's scheme, host and port, without user and password.
        proxy: String,
        /// The HTTP status.
        status: u16,
    },
    /// A name leads to where the server that names it has no business to send us.
    #[error("{request}: {host} is inside this network{}, and a server elsewhere sends us there", or_worse(*place))]
    Inside {
        /// The request.
        request: RequestLine,
        /// The host, with its port unless that is the scheme's own.
        host: String,
        /// Where it is.
        place: NetworkPlace,
    },
    /// The content to send cannot be read, or is not what its digest says.
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
pub enum HttpFailure {
    /// A status that means "not now".
    #[error("{status}{said}{}", asks(*retry_after))]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What it said, as the caller understands it, with `: ` in front unless that is nothing.
        said: String,
    },
    /// The name does not resolve.
    #[error("the host is not found")]
    HostNotFound,
    /// Nothing happened for too long.
    #[error("timeout: {0}")]
    Timeout(String),
    /// The proxy is not reached, or does not get through.
    #[error("the proxy {proxy}: {how}")]
    Proxy {
        /// Its scheme, host and port, without user and password.
        proxy: String,
        /// What it says, or does not.
        how: String,
        /// What the system says.
        source: Option<io::Error>,
    },
    /// A body moves, and far too slowly.
    #[error("fewer than {bytes} bytes in {}", humantime::format_duration(*window))]
    TooSlow {
        /// How many bytes at least have to move.
        bytes: u64,
        /// In a time of this length.
        window: Duration,
    },
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
}

fn or_worse(place: NetworkPlace) -> &'static str {
    if place == NetworkPlace::Private {
        ""
    } else {
        ", or this machine, or where clouds hand out credentials"
    }
}

fn asks(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(" (asks to wait {} s)", wait.as_secs()))
}

/// An error of somebody who stands on this floor, and may have it from here.
pub(crate) trait HttpFault: From<HttpError> + std::error::Error {
    /// The error of this floor in it, if it is one.
    fn http(&self) -> Option<&HttpError>;

    /// Whether the same request may succeed if it is just made again.
    fn is_transient(&self) -> bool {
        matches!(self.http(), Some(HttpError::Unreachable { .. }))
    }

    /// Whether it is about content that is not what it should be.
    fn is_mismatch(&self) -> bool {
        matches!(self.http(), Some(HttpError::Mismatch { .. }))
    }
}

impl HttpFault for HttpError {
    fn http(&self) -> Option<&Self> {
        Some(self)
    }
}

impl HttpError {
    /// A server named a place that is not gone to.
    pub(crate) fn elsewhere(request: &RequestLine, to: &str, source: RedirectRefusal) -> Self {
        Self::Elsewhere { request: request.clone(), to: without_secrets(to), source }
    }

    /// Whether the connection was refused, by the server or by the proxy in front of it.
    pub fn is_refused(&self) -> bool {
        let Self::Unreachable { source, .. } = self else { return false };
        match source {
            HttpFailure::Io(error) | HttpFailure::Proxy { source: Some(error), .. } => {
                error.kind() == io::ErrorKind::ConnectionRefused
            }
            _ => false,
        }
    }

    /// Whether the server was reached, and closed the connection or sent something that is no HTTP instead of an answer.
    pub(crate) fn is_cut_short(&self) -> bool {
        match self {
            Self::Unreachable { source: HttpFailure::Io(error), .. } => is_dead(error),
            Self::SpeaksTls { .. } => true,
            _ => false,
        }
    }

    /// The wait that the server asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { source: HttpFailure::Status { retry_after, .. }, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Whether the connection was closed under us.
pub(super) fn is_dead(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// A URL as it may be shown. The query may be a signature, and userinfo is credentials: neither is repeated.
fn without_secrets(to: &str) -> String {
    let to = to.split(['?', '#']).next().unwrap_or_default();
    let to = match to.rsplit_once('@') {
        Some((_, rest)) => rest,
        None => to,
    };
    printable(to, 256)
}

#[cfg(test)]
mod tests {
    use super::super::location::Location;
    use super::*;

    #[test]
    fn says_request_status_and_what_was_said() {
        let location = Location::parse("https://r.example/v2/a/manifests/1?secret=s3cret").unwrap();
        let request = RequestLine::new("GET", &location);
        let retry_after = Some(Duration::from_secs(120));
        let source = HttpFailure::Status { status: 429, retry_after, said: String::new() };
        let error = HttpError::Unreachable { request, source };
        assert_eq!(error.to_string(), "GET https://r.example/v2/a/manifests/1");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("429 (asks to wait 120 s)"));
    }

    #[test]
    fn is_small_enough_to_return() {
        assert!(size_of::<HttpError>() <= 128, "{}", size_of::<HttpError>());
    }
}
