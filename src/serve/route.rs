//! Parses paths: which endpoint of the distribution spec is meant. Every part of a path is checked here, once.

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::refusal::RequestRefusal;
use crate::digest::Digest;
use crate::reference::{Repository, Tag};

/// The longest name of a repository, in bytes. A longer one does not fit into a file name, and other registries refuse
/// it.
const MAX_REPOSITORY: usize = 255;

/// An endpoint, and the names in its path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// end-1: `/v2/`
    Base,
    /// `/v2/_catalog`, which is older than the OCI specification.
    Catalog,
    /// end-2 and end-10: `/v2/<name>/blobs/<digest>`
    Blob(Repository, Digest),
    /// end-3, end-7 and end-9: `/v2/<name>/manifests/<reference>`
    Manifest(Repository, ManifestTarget),
    /// end-4a, end-4b and end-11: `/v2/<name>/blobs/uploads/`
    Uploads(Repository),
    /// end-5, end-6, end-13 and end-14: `/v2/<name>/blobs/uploads/<reference>`
    Upload(Repository, String),
    /// end-8a and end-8b: `/v2/<name>/tags/list`
    Tags(Repository),
    /// end-12a and end-12b: `/v2/<name>/referrers/<digest>`
    Referrers(Repository, Digest),
}

/// The reference of a manifest in a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ManifestTarget {
    /// `manifests/1.0.0`
    Tag(Tag),
    /// `manifests/sha256:…`
    Digest(Digest),
    /// Neither a tag nor a digest: nothing can be stored or found under it.
    Neither(String),
}

impl Route {
    /// Parses the path of a request.
    pub(super) fn parse(path: &str) -> Result<Self, RequestRefusal> {
        let rest = path.strip_prefix("/v2").ok_or(RequestRefusal::NotFound)?;
        if matches!(rest, "" | "/") {
            return Ok(Self::Base);
        }
        let rest = rest.strip_prefix('/').ok_or(RequestRefusal::NotFound)?;
        let parts: Vec<_> = rest
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8())
            .collect::<Result<_, _>>()
            .map_err(|_| RequestRefusal::NotFound)?;
        // Components of a repository's name may be `blobs` or `manifests`, so only the end of a path decides.
        match parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>()[..] {
            ["_catalog"] => Ok(Self::Catalog),
            [ref name @ .., "blobs", "uploads"] | [ref name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads(repository(name)?))
            }
            [ref name @ .., "blobs", "uploads", id] => Ok(Self::Upload(repository(name)?, id.to_owned())),
            [ref name @ .., "blobs", digest] => Ok(Self::Blob(repository(name)?, self::digest(digest)?)),
            [ref name @ .., "manifests", target] => {
                Ok(Self::Manifest(repository(name)?, ManifestTarget::parse(target)?))
            }
            [ref name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [ref name @ .., "referrers", digest] => {
                Ok(Self::Referrers(repository(name)?, self::digest(digest)?))
            }
            _ => Err(RequestRefusal::NotFound),
        }
    }

    /// The methods of the endpoint, as the `Allow` header lists them.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Base | Self::Catalog | Self::Tags(_) | Self::Referrers(..) => "GET, HEAD",
            Self::Blob(..) => "GET, HEAD, DELETE",
            Self::Manifest(..) => "GET, HEAD, PUT, DELETE",
            Self::Uploads(_) => "POST",
            Self::Upload(..) => "GET, HEAD, PATCH, PUT, DELETE",
        }
    }

    /// Refuses a method that the endpoint does not support.
    pub(super) fn check(&self, method: &Method) -> Result<(), RequestRefusal> {
        match self.allow().split(", ").any(|allowed| allowed == method.as_str()) {
            true => Ok(()),
            false => Err(RequestRefusal::Unsupported { allow: self.allow() }),
        }
    }
}

impl ManifestTarget {
    fn parse(text: &str) -> Result<Self, RequestRefusal> {
        if text.contains(':') {
            return Ok(Self::Digest(digest(text)?));
        }
        Ok(text.parse().map_or_else(|_| Self::Neither(text.to_owned()), Self::Tag))
    }
}

fn repository(components: &[&str]) -> Result<Repository, RequestRefusal> {
    name(&components.join("/"))
}

/// Parses a repository's name, in a path or in `from`.
pub(super) fn name(text: &str) -> Result<Repository, RequestRefusal> {
    if text.len() > MAX_REPOSITORY {
        return Err(RequestRefusal::NameInvalid);
    }
    text.parse().map_err(|_| RequestRefusal::NameInvalid)
}

/// Parses a digest, in a path or in a query.
pub(super) fn digest(text: &str) -> Result<Digest, RequestRefusal> {
    text.parse().map_err(RequestRefusal::DigestSyntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_endpoints_apart() {
        let digest = Digest::of(b"");
        let name = |text: &str| text.parse::<Repository>().unwrap();
        for (path, route) in [
            ("/v2", Route::Base),
            ("/v2/", Route::Base),
            ("/v2/_catalog", Route::Catalog),
            (&format!("/v2/a/b/blobs/{digest}"), Route::Blob(name("a/b"), digest.clone())),
            (&format!("/v2/a/blobs/sha256%3A{}", digest.hex()), Route::Blob(name("a"), digest.clone())),
            ("/v2/a/blobs/uploads", Route::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/", Route::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/1", Route::Upload(name("a"), "1".to_owned())),
            ("/v2/a/manifests/1", Route::Manifest(name("a"), ManifestTarget::Tag("1".parse().unwrap()))),
            ("/v2/a/manifests/..", Route::Manifest(name("a"), ManifestTarget::Neither("..".to_owned()))),
            ("/v2/a/tags/list", Route::Tags(name("a"))),
            (
                "/v2/tags/list/manifests/blobs/manifests/1",
                Route::Manifest(name("tags/list/manifests/blobs"), ManifestTarget::Tag("1".parse().unwrap())),
            ),
            (&format!("/v2/a/referrers/{digest}"), Route::Referrers(name("a"), digest)),
        ] {
            assert_eq!(Route::parse(path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn refuses_what_could_leave_the_root() {
        for path in [
            "/v2/../blobs/uploads/",
            "/v2/%2e%2e/manifests/1",
            "/v2/a/%2e%2e/b/manifests/1",
            "/v2/a%2f..%2fb/manifests/1",
            "/v2//manifests/1",
            "/v2/a//b/manifests/1",
            "/v2/A/manifests/1",
            "/v2/_tags/manifests/1",
            "/v2/a/_blobs/manifests/1",
            "/v2/manifests/1",
            &format!("/v2/{}/manifests/1", "a".repeat(256)),
        ] {
            assert!(matches!(Route::parse(path), Err(RequestRefusal::NameInvalid)), "{path}");
        }
        for path in ["/v2/a/blobs/sha256:..%2f..%2fx", "/v2/a/manifests/sha256:abc", "/v2/a/referrers/x"] {
            assert!(matches!(Route::parse(path), Err(RequestRefusal::DigestSyntax(_))), "{path}");
        }
        for path in ["/", "", "/v1/", "/v2x", "/v2/a", "/v2/../../etc/passwd", "/v2/a/manifests/%ff"] {
            assert!(matches!(Route::parse(path), Err(RequestRefusal::NotFound)), "{path}");
        }
    }
}
