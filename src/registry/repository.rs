//! The client for one repository.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::auth::AuthClient;
use super::error::RegistryError;
use super::request::{PULL, PULL_DELETE, PULL_PUSH, RegistryRequest, RequestScope};
use crate::http::{Body, Location, Opening, RedirectRefusal};
use crate::limits::{MAX_MANIFEST, MAX_PAGE};
use crate::reference::{Host, Repository};

/// A client for one repository of one registry.
#[derive(Clone)]
pub struct RepositoryClient {
    pub(super) auth: Arc<AuthClient>,
    /// The registry as it is written in references; credentials are looked up by it.
    host: Host,
    pub(super) registry: Location,
    pub(super) repository: Repository,
    /// The token actions for requests that read.
    actions: &'static str,
    /// How the connections of all requests may be obtained.
    opening: Opening,
    /// How the connection of a request for a manifest may be obtained, which usually comes first.
    pub(super) first: Opening,
    /// How large a manifest or a page of a list may be, in bytes.
    pub(super) most: u64,
    /// Whether this repository is known to have no referrers API.
    pub(super) lists_nothing: Arc<AtomicBool>,
}

impl RepositoryClient {
    pub(super) fn new(
        auth: Arc<AuthClient>,
        host: &Host,
        registry: Location,
        repository: &Repository,
    ) -> Self {
        let (host, repository) = (host.clone(), repository.clone());
        let (opening, first) = (Opening::Alone, Opening::Alone);
        let lists_nothing = Arc::default();
        let most = MAX_MANIFEST.max(MAX_PAGE);
        Self { auth, host, registry, repository, actions: PULL, opening, first, most, lists_nothing }
    }

    /// The same client for a push: its reading requests ask for the right to write as well, so that one token serves
    /// the whole push.
    #[must_use]
    pub fn for_push(self) -> Self {
        Self { actions: PULL_PUSH, ..self }
    }

    /// The same client for a deletion: its reading requests ask for the right to delete as well.
    #[must_use]
    pub fn for_deletion(&self) -> Self {
        Self { actions: PULL_DELETE, ..self.clone() }
    }

    /// The same client for a caller that will transfer several blobs at once: the first request opens a second
    /// connection too.
    #[must_use]
    pub fn expecting_blobs(self) -> Self {
        Self { first: Opening::Paired, ..self }
    }

    /// The same client, for manifests and pages of lists of at most this many bytes, so that many of them can be in
    /// memory at once. A larger one is an error, as one above the usual limit is.
    #[must_use]
    pub fn reading_at_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// The same client, whose requests do not use a connection that was idle.
    pub(super) fn on_fresh_connections(self) -> Self {
        Self { opening: Opening::Fresh, ..self }
    }

    /// A request that reads.
    pub(super) fn pull(&self, method: &'static str, location: Location) -> RegistryRequest<'_> {
        self.scope(self.actions).request(method, location, Body::None, self.opening)
    }

    /// A request of a push: it writes, or belongs to one that does.
    pub(super) fn push<'a>(
        &'a self,
        method: &'static str,
        location: Location,
        body: Body<'a>,
    ) -> RegistryRequest<'a> {
        self.scope(PULL_PUSH).request(method, location, body, self.opening)
    }

    /// A request with the rights that this client uses for reading.
    pub(super) fn request<'a>(
        &'a self,
        method: &'static str,
        location: Location,
        body: Body<'a>,
    ) -> RegistryRequest<'a> {
        self.scope(self.actions).request(method, location, body, self.opening)
    }

    fn scope(&self, actions: &'static str) -> RequestScope<'_> {
        let (registry, host, repository) = (&self.registry, &self.host, Some(&self.repository));
        RequestScope { registry, host, repository, actions }
    }

    /// The URL of an endpoint of this repository. It could only be invalid because of the host, which was checked
    /// before.
    pub(super) fn endpoint(
        &self,
        location: Result<Location, RedirectRefusal>,
    ) -> Result<Location, RegistryError> {
        location.map_err(|_| RegistryError::Host(self.registry.host().to_owned()))
    }
}

impl fmt::Debug for RepositoryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryClient({}{})", self.registry, self.repository)
    }
}
