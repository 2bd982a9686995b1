//! TLS: which servers are trusted, and the client certificate.

mod algorithms;
mod anchors;
mod client_certificate;
mod config;
mod facts;
mod files;
mod key_exchange;
mod path;
mod roots;
mod session;
mod verifier;

pub(super) use self::config::Tls;
