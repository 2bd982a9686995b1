//! The registry client: OCI distribution spec 1.1 over blocking HTTP.
//!
//! [`Client`] serves one process, and [`RepositoryClient`] one repository. They build on [`crate::http`]. URLs are in
//! `endpoint`, authentication in `auth`, and the meaning of answers in `answer`.

mod answer;
mod attach;
mod auth;
mod blobs;
mod catalog;
mod challenge;
mod check;
mod client;
mod delete;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod hints;
mod link;
mod listing;
mod manifests;
mod options;
mod owner;
mod pages;
mod realm;
mod referrers;
mod report;
mod repository;
mod request;
mod scheme;
mod scope;
mod shared_names;
mod tags;
mod turns;
mod upload;
mod vendors;

pub use self::check::CredentialCheck;
pub use self::client::Client;
pub use self::delete::Deletion;
pub use self::error::RegistryError;
pub use self::hints::{Hint, Hints};
pub use self::listing::ListedTag;
pub use self::manifests::{ManifestAnswer, ManifestHead, RawManifest};
pub use self::options::{OnRefusal, RealmsOf, RegistryOptions};
pub use self::referrers::{ListedBy, Referrers};
pub use self::report::{Diagnostic, ErrorCode, Report};
pub use self::repository::RepositoryClient;
pub use self::upload::Uploaded;
