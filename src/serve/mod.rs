//! The embedded registry: the OCI distribution spec 1.1 over HTTP/1.1, with its data in a directory.
//!
//! ```text
//! listen                connections, signals; tls and patient wrap their streams
//! service               one request: auth, then route, then one of
//!   uploads  blobs  manifests  lists  referrers               an endpoint each
//!     request  response  body  refusal  conditions  document  what comes in and what goes out
//!     sessions  append                                        content on its way in
//!       store  naming  catalog  clearing  files  first        what is on disk
//! places  memory                                              what there is of both, and who has to wait
//! ```
//!
//! `sessions` and everything below it block; their work that waits for the disk is called through `blocking`.
//! Everything above is asynchronous. No other part of the crate is, as threads are enough there; here it is because no
//! blocking HTTP server is still maintained.
//!
//! Clients may be many, slow, or hostile. The number of connections is limited (`places`), and each has buffers of a
//! fixed size; blobs and manifests are received and sent in pieces; lists come in pages; and everything that is built
//! in memory shares one budget (`memory`). So the whole process stays below
//! [`SERVER_MEMORY`](crate::limits::SERVER_MEMORY).

mod append;
mod auth;
mod blobs;
mod body;
mod catalog;
mod clearing;
mod conditions;
mod document;
mod fields;
mod files;
mod first;
mod listen;
mod lists;
mod manifests;
mod memory;
mod naming;
mod patient;
mod places;
mod referrers;
mod refusal;
mod registry;
mod request;
mod response;
mod route;
mod service;
mod sessions;
mod start;
mod store;
mod tls;
mod uploads;

pub use self::auth::HtpasswdError;
pub use self::store::RegistryStoreError;
pub use self::tls::{TlsError, TlsFiles};
pub use start::{ServeError, ServeOptions, default_data, serve};
