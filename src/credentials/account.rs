//! Accounts, `host[/path]`: what a credential is for, independent of how the host was spelled.

use std::fmt;

use crate::reference::{Host, ReferenceError, Repository};

/// The name of Docker Hub in docker's files, and for its helpers (docker/cli, cli/config/credentials/file_store.go).
const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// The host that we use for Docker Hub.
const HUB: &str = "docker.io";

/// A registry, or a path in one, that a credential is for. Different spellings of one registry make equal accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    host: String,
    path: String,
}

/// Why a text does not name a registry.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is text with `@` in it. The message does not repeat it, since it may be a password.
    #[error("credentials do not belong before the host")]
    Userinfo,
    /// The text has a scheme other than `https`, `http` and `oci`.
    #[error("`{0}` is no registry: expected host[:port][/path]")]
    Scheme(String),
    /// The host or the path is invalid.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl Account {
    /// Reads an account from the command line. An error if it cannot be a registry, or a path in one.
    pub fn from_argument(text: &str) -> Result<Self, AccountError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), None | Some("https" | "http" | "oci")) {
            return Err(AccountError::Scheme(text.to_owned()));
        }
        if text.contains('@') {
            return Err(AccountError::Userinfo);
        }
        let account = Self::from_server(text);
        account.host.parse::<Host>()?;
        if !account.path.is_empty() {
            account.path.parse::<Repository>()?;
        }
        Ok(account)
    }

    /// Reads an account from a key of a credential file, or from what a credential helper is asked. Accepts any text.
    pub fn from_server(text: &str) -> Self {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => (String::new(), text),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        // Text before `@` may be a password, and is not part of the host.
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let mut host = host.to_ascii_lowercase();
        // 443 is the port of HTTPS anyway, and nobody uses plain HTTP on it. `[::1]:443` has a port; `::1:443` is not a
        // host.
        if let Some(bare) = host.strip_suffix(":443")
            && (!bare.contains(':') || bare.ends_with(']'))
        {
            host.truncate(bare.len());
        }
        let hub = matches!(host.as_str(), "docker.io" | "index.docker.io" | "registry-1.docker.io");
        if hub {
            HUB.clone_into(&mut host);
        }
        let path = path.trim_matches('/');
        // `https://host/v2/` is the address of the registry's API; its path is not part of the account.
        let api = matches!(path, "v1" | "v2") && (hub || scheme.starts_with("http"));
        Self { host, path: if api { String::new() } else { path.to_owned() } }
    }

    /// The account of a repository.
    pub fn of(host: &Host, repository: &Repository) -> Self {
        Self { path: repository.as_str().to_owned(), ..Self::from_server(host.as_str()) }
    }

    /// All accounts whose credential serves this one: itself, then each path that contains it, and the host alone last.
    pub fn candidates(&self) -> Vec<Self> {
        let above = |account: &Self| {
            let path = account.path.rsplit_once('/').map_or("", |(path, _)| path);
            (!account.is_host()).then(|| Self { host: account.host.clone(), path: path.to_owned() })
        };
        std::iter::successors(Some(self.clone()), above).collect()
    }

    /// The host, in lower case, without the port 443. For Docker Hub it is `docker.io`, whatever name was given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether this is a whole registry, without a path.
    pub fn is_host(&self) -> bool {
        self.path.is_empty()
    }

    /// The account of the whole registry.
    pub fn whole(&self) -> Self {
        Self { host: self.host.clone(), path: String::new() }
    }

    /// Whether `other` is this account or is inside it.
    pub fn contains(&self, other: &Self) -> bool {
        let rest = other.path.strip_prefix(self.path.as_str());
        self.host == other.host && rest.is_some_and(|r| self.is_host() || r.is_empty() || r.starts_with('/'))
    }

    /// The host of the registry, to connect to. An error if it is not valid.
    pub fn registry(&self) -> Result<Host, ReferenceError> {
        self.host.parse()
    }

    /// The name of this account in docker's files and for its helpers, and in other programs that use these.
    pub fn server(&self) -> String {
        match self.path.as_str() {
            "" if self.host == HUB => HUB_SERVER.to_owned(),
            // Docker keeps tokens of its own beside the password, below the same address.
            path if self.host == HUB && path.starts_with("v1/") => format!("https://index.docker.io/{path}"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_host_are_one_account() {
        for (spellings, expected) in [
            (
                &[
                    "registry.example.com",
                    "https://registry.example.com",
                    "http://registry.example.com/",
                    "oci://registry.example.com/",
                    "OCI://Registry.Example.COM",
                    "registry.example.com:443",
                    "https://registry.example.com:443/",
                    "https://registry.example.com/v2/",
                    "https://registry.example.com/v1/",
                    " registry.example.com ",
                    "https://me:secret@registry.example.com/",
                    "me@registry.example.com",
                ][..],
                "registry.example.com",
            ),
            (
                &["registry.example.com/Group/", "https://registry.example.com/Group"],
                "registry.example.com/Group",
            ),
            (&["registry.example.com/v2"], "registry.example.com/v2"),
            (&["localhost:5000", "http://LOCALHOST:5000", "oci://localhost:5000/"], "localhost:5000"),
            (&["[::1]:443", "https://[::1]"], "[::1]"),
            (&["[::1]:5000"], "[::1]:5000"),
            (
                &[
                    "docker.io",
                    "index.docker.io",
                    "registry-1.docker.io",
                    "https://index.docker.io/v1/",
                    "https://registry-1.docker.io/v2/",
                    "index.docker.io/v1/",
                    "https://Index.Docker.io:443/v1",
                ],
                "docker.io",
            ),
            (&["oci://registry-1.docker.io/myorg"], "docker.io/myorg"),
            (&["https://index.docker.io/v1/access-token"], "docker.io/v1/access-token"),
        ] {
            for spelling in spellings {
                assert_eq!(Account::from_server(spelling).to_string(), expected, "{spelling}");
                let server = Account::from_server(spelling).server();
                assert_eq!(Account::from_server(&server).to_string(), expected, "{spelling} as {server}");
            }
        }
    }

    #[test]
    fn what_is_no_registry_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://host",
            "a b",
            "host:0",
            "host:port",
            "host/UPPER",
            "host/a//b",
            "host/../b",
        ] {
            assert!(Account::from_argument(text).is_err(), "{text}");
        }
        let error = Account::from_argument("https://me:hunter2@host").unwrap_err();
        assert_eq!(error.to_string(), "credentials do not belong before the host");
        for text in ["host", "localhost:5000", "https://host/", "host/group/sub", "docker.io"] {
            assert!(Account::from_argument(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn docker_calls_its_hub_by_an_old_address() {
        assert_eq!(Account::from_server("docker.io").server(), "https://index.docker.io/v1/");
        assert_eq!(
            Account::from_server("https://index.docker.io/v1/refresh-token").server(),
            "https://index.docker.io/v1/refresh-token"
        );
        assert_eq!(Account::from_server("docker.io/myorg").server(), "docker.io/myorg");
        assert_eq!(Account::from_server("localhost:5000").server(), "localhost:5000");
    }

    #[test]
    fn the_longest_path_is_first() {
        let names = |host: &str, repository: &str| {
            let candidates = Account::of(&host.parse().unwrap(), &repository.parse().unwrap()).candidates();
            candidates.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("h:1", "a/b/c"), ["h:1/a/b/c", "h:1/a/b", "h:1/a", "h:1"]);
        assert_eq!(names("index.docker.io", "a"), ["docker.io/a", "docker.io"]);
        assert_eq!(Account::from_server("h").candidates(), [Account::from_server("h")]);
    }

    #[test]
    fn an_account_contains_what_is_below_it() {
        let account = Account::from_server;
        assert!(account("h").contains(&account("h/a/b")));
        assert!(account("h/a").contains(&account("h/a/b")));
        assert!(account("h/a").contains(&account("h/a")));
        assert!(!account("h/a").contains(&account("h/ab")));
        assert!(!account("h/a").contains(&account("h")));
        assert!(!account("h").contains(&account("g")));
    }
}
