//! Errors of one exchange, before they are attached to a request.

use std::io;
use std::time::Duration;

use super::error::{HttpError, HttpFailure, is_dead};
use super::inside::NetworkPlace;
use super::request_line::RequestLine;
use super::stream::StreamError;
use super::tls_failure::TlsFailure;

/// Why one exchange failed, without the request that it was for.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server cannot be reached, or does not answer. It may later.
    Later(HttpFailure),
    /// There is no TLS connection to the server.
    Tls(Box<TlsFailure>),
    /// The answer is not HTTP.
    NoHttp,
    /// The answer violates the protocol.
    Protocol(String),
    /// The proxy with this URL cannot be used.
    Proxy { proxy: String, how: String },
    /// The proxy with this URL refuses a request that it should forward.
    RefusedByProxy { proxy: String, status: u16 },
    /// The host has an address to which another server may not send us.
    Inside { host: String, place: NetworkPlace },
    /// The content to send cannot be read.
    Source(io::Error),
}

impl Trouble {
    /// The error for a step that took longer than its limit.
    pub(super) fn late(step: &'static str, limit: Duration) -> Self {
        Self::Later(HttpFailure::Timeout(format!(
            "{step} takes more than {}",
            humantime::format_duration(limit)
        )))
    }

    /// The error for a stream's failure in a step with this time limit.
    pub(super) fn of(error: StreamError, step: &'static str, limit: Duration) -> Self {
        match error {
            StreamError::Late => Self::late(step, limit),
            StreamError::Io(error) => Self::Later(HttpFailure::Io(error)),
            StreamError::Tls(failure) => Self::Tls(failure),
        }
    }

    /// The same error with the request that it was for.
    pub(super) fn of_request(self, request: RequestLine) -> HttpError {
        match self {
            Self::Later(source) => HttpError::Unreachable { request, source },
            Self::Tls(failure) if *failure == TlsFailure::PlainHttp => HttpError::SpeaksPlainHttp { request },
            Self::Tls(source) => HttpError::Tls { request, source },
            // A TLS server answers plain HTTP with an alert, which is not a status line.
            Self::NoHttp if request.url().starts_with("http:") => HttpError::SpeaksTls { request },
            Self::NoHttp => HttpError::Protocol { request, how: "the answer is no HTTP".to_owned() },
            Self::Protocol(how) => HttpError::Protocol { request, how },
            Self::Proxy { proxy, how } => HttpError::Proxy { request, proxy, how },
            Self::RefusedByProxy { proxy, status } => HttpError::RefusedByProxy { request, proxy, status },
            Self::Inside { host, place } => HttpError::Inside { request, host, place },
            // A caller that knows the content replaces this by an error about the content.
            Self::Source(source) => HttpError::Unreachable { request, source: HttpFailure::Io(source) },
        }
    }

    /// Whether the other side closed the connection. On a kept connection this means that it was idle for too long.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self, Self::Later(HttpFailure::Io(error)) if is_dead(error))
    }
}
