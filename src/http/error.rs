//! The errors of a request to a server, one variant for each thing that a caller can do next.
//!
//! `Display` describes one level only; the cause is in `source()`. No message contains a query, a header or a secret.
//! Text from a server goes through `printable` first.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::inside::NetworkPlace;
use super::refusal::RedirectRefusal;
use super::request_line::RequestLine;
use super::tls_failure::TlsFailure;
use crate::digest::{Digest, Mismatch};
use crate::terminal::printable;

/// Why a request failed. A status that refuses the request is not an error here: the caller knows what it means.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There was no connection, no complete answer, or a status that means "later", even after all retries.
    #[error("{request}")]
    Unreachable {
        /// The request.
        request: RequestLine,
        /// Why the last attempt failed.
        source: HttpFailure,
    },
    /// The content does not have the digest or the size that it should have.
    #[error("{request}: verification failed")]
    Mismatch {
        /// The request.
        request: RequestLine,
        /// The expected and the found digest or size.
        source: Mismatch,
    },
    /// Something is larger than what we are willing to send or read.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The server violates the protocol.
    #[error("{request}: {how}")]
    Protocol {
        /// The request.
        request: RequestLine,
        /// What is wrong with the answer.
        how: String,
    },
    /// The server redirects to a place that we do not go to.
    #[error("{request}: the answer points to {to}")]
    Elsewhere {
        /// The request.
        request: RequestLine,
        /// The URL that it redirects to, without its query.
        to: String,
        /// Why we do not go there.
        source: RedirectRefusal,
    },
    /// A request that writes was redirected with 301, 302 or 303, which would turn it into a `GET` (RFC 9110 15.4).
    #[error("{request}: {status}{to}")]
    Redirected {
        /// The request.
        request: RequestLine,
        /// The HTTP status.
        status: u16,
        /// ` to ` and the URL without its query; empty if the answer has no usable `Location`.
        to: String,
    },
    /// We spoke TLS, and the server answered in plain HTTP.
    #[error("{request}: answered in plain HTTP instead of TLS")]
    SpeaksPlainHttp {
        /// The request.
        request: RequestLine,
    },
    /// We spoke plain HTTP, and the answer was not HTTP: most likely the port speaks TLS.
    #[error("{request}: plain HTTP is not spoken here")]
    SpeaksTls {
        /// The request.
        request: RequestLine,
    },
    /// There is no TLS connection: the certificate is not trusted or is for another host, or there is no common
    /// version.
    #[error("{request}: no TLS connection")]
    Tls {
        /// The request.
        request: RequestLine,
        /// Why there is no TLS connection.
        source: Box<TlsFailure>,
    },
    /// A certificate or key file was read and cannot be used.
    #[error("cannot use {}: {how}", path.display())]
    Certificate {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with the file.
        how: String,
    },
    /// Only one of client certificate and key is given.
    #[error("cannot use {}: it needs its {missing} as well", path.display())]
    Unpaired {
        /// The path of the file that is given.
        path: PathBuf,
        /// Which of the two is missing: `key` or `certificate`.
        missing: &'static str,
    },
    /// A certificate or key file cannot be read.
    #[error("cannot read {}", path.display())]
    CertificateFile {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A proxy that the environment names cannot be used.
    #[error("{request}: cannot use the proxy {proxy}: {how}")]
    Proxy {
        /// The request.
        request: RequestLine,
        /// The proxy's scheme, host and port, without user and password; if it is not a URL, the variable that names
        /// it.
        proxy: String,
        /// Why it cannot be used.
        how: String,
    },
    /// A proxy that forwards plain HTTP refused the request itself; the server did not receive it.
    #[error("{request}: the proxy {proxy} does not let us through ({status})")]
    RefusedByProxy {
        /// The request.
        request: RequestLine,
        /// The proxy's scheme, host and port, without user and password.
        proxy: String,
        /// The HTTP status.
        status: u16,
    },
    /// A server elsewhere sent us to a host name that leads inside this network, or to this machine.
    #[error("{request}: {host} is inside this network{}, and a server elsewhere sends us there", or_worse(*place))]
    Inside {
        /// The request.
        request: RequestLine,
        /// The host, with its port unless that is the scheme's own.
        host: String,
        /// From where the address of that host can be reached.
        place: NetworkPlace,
    },
    /// The content to send cannot be read, or does not have its digest.
    #[error("cannot read the content of {digest}")]
    Source {
        /// The digest of the content.
        digest: Digest,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// Received content cannot be written to its destination.
    #[error("cannot write the content of {digest}")]
    Sink {
        /// The digest of the content.
        digest: Digest,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Why one attempt got no useful answer. A later attempt may succeed.
#[derive(Debug, thiserror::Error)]
pub enum HttpFailure {
    /// The server answered with a status that means "not now".
    #[error("{status}{said}{}", asks(*retry_after))]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
        /// `: ` and the server's explanation, as the caller reads it; empty if there is none.
        said: String,
    },
    /// The name does not resolve.
    #[error("the host is not found")]
    HostNotFound,
    /// A step took longer than its time limit.
    #[error("timeout: {0}")]
    Timeout(String),
    /// The proxy cannot be reached, or cannot reach the server.
    #[error("the proxy {proxy}: {how}")]
    Proxy {
        /// The proxy's scheme, host and port, without user and password.
        proxy: String,
        /// What the proxy answered, or that it did not answer.
        how: String,
        /// The error of the operating system, if there is one.
        source: Option<io::Error>,
    },
    /// A body arrives or leaves far too slowly.
    #[error("fewer than {bytes} bytes in {}", humantime::format_duration(*window))]
    TooSlow {
        /// The least number of bytes that have to move.
        bytes: u64,
        /// The time in which they have to move.
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

/// An error of a client that is built on this module. It can hold an [`HttpError`].
pub(crate) trait HttpFault: From<HttpError> + std::error::Error {
    /// The [`HttpError`] in it, if it holds one.
    fn http(&self) -> Option<&HttpError>;

    /// Whether the same request may succeed if it is sent again.
    fn is_transient(&self) -> bool {
        matches!(self.http(), Some(HttpError::Unreachable { .. }))
    }

    /// Whether it reports content that does not have its digest or size.
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
    /// The error for a server that redirects to a place that we do not go to.
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

    /// Whether the server was reached, and then closed the connection or sent something that is not HTTP.
    pub(crate) fn is_cut_short(&self) -> bool {
        match self {
            Self::Unreachable { source: HttpFailure::Io(error), .. } => is_dead(error),
            Self::SpeaksTls { .. } => true,
            _ => false,
        }
    }

    /// The wait that the server asked for with `Retry-After`.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { source: HttpFailure::Status { retry_after, .. }, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Whether the other side closed the connection.
pub(super) fn is_dead(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// A URL that may be shown: without query and fragment, which may hold a signature, and without user and password.
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
