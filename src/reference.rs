//! Names of charts in registries: `[oci://]host[:port]/repository[:tag][@digest]`.
//!
//! Every part is checked once, here; whoever holds a [`Reference`] holds something that is safe in a path and in a
//! URL. Grammar: OCI distribution spec, "Pulling manifests", with the host as docker's reference grammar has it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::digest::{Digest, DigestError};

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing at all.
    #[error("the reference is empty")]
    Empty,
    /// A scheme other than `oci://`.
    #[error("invalid reference `{0}`: the only scheme is oci://")]
    Scheme(String),
    /// `user:password@host`.
    #[error("invalid reference: credentials do not belong into a reference")]
    Userinfo,
    /// The first part cannot be a host.
    #[error("the reference `{0}` has no registry host: expected host[:port]/repository:tag")]
    NoHost(String),
    /// A host that is neither a name nor an address, or a port that is none.
    #[error(
        "invalid registry host `{0}`: expected a name or an address, and a port between 1 and 65535 if any"
    )]
    Host(String),
    /// A host without a repository.
    #[error("the reference `{0}` has no repository: expected host[:port]/repository:tag")]
    NoRepository(String),
    /// Upper case in the repository, which is the commonest slip.
    #[error("invalid repository `{0}`: a repository must be lowercase")]
    UpperCase(String),
    /// Anything else that the distribution spec does not allow in a repository name.
    #[error(
        "invalid repository `{0}`: expected components of a-z and 0-9, joined by one of . _ __ or dashes, and separated by /"
    )]
    Repository(String),
    /// Host and repository together are longer than registries take.
    #[error("host and repository are {0} characters long, which is more than 255")]
    Long(usize),
    /// Not a tag.
    #[error(
        "invalid tag `{0}`: a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two"
    )]
    Tag(String),
    /// Not a digest.
    #[error("{0}")]
    Digest(#[from] DigestError),
    /// Where a tag is needed.
    #[error("the reference `{0}` has no tag")]
    NoTag(String),
}

/// A registry's host with its port, in lower case: `localhost:5000`, `registry.example.com`, `[::1]:5000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Box<str>);

impl Host {
    /// As written: `name[:port]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without the port; an IPv6 address keeps its brackets.
    pub fn name(&self) -> &str {
        self.split().0
    }

    /// The port, if one is given.
    pub fn port(&self) -> Option<u16> {
        self.split().1.and_then(|port| port.parse().ok())
    }

    fn split(&self) -> (&str, Option<&str>) {
        match self.0.rfind(':') {
            Some(colon) if !self.0[colon..].contains(']') => (&self.0[..colon], Some(&self.0[colon + 1..])),
            _ => (&self.0, None),
        }
    }

    /// Whether this can only be this machine. Such a registry is spoken to in plain HTTP unless TLS is asked for,
    /// as docker and Helm 3 do.
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost"
            || name.ends_with(".localhost")
            || bare.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether the name shows by itself that it is a host and no part of a repository: docker's rule.
    fn is_evident(&self) -> bool {
        self.0.contains(['.', ':']) || self.name() == "localhost"
    }
}

impl FromStr for Host {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let host = Self(text.to_ascii_lowercase().into());
        let wrong = || Err(ReferenceError::Host(text.to_owned()));
        let (name, port) = host.split();
        if let Some(port) = port {
            // `parse` alone would take `+80` and `080`.
            let plain = !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit());
            if !plain || port.parse::<u16>().is_err() {
                return wrong();
            }
        }
        let valid = match name.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
            None => name.len() <= 253 && name.split('.').all(is_label),
        };
        if valid { Ok(host) } else { wrong() }
    }
}

/// One label of a domain name (RFC 1123 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository within a registry, the distribution spec's `<name>`: `myrepo/mychart`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(Box<str>);

impl Repository {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.split('/').all(is_component) {
            return Ok(Self(text.into()));
        }
        if text.to_ascii_lowercase().split('/').all(is_component) {
            return Err(ReferenceError::UpperCase(text.to_owned()));
        }
        Err(ReferenceError::Repository(text.to_owned()))
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(component: &str) -> bool {
    let mut rest = component;
    loop {
        let word = rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        if rest.is_empty() {
            return true;
        }
        let gap = rest.bytes().take_while(|b| matches!(b, b'.' | b'_' | b'-')).count();
        let (separator, after) = rest.split_at(gap);
        rest = after;
        let dashes = !separator.is_empty() && separator.bytes().all(|b| b == b'-');
        if !dashes && !matches!(separator, "." | "_" | "__") {
            return false;
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// As it stands in the registry.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag of a chart version. Tags have no `+`, so Helm writes `_` for it (pkg/registry/util.go).
    pub fn of_version(version: &str) -> Result<Self, ReferenceError> {
        version.replace('+', "_").parse()
    }

    /// The version that this tag stands for: [`Tag::of_version`] backwards.
    pub fn to_version(&self) -> String {
        self.0.replace('_', "+")
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let valid = text.len() <= 128
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'));
        if valid { Ok(Self(text.into())) } else { Err(ReferenceError::Tag(text.to_owned())) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a command was given: a repository, and perhaps a tag, a digest, or both.
///
/// Where both are given the digest decides which content is meant, and the tag where it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The registry.
    pub host: Host,
    /// The repository within it.
    pub repository: Repository,
    /// The tag, if given.
    pub tag: Option<Tag>,
    /// The manifest's digest, if given.
    pub digest: Option<Digest>,
}

impl Reference {
    /// `host/repository`, without tag and digest.
    pub fn name(&self) -> String {
        let scheme = if self.host.is_evident() { "" } else { "oci://" };
        format!("{scheme}{}/{}", self.host, self.repository)
    }

    /// What comes after the repository in a manifest URL: the digest if there is one, else the tag.
    pub fn target(&self) -> Option<String> {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => Some(digest.to_string()),
            (None, Some(tag)) => Some(tag.to_string()),
            (None, None) => None,
        }
    }

    /// What stands behind the repository: the tag, else the digest.
    pub fn tag_or_digest(&self) -> String {
        self.tag.as_ref().map(ToString::to_string).or_else(|| self.target()).unwrap_or_default()
    }

    /// The same reference with this tag.
    #[must_use]
    pub fn with_tag(&self, tag: Tag) -> Self {
        Self { tag: Some(tag), ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(given: &str) -> Result<Self, ReferenceError> {
        if given.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (text, scheme) = match given.split_once("://") {
            Some(("oci", rest)) => (rest, true),
            Some(_) => return Err(ReferenceError::Scheme(given.to_owned())),
            None => (given, false),
        };
        let (first, rest) = text.split_once('/').unwrap_or((text, ""));
        if first.contains('@') {
            // Not repeated in the message: it may be a password. A digest after a bare word has no host either.
            let digest = first.split_once('@').is_some_and(|(_, d)| d.parse::<Digest>().is_ok());
            return Err(if digest {
                ReferenceError::NoHost(given.to_owned())
            } else {
                ReferenceError::Userinfo
            });
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        let bare = !first.contains(['.', ':']) && !first.eq_ignore_ascii_case("localhost");
        if bare && !scheme {
            return Err(ReferenceError::NoHost(given.to_owned()));
        }
        if !text.contains('/') {
            // `mychart:1.0` is a chart without a host rather than a host without a repository.
            let host = first.parse::<Host>().is_ok()
                && first.split(':').nth(1).is_none_or(|p| p.parse::<u16>().is_ok());
            return Err(match host {
                true => ReferenceError::NoRepository(given.to_owned()),
                false => ReferenceError::NoHost(given.to_owned()),
            });
        }
        let host: Host = first.parse()?;
        if repository.is_empty() {
            return Err(ReferenceError::NoRepository(given.to_owned()));
        }
        let repository: Repository = repository.parse()?;
        let tag = tag.map(str::parse).transpose()?;
        let long = host.as_str().len() + 1 + repository.as_str().len();
        if long > 255 {
            return Err(ReferenceError::Long(long));
        }
        Ok(Self { host, repository, tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let digest = Digest::of(b"x");
        for text in [
            "localhost:5000/myrepo/mychart:2.7.0",
            "localhost/mychart:1",
            "registry.example.com/a/b__c/d-e.f_g:V1_x",
            "127.0.0.1:5000/tags/tags:tags",
            "[::1]:5000/a:1",
            "oci://harbor/charts/a:1",
            "example.com/a",
            &format!("example.com/a@{digest}"),
            &format!("example.com/a:1@{digest}"),
        ] {
            assert_eq!(text.parse::<Reference>().map(|r| r.to_string()).as_deref(), Ok(text), "{text}");
        }
        assert_eq!(
            "oci://LocalHost:5000/a:1".parse::<Reference>().unwrap().to_string(),
            "localhost:5000/a:1"
        );
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, message) in [
            ("", "the reference is empty"),
            ("mychart", "the reference `mychart` has no registry host: expected host[:port]/repository:tag"),
            (
                "mychart:1.0.0",
                "the reference `mychart:1.0.0` has no registry host: expected host[:port]/repository:tag",
            ),
            (
                "myrepo/mychart:1",
                "the reference `myrepo/mychart:1` has no registry host: expected host[:port]/repository:tag",
            ),
            (
                "localhost:5000",
                "the reference `localhost:5000` has no repository: expected host[:port]/repository:tag",
            ),
            (
                "localhost:5000/:1",
                "the reference `localhost:5000/:1` has no repository: expected host[:port]/repository:tag",
            ),
            (
                "http://localhost:5000/a:1",
                "invalid reference `http://localhost:5000/a:1`: the only scheme is oci://",
            ),
            ("localhost:5000/My/chart:1", "invalid repository `My/chart`: a repository must be lowercase"),
            (
                "localhost:5000/../../x:1",
                "invalid repository `../../x`: expected components of a-z and 0-9, joined by one of . _ __ or dashes, and separated by /",
            ),
            (
                "localhost:5000/a:2.7.0+1",
                "invalid tag `2.7.0+1`: a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two",
            ),
            (
                "localhost:0/a:1",
                "invalid registry host `localhost:0`: expected a name or an address, and a port between 1 and 65535 if any",
            ),
            ("localhost:5000/a@sha256:abc", "invalid digest `sha256:abc`: expected 64 hex digits, found 3"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn never_repeats_a_password() {
        for text in ["user:hunter2@localhost:5000/a:1", "oci://user:hunter2@example.com/a"] {
            let message = text.parse::<Reference>().unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn refuses_what_the_grammar_does_not_have() {
        for text in [
            "a.b/c_/d:1",
            "a.b/_c:1",
            "a.b/c..d:1",
            "a.b/c___d:1",
            "a.b/c._d:1",
            "a.b//c:1",
            "a.b/c/:1",
            "a.b/c:",
            "a.b/c:-1",
            "a.b/c:.1",
            "a.b/c:1:2",
            "a.b/c:a/b",
            "a.b/c@",
            "a.b:x/c:1",
            "a.b:/c:1",
            "a.b:99999/c:1",
            "a.b:+80/c:1",
            "-a.b/c:1",
            "a_b.c/d:1",
            "[::1/a:1",
            "[zz]:1/a:1",
            "a.b/c d:1",
            "a.b/\u{e9}:1",
            "oci://",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        let long = format!("a.b/{}:1", "a".repeat(252));
        assert!(long.parse::<Reference>().is_err());
        assert!(format!("a.b/c:{}", "a".repeat(129)).parse::<Reference>().is_err());
        assert!(format!("a.b/c:{}", "a".repeat(128)).parse::<Reference>().is_ok());
    }

    #[test]
    fn knows_what_can_only_be_this_machine() {
        for (host, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("127.9.9.9:1", true),
            ("[::1]:5000", true),
            ("a.localhost", true),
            ("localhost.example.com", false),
            ("128.0.0.1", false),
            ("[::2]", false),
        ] {
            assert_eq!(host.parse::<Host>().unwrap().is_loopback(), loopback, "{host}");
        }
    }

    #[test]
    fn a_plus_in_a_version_is_an_underscore_in_its_tag() {
        let tag = Tag::of_version("1.0.0+build.5").unwrap();
        assert_eq!(tag.as_str(), "1.0.0_build.5");
        assert_eq!(tag.to_version(), "1.0.0+build.5");
    }
}
