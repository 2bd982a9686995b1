//! The URLs of the distribution spec's endpoints, one function each. Without I/O.
//!
//! All parts of a path have been checked against their grammar: repository, tag and digest contain nothing that a path
//! would have to escape (CVE-2024-3727).

use crate::digest::Digest;
use crate::http::{Location, RedirectRefusal};
use crate::reference::{Host, Repository, Target};

/// The root of a registry: `<scheme>://<host>/`.
pub(super) fn root(scheme: &str, host: &Host) -> Result<Location, RedirectRefusal> {
    let host = match host.as_str() {
        // The API of Docker Hub is not at the name that references have for it.
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    };
    Location::root(scheme, host)
}

/// end-1: `GET <registry>/v2/`
pub(super) fn base(registry: &Location) -> Result<Location, RedirectRefusal> {
    registry.join("/v2/")
}

/// end-2: `GET`, `HEAD <registry>/v2/<name>/blobs/<digest>`
pub(super) fn blob(
    registry: &Location,
    name: &Repository,
    digest: &Digest,
) -> Result<Location, RedirectRefusal> {
    registry.join(&format!("/v2/{name}/blobs/{digest}"))
}

/// end-3 and end-7: `GET`, `HEAD`, `PUT <registry>/v2/<name>/manifests/<reference>`
pub(super) fn manifest(
    registry: &Location,
    name: &Repository,
    target: Target<'_>,
) -> Result<Location, RedirectRefusal> {
    registry.join(&format!("/v2/{name}/manifests/{target}"))
}

/// end-4a: `POST <registry>/v2/<name>/blobs/uploads/`
pub(super) fn upload(registry: &Location, name: &Repository) -> Result<Location, RedirectRefusal> {
    registry.join(&format!("/v2/{name}/blobs/uploads/"))
}

/// end-11: `POST <registry>/v2/<name>/blobs/uploads/?mount=<digest>&from=<other name>`
pub(super) fn mount(
    registry: &Location,
    name: &Repository,
    digest: &Digest,
    from: &Repository,
) -> Result<Location, RedirectRefusal> {
    Ok(upload(registry, name)?.with("mount", &digest.to_string()).with("from", from.as_str()))
}

/// end-6: `PUT <location>?digest=<digest>`, where the location is that of the upload session.
pub(super) fn finish_upload(session: &Location, digest: &Digest) -> Location {
    session.with("digest", &digest.to_string())
}

/// end-8a: `GET <registry>/v2/<name>/tags/list`
pub(super) fn tags(registry: &Location, name: &Repository) -> Result<Location, RedirectRefusal> {
    registry.join(&format!("/v2/{name}/tags/list"))
}

/// end-12a: `GET <registry>/v2/<name>/referrers/<digest>`
pub(super) fn referrers(
    registry: &Location,
    name: &Repository,
    digest: &Digest,
) -> Result<Location, RedirectRefusal> {
    registry.join(&format!("/v2/{name}/referrers/{digest}"))
}

/// `GET <registry>/v2/_catalog`, which docker's registry had before the OCI specification.
pub(super) fn catalog(registry: &Location) -> Result<Location, RedirectRefusal> {
    registry.join("/v2/_catalog")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_the_spec() {
        let registry = root("https", &"r.example:5000".parse().unwrap()).unwrap();
        let name: Repository = "a/b".parse().unwrap();
        let digest = Digest::of(b"");
        let root = "https://r.example:5000/v2/a/b";
        for (location, expected) in [
            (blob(&registry, &name, &digest), format!("{root}/blobs/{digest}")),
            (
                manifest(&registry, &name, (&"1.0".parse::<crate::reference::Tag>().unwrap()).into()),
                format!("{root}/manifests/1.0"),
            ),
            (manifest(&registry, &name, (&digest).into()), format!("{root}/manifests/{digest}")),
            (upload(&registry, &name), format!("{root}/blobs/uploads/")),
            (
                mount(&registry, &name, &digest, &name),
                format!("{root}/blobs/uploads/?mount={digest}&from=a/b"),
            ),
            (tags(&registry, &name), format!("{root}/tags/list")),
            (referrers(&registry, &name, &digest), format!("{root}/referrers/{digest}")),
        ] {
            assert_eq!(location.map(|l| l.with_query()), Ok(expected));
        }
        for name in ["docker.io", "index.docker.io"] {
            let location = super::root("https", &name.parse().unwrap()).unwrap();
            assert_eq!(location.to_string(), "https://registry-1.docker.io/");
        }
        let session = Location::parse("https://r.example/u?state=x").unwrap();
        assert_eq!(
            finish_upload(&session, &digest).with_query(),
            format!("https://r.example/u?state=x&digest={digest}")
        );
    }
}
