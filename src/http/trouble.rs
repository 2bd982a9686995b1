//! What goes wrong with one exchange, before it is known which request it is told of.

use std::io;
use std::time::Duration;

use super::error::{HttpError, HttpFailure, is_dead};
use super::inside::NetworkPlace;
use super::request_line::RequestLine;
use super::stream::StreamError;
use super::tls_failure::TlsFailure;

/// What goes wrong with one exchange.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server is not reached, or does not answer. Later it may.
    Later(HttpFailure),
    /// There is no TLS with it.
    Tls(Box<TlsFailure>),
    /// What it says is no HTTP.
    NoHttp,
    /// It does not do as the protocol says.
    Protocol(String),
    /// The proxy of this name cannot be used.
    Proxy { proxy: String, how: String },
    /// The proxy of this name refuses a request that it was to make for us.
    RefusedByProxy { proxy: String, status: u16 },
    /// The host is at an address to which others may not send us.
    Inside { host: String, place: NetworkPlace },
    /// What is to be sent cannot be read.
    Source(io::Error),
}

impl Trouble {
    /// A step that took longer than it may.
    pub(super) fn late(step: &'static str, limit: Duration) -> Self {
        Self::Later(HttpFailure::Timeout(format!(
            "{step} takes more than {}",
            humantime::format_duration(limit)
        )))
    }

    /// A stream's error in a step that has this time limit.
    pub(super) fn of(error: StreamError, step: &'static str, limit: Duration) -> Self {
        match error {
            StreamError::Late => Self::late(step, limit),
            StreamError::Io(error) => Self::Later(HttpFailure::Io(error)),
            StreamError::Tls(failure) => Self::Tls(failure),
        }
    }

    /// The same, told of a request.
    pub(super) fn of_request(self, request: RequestLine) -> HttpError {
        match self {
            Self::Later(source) => HttpError::Unreachable { request, source },
            Self::Tls(failure) if *failure == TlsFailure::PlainHttp => HttpError::SpeaksPlainHttp { request },
            Self::Tls(source) => HttpError::Tls { request, source },
            // A server for TLS answers plain HTTP with an alert, which is no status line.
            Self::NoHttp if request.url().starts_with("http:") => HttpError::SpeaksTls { request },
            Self::NoHttp => HttpError::Protocol { request, how: "the answer is no HTTP".to_owned() },
            Self::Protocol(how) => HttpError::Protocol { request, how },
            Self::Proxy { proxy, how } => HttpError::Proxy { request, proxy, how },
            Self::RefusedByProxy { proxy, status } => HttpError::RefusedByProxy { request, proxy, status },
            Self::Inside { host, place } => HttpError::Inside { request, host, place },
            // It is told of the content, by who knows that.
            Self::Source(source) => HttpError::Unreachable { request, source: HttpFailure::Io(source) },
        }
    }

    /// Whether the connection was closed under us. On one that was kept this means that it was idle for too long.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self, Self::Later(HttpFailure::Io(error)) if is_dead(error))
    }
}
