//! Whole references: host, repository, tag and digest.

use std::fmt;
use std::str::FromStr;

use super::error::ReferenceError;
use super::host::Host;
use super::repository::Repository;
use super::tag::Tag;
use super::target::Target;
use crate::digest::Digest;

/// A chart in a registry, as a user names it: host and repository, and perhaps a tag, a digest, or both.
///
/// If both are given, the digest decides which content is meant, and the tag under which name it is kept.
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
    /// `host/repository`, without tag and digest. It starts with `oci://` if the host could be taken for a part of a
    /// repository otherwise.
    pub fn name(&self) -> String {
        let scheme = if self.host.is_evident() { "" } else { "oci://" };
        format!("{scheme}{}/{}", self.host, self.repository)
    }

    /// What a manifest's URL names behind the repository: the digest if there is one, else the tag. None if there is
    /// neither.
    pub fn target(&self) -> Option<Target<'_>> {
        let tag = self.tag.as_ref().map(Target::Tag);
        self.digest.as_ref().map(Target::Digest).or(tag)
    }

    /// The tag, else the digest; empty if there is neither.
    pub fn tag_or_digest(&self) -> String {
        self.tag
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| self.digest.as_ref().map(ToString::to_string))
            .unwrap_or_default()
    }

    /// The same reference with this tag in place of its own. A digest stays.
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
        // A user leaves the slash who copies an address or completes a path. Docker and Helm differ in whether they
        // accept it (`helm push` does, `helm pull` does not); here every command does.
        let text = text.strip_suffix('/').filter(|text| text.contains('/')).unwrap_or(text);
        let (first, rest) = text.split_once('/').unwrap_or((text, ""));
        if first.contains('@') {
            // The error does not repeat what stands before `@`: it may be a password. But in `name@sha256:…` that is a
            // name and there is no host, also if the digest is cut short or the name is missing.
            let digest = first.split_once('@').is_some_and(|(name, digest)| {
                digest.parse::<Digest>().is_ok() || (!name.contains(':') && digest.starts_with("sha256:"))
            });
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
        for (text, shown) in [("a.b/c/", "a.b/c"), ("oci://a.b/c/d/", "a.b/c/d"), ("a.b/c:1/", "a.b/c:1")] {
            assert_eq!(text.parse::<Reference>().map(|r| r.to_string()).as_deref(), Ok(shown), "{text}");
        }
        for text in [
            "localhost:5000/myrepo/mychart:2.7.0",
            "localhost/mychart:1",
            "registry.example.com/a/b__c/d-e.f_g:V1_x",
            "my_registry:5000/a:1",
            "oci://_my__registry_/a:1",
            "a_b.c/d:1",
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
            "a.b/c//",
            "a.b//",
            "a.b/",
            "a.b/c:",
            "a.b/c:-1",
            "a.b/c:.1",
            "a.b/c:1:2",
            "a.b/c:a/b",
            "a.b/c@",
            "a.b../c:1",
            "./c:1",
            "a.b.:/c:1",
            "a.b:x/c:1",
            "a.b:/c:1",
            "a.b:99999/c:1",
            "a.b:+80/c:1",
            "-a.b/c:1",
            "a_-.c/d:1",
            "-_a.c/d:1",
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
            ("localhost.:5000", true),
            ("127.0.0.1.", true),
            ("r.localhost.example.", false),
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
