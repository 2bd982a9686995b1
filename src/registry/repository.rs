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
    /// As it stands in references: what credentials are looked up by.
    host: Host,
    pub(super) registry: Location,
    pub(super) repository: Repository,
    /// The rights that reading asks for.
    actions: &'static str,
    /// What the connections of all its requests may be.
    opening: Opening,
    /// What that of a request for a manifest may bring, which is the first one.
    pub(super) first: Opening,
    /// How large a manifest or a page of a list may be, in bytes.
    pub(super) most: u64,
    /// Whether this repository has been seen not to list referrers.
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

    /// The same client for a push: what it reads, it asks for with the right to write as well. One token then serves
    /// all of the push.
    #[must_use]
    pub fn for_push(self) -> Self {
        Self { actions: PULL_PUSH, ..self }
    }

    /// The same client for a deletion: what it reads, it asks for with the right to delete as well.
    #[must_use]
    pub fn for_deletion(&self) -> Self {
        Self { actions: PULL_DELETE, ..self.clone() }
    }

    /// The same client for who expects that blobs will be on the way at once: a second connection is then opened
    /// together with the first, and not only when it is needed.
    #[must_use]
    pub fn expecting_blobs(self) -> Self {
        Self { first: Opening::Paired, ..self }
    }

    /// The same client, for reading manifests and pages of lists of at most so many bytes, so that many of them can
    /// be in memory at once. A larger one is an error, like one above the limit for all clients.
    #[must_use]
    pub fn reading_at_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// The same client for requests that must not go over a connection that was idle.
    pub(super) fn on_fresh_connections(self) -> Self {
        Self { opening: Opening::Fresh, ..self }
    }

    /// A request that reads.
    pub(super) fn pull(&self, method: &'static str, location: Location) -> RegistryRequest<'_> {
        self.scope(self.actions).request(method, location, Body::None, self.opening)
    }

    /// A request that writes, or is a part of it.
    pub(super) fn push<'a>(
        &'a self,
        method: &'static str,
        location: Location,
        body: Body<'a>,
    ) -> RegistryRequest<'a> {
        self.scope(PULL_PUSH).request(method, location, body, self.opening)
    }

    /// A request with the rights that reading asks for.
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

    /// An endpoint of this repository. Only the registry's host could make it invalid, and that is checked.
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
