//! Where the files of a repository are.

use std::fmt;

use super::error::RepositoryError;
use crate::credential::Secret;
use crate::http::{Location, RedirectRefusal};

/// The name of the index below a repository's URL.
const INDEX: &str = "index.yaml";

/// A repository by its URL, as `helm repo add` takes it, or by that of its index.
///
/// A query, as SAS tokens are one, goes with every request to the repository's own server (ResolveReferenceURL and getters of
/// Helm's pkg/repo/v1/chartrepo.go); a user and a password in it are its login.
#[derive(Clone)]
pub struct RepositoryAddress {
    /// With a `/` at its end: what relative URLs are relative to.
    pub(super) base: Location,
    pub(super) index: Location,
    login: Option<(String, Secret)>,
}

impl RepositoryAddress {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, RepositoryError> {
        let malformed = |source| RepositoryError::Address { source };
        let (text, login) =
            without_login(text.trim()).ok_or_else(|| malformed(RedirectRefusal::Malformed))?;
        let whole = text.split('#').next().unwrap_or_default();
        let (path, query) = match whole.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (whole, None),
        };
        let directory = match path.rsplit_once('/') {
            Some((directory, INDEX | "index.yml" | "index.json")) => directory,
            _ => path,
        };
        let file = match path.rsplit_once('/') {
            Some((above, file)) if above == directory => file,
            _ => INDEX,
        };
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let at = |file: &str| {
            let directory = directory.trim_end_matches('/');
            Location::parse(&format!("{directory}/{file}{query}")).map_err(malformed)
        };
        Ok(Self { base: at("")?, index: at(file)?, login })
    }

    /// The user and the password that stand in the URL.
    pub fn take_login(&mut self) -> Option<(String, Secret)> {
        self.login.take()
    }

    /// The scheme, host and port.
    pub fn origin(&self) -> String {
        self.base.origin()
    }
}

/// The URL, without its query and without any login.
impl fmt::Display for RepositoryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.to_string().trim_end_matches('/'))
    }
}

impl fmt::Debug for RepositoryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryAddress({self})")
    }
}

/// A URL and the login in it, both decoded from percent-encoding.
fn without_login(text: &str) -> Option<(String, Option<(String, Secret)>)> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let Some((login, host)) = authority.rsplit_once('@') else { return Some((text.to_owned(), None)) };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let decoded = |text: &str| {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
        Some(decoded.into_owned())
    };
    let login = (decoded(user)?, Secret::new(decoded(password)?));
    Some((format!("{scheme}://{host}{behind}"), Some(login)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_its_url_or_its_index() {
        for (text, base, index) in [
            ("https://r.example", "https://r.example/", "https://r.example/index.yaml"),
            ("https://r.example/a/", "https://r.example/a/", "https://r.example/a/index.yaml"),
            (
                "https://r.example/a?sig=1",
                "https://r.example/a/?sig=1",
                "https://r.example/a/index.yaml?sig=1",
            ),
            (
                "http://u:p@r.example/a/index.yaml?x",
                "http://r.example/a/?x",
                "http://r.example/a/index.yaml?x",
            ),
            ("https://r.example/a/index.json", "https://r.example/a/", "https://r.example/a/index.json"),
            (
                "https://r.example/a/charts.yaml",
                "https://r.example/a/charts.yaml/",
                "https://r.example/a/charts.yaml/index.yaml",
            ),
        ] {
            let address = RepositoryAddress::parse(text).unwrap();
            assert_eq!(
                (address.base.with_query().as_str(), address.index.with_query().as_str()),
                (base, index),
                "{text}"
            );
        }
        for text in ["", "r.example/a", "ftp://r.example/", "https://"] {
            assert!(RepositoryAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_login_is_taken_out_and_never_shown() {
        let mut address =
            RepositoryAddress::parse("https://me%40x:s3cret%2F@r.example/a?sig=s3cret").unwrap();
        assert_eq!(address.to_string(), "https://r.example/a");
        assert!(!format!("{address:?}").contains("s3cret"));
        let (user, password) = address.take_login().unwrap();
        assert_eq!((user.as_str(), password.expose()), ("me@x", "s3cret/"));
    }
}
