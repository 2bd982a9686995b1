//! A request to a registry, with the scope that it belongs to.

use super::scope::Scopes;
use crate::http::{self, Body, Location, Opening};
use crate::reference::{Host, Repository};

/// The actions in the scope of a token.
pub(super) const PULL: &str = "pull";
pub(super) const PULL_PUSH: &str = "pull,push";
pub(super) const PULL_DELETE: &str = "pull,delete";

/// One request to a registry.
pub(super) struct RegistryRequest<'a> {
    pub(super) http: http::HttpRequest<'a>,
    pub(super) scope: RequestScope<'a>,
}

/// What a request belongs to, which decides the credentials that it may carry and the rights that it needs.
#[derive(Clone, Copy)]
pub(super) struct RequestScope<'a> {
    /// The root of the registry. Only its origin receives an `Authorization`.
    pub(super) registry: &'a Location,
    /// The registry's name as the user has written it.
    pub(super) host: &'a Host,
    /// The repository; `None` if the request concerns the whole registry.
    pub(super) repository: Option<&'a Repository>,
    /// `pull`, `pull,push` or `pull,delete`; empty without a repository.
    pub(super) actions: &'static str,
}

impl<'a> RegistryRequest<'a> {
    /// A `GET` that concerns the registry itself and none of its repositories.
    pub(super) fn about(registry: &'a Location, host: &'a Host, location: Location) -> Self {
        let scope = RequestScope { registry, host, repository: None, actions: "" };
        scope.request("GET", location, Body::None, Opening::Alone)
    }
}

impl<'a> RequestScope<'a> {
    /// The token scopes that the request needs.
    pub(super) fn own(&self) -> Scopes {
        self.repository.map_or_else(Scopes::none, |repository| Scopes::of(repository, self.actions))
    }

    /// A request in this scope.
    pub(super) fn request(
        self,
        method: &'static str,
        location: Location,
        body: Body<'a>,
        opening: Opening,
    ) -> RegistryRequest<'a> {
        let home = self.registry;
        let (headers, vouched) = (Vec::new(), false);
        let http = http::HttpRequest { method, location, headers, body, home, vouched, opening };
        RegistryRequest { http, scope: self }
    }
}
