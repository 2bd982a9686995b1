//! Requests to a repository, and to the other hosts that it has its charts at.

use std::fmt;
use std::time::SystemTime;

use super::address::RepositoryAddress;
use super::error::RepositoryError;
use super::hosts::BusyHosts;
use crate::credential::Secret;
use crate::http::{
    self, Asks, Authorization, Body, HttpFailure, HttpOptions, HttpRequest, HttpResponse, Location, Opening,
    Transport,
};

/// Who asks a repository.
#[derive(Clone, Debug)]
pub struct RepositoryLogin {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// Whether other hosts see it, too, where the repository has its charts there. Else only its own scheme, host and port do
    /// (CVE-2021-32690).
    pub passed_on: bool,
}

/// A client of one repository. It may be used from several threads.
pub struct ChartRepository {
    pub(super) transport: Transport,
    pub(super) address: RepositoryAddress,
    /// The root of its server: what lies beyond is judged by it.
    home: Location,
    authorization: Option<Authorization>,
    passed_on: bool,
    pub(super) hosts: BusyHosts,
}

/// Where a request goes, and who asks there.
pub(super) struct RepositoryTarget {
    pub(super) location: Location,
    /// The only origin that sees the login.
    pub(super) home: Location,
}

impl ChartRepository {
    /// Reads the certificate files that the options name. Nothing is connected to yet.
    pub fn new(
        options: &HttpOptions,
        mut address: RepositoryAddress,
        login: Option<RepositoryLogin>,
    ) -> Result<Self, RepositoryError> {
        let transport = Transport::new(options)?;
        let home = address.base.join("/").map_err(|source| RepositoryError::Address { source })?;
        let in_url = address.take_login();
        let passed_on = login.as_ref().is_some_and(|login| login.passed_on);
        let pair = login.map(|login| (login.username, login.password)).or(in_url);
        let authorization = pair.map(|(username, password)| Authorization::basic(&username, &password));
        Ok(Self { transport, address, home, authorization, passed_on, hosts: BusyHosts::default() })
    }

    /// Where it is.
    pub fn address(&self) -> &RepositoryAddress {
        &self.address
    }

    /// Where a chart's URL leads, which the index has: it is relative to the repository, or leads anywhere that a redirect of the
    /// repository's might. The repository's query goes with what is on its own server.
    pub(super) fn target(&self, url: &str) -> Result<RepositoryTarget, RepositoryError> {
        let base = &self.address.base;
        let located = self.transport.leads(&self.home, base, url);
        let location = located.map_err(|source| RepositoryError::Url { url: shown(url), source })?;
        let is_own = location.same_origin(&self.home);
        let location = if is_own { location.with_query_of(base) } else { location };
        let home = match self.passed_on && !is_own {
            true => location.join("/").map_err(|source| RepositoryError::Url { url: shown(url), source })?,
            false => self.home.clone(),
        };
        Ok(RepositoryTarget { location, home })
    }

    /// The index's own place.
    pub(super) fn index_target(&self) -> RepositoryTarget {
        RepositoryTarget { location: self.address.index.clone(), home: self.home.clone() }
    }
}

impl RepositoryTarget {
    pub(super) fn request(&self, headers: Vec<(&'static str, String)>) -> HttpRequest<'_> {
        HttpRequest {
            method: "GET",
            location: self.location.clone(),
            headers,
            body: Body::None,
            home: &self.home,
            vouched: false,
            opening: Opening::Alone,
        }
    }
}

impl Asks for ChartRepository {
    type Error = RepositoryError;

    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, RepositoryError> {
        let (response, _) = self.transport.follow(request, self.authorization.as_ref())?;
        if !http::is_transient(response.status) {
            return Ok(response);
        }
        let asked = response.header("retry-after");
        let retry_after = asked.and_then(|value| http::retry_after(value, SystemTime::now()));
        let (status, said) = (response.status, String::new());
        let source = HttpFailure::Status { status, retry_after, said };
        Err(http::HttpError::Unreachable { request: response.request, source }.into())
    }

    fn refused(&self, mut response: HttpResponse) -> RepositoryError {
        let body = response.refusal();
        let is_about_tls = response.is_about_tls(&body);
        let from_repository = response.location.same_origin(&self.home);
        let (request, status) = (response.request, response.status);
        match status {
            400 if is_about_tls => http::HttpError::SpeaksTls { request }.into(),
            401 | 403 => {
                let shown = self.authorization.is_some() && (from_repository || self.passed_on);
                RepositoryError::Unauthorized { request, status, shown, from_repository }
            }
            404 | 410 => RepositoryError::NotFound { request, status },
            _ => RepositoryError::Refused { request, status },
        }
    }
}

impl fmt::Debug for ChartRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChartRepository({})", self.address)
    }
}

/// A URL of an index as it may be shown: its query may be a signature, and what stands before an `@` a password.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let url = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    crate::terminal::printable(url, 256)
}
