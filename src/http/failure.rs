//! What a ureq error means to us.

use std::io;

use super::error::{Error, Failure};
use super::request_line::RequestLine;
use crate::terminal::printable;

/// Puts the request on an error of ureq, and tells what may pass from what will not.
pub(super) fn classify(request: RequestLine, error: ureq::Error) -> Error {
    let unreachable = |request, source| Error::Unreachable { request, source };
    match error {
        ureq::Error::Io(error) => of_io(request, error),
        ureq::Error::Rustls(error) => of_tls(request, error),
        ureq::Error::Timeout(phase) => unreachable(request, Failure::Timeout(phase.to_string())),
        ureq::Error::HostNotFound => unreachable(request, Failure::HostNotFound),
        // Not again with the same password: some lock it after a few.
        ureq::Error::ConnectProxyFailed(how) if how.contains("407") => {
            let how = "it does not accept these credentials (407)".to_owned();
            Error::Proxy { url: request.url().to_owned(), how }
        }
        ureq::Error::ConnectProxyFailed(how) => unreachable(request, Failure::Proxy(printable(&how, 256))),
        ureq::Error::ConnectionFailed => {
            unreachable(request, Failure::Io(io::ErrorKind::NotConnected.into()))
        }
        ureq::Error::BodyStalled => unreachable(request, Failure::Io(io::ErrorKind::UnexpectedEof.into())),
        ureq::Error::Protocol(error) => {
            let how = error.to_string();
            // A TLS server answers plain HTTP with an alert, which is no status line.
            if how.starts_with("http parse fail") && request.url().starts_with("http:") {
                return Error::SpeaksTls { request };
            }
            Error::Protocol { request, how }
        }
        ureq::Error::LargeResponseHeader(size, limit) => {
            let how = format!("the header is larger than {limit} bytes ({size})");
            Error::Protocol { request, how }
        }
        // `BadUri` repeats the URL, and with it the query.
        ureq::Error::BadUri(_) => Error::Protocol { request, how: "the URL cannot be requested".to_owned() },
        ureq::Error::Tls(how) => Error::Tls { request, source: how.into() },
        other => Error::Protocol { request, how: other.to_string() },
    }
}

fn of_io(request: RequestLine, error: io::Error) -> Error {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if !is_tls {
        return Error::Unreachable { request, source: Failure::Io(error) };
    }
    match error.into_inner().map(|inner| inner.downcast::<rustls::Error>()) {
        Some(Ok(error)) => of_tls(request, *error),
        Some(Err(source)) => Error::Tls { request, source },
        None => Error::Tls { request, source: "unknown".into() },
    }
}

fn of_tls(request: RequestLine, error: rustls::Error) -> Error {
    match error {
        // The first byte of the answer was no TLS record's: `H` of `HTTP/1.1 400 Bad Request`.
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            Error::SpeaksPlainHttp { request }
        }
        error => Error::Tls { request, source: Box::new(error) },
    }
}

/// Whether the system has no CA certificates at all: a container from scratch.
pub(super) fn is_without_roots(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Rustls(rustls::Error::General(text)) if text.starts_with("No CA certificates"))
}

/// Whether the connection was closed under us. On a kept-alive one this means that it was idle for too long.
pub(super) fn is_dead(error: &ureq::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error, ureq::Error::Io(error) if matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
    ))
}
