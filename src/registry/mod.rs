//! The registry client: OCI distribution spec 1.1 over blocking HTTP.
//!
//! [`Client`] is for one program run, [`RepositoryClient`] for one repository in it. What goes over the wire is in
//! `endpoint`; where it may go, in `location`; who asks, in `auth`; when it is tried again, in `retry`; how, in
//! `transport`.

mod auth;
mod authorization;
mod catalog;
mod challenge;
mod check;
mod download;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod hints;
mod link;
mod location;
mod manifests;
mod pages;
pub mod proxy;
mod realm;
mod report;
mod retry;
mod scope;
mod tags;
mod transport;
mod upload;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use self::check::Check;
pub use self::download::Sink;
pub use self::error::{Error, Failure, RequestLine};
pub use self::hints::{Hint, Hints};
pub use self::location::Refusal;
pub use self::manifests::{ManifestAnswer, ManifestHead, RawManifest};
pub use self::report::{Diagnostic, ErrorCode, Report};
pub use self::retry::Backoff;
pub use self::upload::{Source, Uploaded};

use self::auth::AuthClient;
use self::location::Location;
use self::transport::{Body, Opening, Request, Scope};
use crate::credential::Credentials;
use crate::reference::{Host, Repository};

/// Hosts by the origin of a registry.
pub type RealmsOf = dyn Fn(&str) -> Vec<Host> + Send + Sync;

/// How to reach registries.
#[derive(Clone)]
pub struct Options {
    /// Plain HTTP for every host. Without it only loopback names are spoken to so, unless one of the next four asks
    /// for TLS.
    pub plain_http: bool,
    /// Trust any certificate.
    pub insecure: bool,
    /// Trust the certificates in this file, and no others.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show, and
    pub cert_file: Option<PathBuf>,
    /// its key.
    pub key_file: Option<PathBuf>,
    /// The proxies of the environment.
    pub proxies: proxy::Proxies,
    /// Hosts that a registry may send uploads on to. They see the content and no credentials.
    pub upload_hosts: Vec<Host>,
    /// Where credentials are looked up, once a registry asks for one.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// What registries asked for earlier.
    pub hints: Option<Arc<dyn Hints>>,
    /// Hosts of token services that may see credentials though nothing says that they belong to the registry. With a
    /// port, that port alone.
    pub trusted_realms: Vec<Host>,
    /// The same for one registry alone, by its origin: what the user has vouched for earlier.
    pub remembered_realms: Arc<RealmsOf>,
    /// How often and how patiently to try again.
    pub backoff: Backoff,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Waits between attempts.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
    /// Takes what a registry warns of, each text once and fit to be shown.
    pub warn: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http: false,
            insecure: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            proxies: proxy::Proxies::default(),
            upload_hosts: Vec::new(),
            credentials: None,
            hints: None,
            trusted_realms: Vec::new(),
            remembered_realms: Arc::new(|_| Vec::new()),
            backoff: Backoff::default(),
            timeouts: Timeouts::default(),
            sleep: Arc::new(thread::sleep),
            warn: Arc::new(|text| log::warn!("the registry warns: {text}")),
        }
    }
}

impl Options {
    fn is_tls_asked_for(&self) -> bool {
        self.insecure || self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some()
    }

    /// Decided by name and flags, never by trying: whoever can block port 443 must not get the request in clear.
    fn scheme(&self, host: &Host) -> &'static str {
        let plain = self.plain_http || (host.is_loopback() && !self.is_tls_asked_for());
        if plain { "http" } else { "https" }
    }
}

/// How long to wait for each phase of a request. There is no limit for the whole: content may be large and lines slow.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a name to resolve.
    pub resolve: Duration,
    /// For a connection, with TLS.
    pub connect: Duration,
    /// For the header of an answer.
    pub response: Duration,
    /// The same for a PUT: some registries first copy what they got into their storage.
    pub put_response: Duration,
    /// For the next bytes, either way.
    pub idle: Duration,
    /// In every window of this length …
    pub pace_window: Duration,
    /// … a body has to move by so many bytes.
    pub pace_bytes: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(15),
            response: Duration::from_secs(60),
            put_response: Duration::from_secs(300),
            idle: Duration::from_secs(30),
            pace_window: Duration::from_secs(60),
            pace_bytes: 60 << 10,
        }
    }
}

impl Timeouts {
    /// Those of somebody with this much patience, for a registry that is silent and for one that all but is.
    pub fn of(patience: Duration) -> Self {
        let usual = Self::default();
        Self {
            resolve: usual.resolve.min(patience),
            connect: usual.connect.min(patience),
            response: patience,
            put_response: patience,
            idle: patience,
            pace_window: patience,
            // 1 KiB a second, as usual.
            pace_bytes: (patience.as_secs() << 10).max(1),
        }
    }
}

/// A client for registries. Clones share connections, and may be used from several threads.
#[derive(Clone)]
pub struct Client {
    auth: Arc<AuthClient>,
}

impl Client {
    /// Reads the certificate files that the options name. Nothing is connected to yet.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self { auth: Arc::new(AuthClient::new(options)?) })
    }

    /// The client for one repository.
    pub fn repository(&self, host: &Host, repository: &Repository) -> Result<RepositoryClient, Error> {
        let registry = self.registry(host)?;
        let (auth, host, repository) = (Arc::clone(&self.auth), host.clone(), repository.clone());
        let (opening, first) = (Opening::Alone, Opening::Alone);
        Ok(RepositoryClient { auth, host, registry, repository, actions: PULL, opening, first })
    }

    /// What a registry is remembered by: `https://registry.example.com`, `http://localhost:5000`.
    pub fn origin(&self, host: &Host) -> Result<String, Error> {
        Ok(self.registry(host)?.origin())
    }

    /// The root of a registry.
    fn registry(&self, host: &Host) -> Result<Location, Error> {
        let scheme = self.auth.transport.options().scheme(host);
        Location::registry(scheme, host).map_err(|_| Error::Host(host.to_string()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// The actions of a token's scope.
const PULL: &str = "pull";
const PULL_PUSH: &str = "pull,push";

/// A client for one repository of one registry.
#[derive(Clone)]
pub struct RepositoryClient {
    auth: Arc<AuthClient>,
    /// As it stands in references: what credentials are looked up by.
    host: Host,
    registry: Location,
    repository: Repository,
    /// The rights that reading asks for.
    actions: &'static str,
    /// What the connections of all its requests may be.
    opening: Opening,
    /// What that of a request for a manifest may bring, which is the first one.
    first: Opening,
}

impl RepositoryClient {
    /// The same client for a push: what it reads, it asks for with the right to write as well. One token then serves
    /// all of the push.
    #[must_use]
    pub fn for_push(self) -> Self {
        Self { actions: PULL_PUSH, ..self }
    }

    /// The same client for who expects that blobs will be on the way at once: a second connection is then opened
    /// together with the first, and not only when it is needed.
    #[must_use]
    pub fn expecting_blobs(self) -> Self {
        Self { first: Opening::Paired, ..self }
    }

    /// A request that reads.
    fn pull(&self, method: &'static str, location: Location) -> Request<'_> {
        self.request(method, location, self.actions, Body::None)
    }

    /// A request that writes, or is a part of it.
    fn push<'a>(&'a self, method: &'static str, location: Location, body: Body<'a>) -> Request<'a> {
        self.request(method, location, PULL_PUSH, body)
    }

    fn request<'a>(
        &'a self,
        method: &'static str,
        location: Location,
        actions: &'static str,
        body: Body<'a>,
    ) -> Request<'a> {
        let (registry, host, repository) = (&self.registry, &self.host, Some(&self.repository));
        let scope = Scope { registry, host, repository, actions };
        Request { method, location, headers: Vec::new(), body, scope, opening: self.opening }
    }

    /// An endpoint of this repository. Only the registry's host could make it invalid, and that is checked.
    fn endpoint(&self, location: Result<Location, Refusal>) -> Result<Location, Error> {
        location.map_err(|_| Error::Host(self.registry.host().to_owned()))
    }
}

impl fmt::Debug for RepositoryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryClient({}{})", self.registry, self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_or_for_who_asks() {
        let plain = Options { plain_http: true, ..Options::default() };
        let insecure = Options { insecure: true, ..Options::default() };
        let ca = Options { ca_file: Some("ca.pem".into()), ..Options::default() };
        for (options, host, scheme) in [
            (&Options::default(), "r.example", "https"),
            (&Options::default(), "10.0.0.1:5000", "https"),
            (&Options::default(), "localhost:5000", "http"),
            (&Options::default(), "127.0.0.1", "http"),
            (&plain, "r.example", "http"),
            (&insecure, "localhost:5000", "https"),
            (&ca, "localhost:5000", "https"),
        ] {
            assert_eq!(options.scheme(&host.parse().unwrap()), scheme, "{host}");
        }
    }

    #[test]
    fn a_client_goes_anywhere() {
        fn anywhere<T: Clone + Send + Sync + 'static>() {}
        anywhere::<Client>();
        anywhere::<RepositoryClient>();
    }
}
