//! The names of images in a normal form.

use std::fmt;

use crate::digest::Digest;
use crate::reference::{Reference, ReferenceError};

/// The host of Docker Hub's registry.
const HUB: &str = "registry-1.docker.io";

/// The name of an image as docker shows it: without `docker.io/` and `library/`, and with a tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName(String);

impl ImageName {
    /// Parses `[host[:port]/]path[:tag][@digest]`. `None` if the text cannot be an image's name, such as an incomplete
    /// template expression.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse::<Digest>().ok()?)),
            None => (text, None),
        };
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        let (path, tag) = match name[last..].split_once(':') {
            Some((end, tag)) => (&name[..last + end.len()], Some(tag)),
            None => (name, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return None;
        }
        let (host, path) = match path.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => ("docker.io", path),
        };
        let may_be_host =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
        if !may_be_host || path.is_empty() || !path.split('/').all(is_component) {
            return None;
        }
        let mut shown = match host {
            "docker.io" | "index.docker.io" => path.strip_prefix("library/").unwrap_or(path).to_owned(),
            host => format!("{host}/{path}"),
        };
        match (tag, &digest) {
            (Some(tag), _) => shown += &format!(":{tag}"),
            (None, None) => shown += ":latest",
            (None, Some(_)) => {}
        }
        if let Some(digest) = digest {
            shown += &format!("@{digest}");
        }
        Some(Self(shown))
    }

    /// The reference of the image in its registry. A name without a host is one of Docker Hub's.
    pub fn in_registry(&self) -> Result<Reference, ReferenceError> {
        let has_host = self.0.split_once('/').is_some_and(|(host, _)| is_host(host));
        match (has_host, self.0.contains('/')) {
            (true, _) => self.0.parse(),
            (false, true) => format!("{HUB}/{}", self.0).parse(),
            (false, false) => format!("{HUB}/library/{}", self.0).parse(),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the first part of a name is a host, by docker's rule.
fn is_host(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost"
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// Whether this is a valid part of a repository's name: lower case, without a separator at either end.
fn is_component(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    part.bytes().next().is_some_and(plain)
        && part.bytes().next_back().is_some_and(plain)
        && part.bytes().all(|b| plain(b) || b"-._".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_a_host_are_docker_hub_s() {
        for (text, expected) in [
            ("nginx", "registry-1.docker.io/library/nginx:latest"),
            ("docker.io/bitnami/nginx:1", "registry-1.docker.io/bitnami/nginx:1"),
            ("quay.io/team/web:1.4.0", "quay.io/team/web:1.4.0"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
        ] {
            assert_eq!(ImageName::parse(text).unwrap().in_registry().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn one_image_has_one_name() {
        let digest = Digest::of(b"x");
        for (text, expected) in [
            ("nginx", Some("nginx:latest")),
            ("docker.io/library/nginx:1.25", Some("nginx:1.25")),
            ("index.docker.io/bitnami/nginx:1", Some("bitnami/nginx:1")),
            ("quay.io/team/web:1.4.0", Some("quay.io/team/web:1.4.0")),
            ("localhost:5000/a", Some("localhost:5000/a:latest")),
            ("library/busybox", Some("busybox:latest")),
            (&format!("a/b@{digest}"), Some(&*format!("a/b@{digest}"))),
            (&format!("a/b:1@{digest}"), Some(&*format!("a/b:1@{digest}"))),
            ("https://example.com/x", None),
            ("{{ .Values.image }}", None),
            ("a/b:", None),
            (":1", None),
            ("", None),
            ("Team/web:1", None),
            ("a b", None),
            ("a/b@sha256:1", None),
        ] {
            assert_eq!(ImageName::parse(text).map(|name| name.to_string()).as_deref(), expected, "{text}");
        }
    }
}
