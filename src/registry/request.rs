//! A request to a registry: what is asked, and what it is a part of.

use super::scope::Scopes;
use crate::http::{self, Body, Location, Opening};
use crate::reference::{Host, Repository};

/// The actions of a token's scope.
pub(super) const PULL: &str = "pull";
pub(super) const PULL_PUSH: &str = "pull,push";
pub(super) const PULL_DELETE: &str = "pull,delete";

/// One request to a registry.
pub(super) struct Request<'a> {
    pub(super) http: http::Request<'a>,
    pub(super) scope: Scope<'a>,
}

/// What a request is a part of: whose credentials it may carry, and which rights it needs.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The root of the registry. Its origin is the only one that ever sees an Authorization.
    pub(super) registry: &'a Location,
    /// The registry as the user named it.
    pub(super) host: &'a Host,
    /// The repository, unless the request is about none.
    pub(super) repository: Option<&'a Repository>,
    /// `pull`, `pull,push`, or `pull,delete`.
    pub(super) actions: &'static str,
}

impl<'a> Request<'a> {
    /// A question about the registry itself, and none of its repositories.
    pub(super) fn about(registry: &'a Location, host: &'a Host, location: Location) -> Self {
        let scope = Scope { registry, host, repository: None, actions: "" };
        scope.request("GET", location, Body::None, Opening::Alone)
    }
}

impl<'a> Scope<'a> {
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
    ) -> Request<'a> {
        let home = self.registry;
        let (headers, vouched) = (Vec::new(), false);
        let http = http::Request { method, location, headers, body, home, vouched, opening };
        Request { http, scope: self }
    }
}
