//! A request to a registry: what is asked, and what it is a part of.

use super::scope::Scopes;
use crate::http::{self, Body, Location, Opening};
use crate::reference::{Host, Repository};

/// The actions of a token's scope.
pub(super) const PULL: &str = "pull";
pub(super) const PULL_PUSH: &str = "pull,push";
pub(super) const PULL_DELETE: &str = "pull,delete";

/// One request to a registry.
pub(super) struct RegistryRequest<'a> {
    pub(super) http: http::HttpRequest<'a>,
    pub(super) scope: RequestScope<'a>,
}

/// What a request is a part of: whose credentials it may carry, and which rights it needs.
#[derive(Clone, Copy)]
pub(super) struct RequestScope<'a> {
    /// The root of the registry. Its origin is the only one that ever sees an Authorization.
    pub(super) registry: &'a Location,
    /// The registry as the user named it.
    pub(super) host: &'a Host,
    /// The repository, unless the request is about none.
    pub(super) repository: Option<&'a Repository>,
    /// `pull`, `pull,push`, or `pull,delete`.
    pub(super) actions: &'static str,
}

impl<'a> RegistryRequest<'a> {
    /// A question about the registry itself, and none of its repositories.
    pub(super) fn about(registry: &'a Location, host: &'a Host, location: Location) -> Self {
        let scope = RequestScope { registry, host, repository: None, actions: "" };
        scope.request("GET", location, Body::None, Opening::Alone)
    }
}

impl<'a> RequestScope<'a> {
    /// The scopes that the request needs by itself.
    pub(super) fn own(&self) -> Scopes {
        self.repository.map_or_else(Scopes::none, |repository| Scopes::of(repository, self.actions))
    }

    /// A request that is a part of this.
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
