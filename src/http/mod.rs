//! HTTP for downloads from servers that are not trusted, of content with a known digest: connections, TLS, proxies,
//! retries, limits on redirects, and downloads that are verified and continue where they broke off.
//!
//! Nothing here knows what a registry is. The client that uses this module decides what to request, with which
//! credentials, and what a refusal means.

mod authorization;
mod body;
mod download;
mod error;
mod exchange;
mod form;
mod heads;
mod inside;
mod location;
mod net;
mod opening;
mod options;
mod pace;
mod proxy;
mod refusal;
mod request;
mod request_line;
mod request_log;
mod response;
mod retry;
mod rules;
mod stream;
mod timeouts;
mod tls;
mod tls_failure;
mod transport;
mod trouble;

pub use self::body::BodySource;
pub use self::download::Sink;
pub use self::error::{HttpError, HttpFailure};
pub use self::inside::NetworkPlace;
pub use self::options::{HttpOptions, WaitNotice};
pub use self::proxy::Proxies;
pub use self::refusal::RedirectRefusal;
pub use self::request_line::RequestLine;
pub use self::request_log::requests_made;
pub use self::retry::Backoff;
pub use self::timeouts::Timeouts;
pub use self::tls_failure::TlsFailure;

pub(crate) use self::authorization::Authorization;
pub(crate) use self::body::Body;
pub(crate) use self::download::{Asks, WantedBody, download};
pub(crate) use self::error::HttpFault;
pub(crate) use self::form::{escape, form};
pub(crate) use self::location::Location;
pub(crate) use self::opening::Opening;
pub(crate) use self::request::HttpRequest;
pub(crate) use self::response::{Asker, HttpResponse};
pub(crate) use self::retry::{is_transient, retry_after};
#[cfg(any(test, fuzzing))]
pub(crate) use self::rules::redirect;
pub(crate) use self::rules::{is_inwards, same_place, stay_encrypted, upload};
pub(crate) use self::transport::Transport;
