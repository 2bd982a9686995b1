//! The paths of the cache, and the references of its entries. Each entry's reference makes one path, and each path one
//! reference. Nothing here does I/O.
//!
//! ```text
//! blobs/<algorithm>/<hex>
//! charts/<name>/versions/<version>
//! refs/<host>_<port>/<repository>/tags/<tag>            -> .<tag>.<unique>, a directory of links
//! refs/<host>_<port>/<repository>/digests/<algorithm>-<hex>      likewise, if it was pulled by digest alone
//! ```
//! `:` is not allowed in file names everywhere, so `_` stands for it in a host, and `%5F` stands for `_`, which few
//! hosts have. A repository component called `tags` or `digests` is written with a `_` in front, which no component
//! begins with.

use std::path::{Component, Path, PathBuf};

use crate::digest::{Algorithm, Digest};
use crate::reference::{Reference, Tag};

/// The directory of temporary files.
pub(super) const SCRATCH: &str = "tmp";
/// The directory of blobs, with one directory for each algorithm.
pub(super) const BLOBS: &str = "blobs";
/// The directory of charts, with one directory for each chart's name.
pub(super) const CHARTS: &str = "charts";
/// The directory of a chart's versions, in the directory of its name.
pub(super) const VERSIONS: &str = "versions";
/// The directory of entries, with directories for host and repository.
pub(super) const REFS: &str = "refs";

/// The directories that are made with a new cache.
pub(super) const DIRECTORIES: [&str; 3] = ["blobs/sha256", CHARTS, REFS];

/// The longest path to a directory of entries has this many names: a repository has at most 255 characters, so at most 128
/// parts. Anything deeper is not an entry of ours.
pub(super) const DEEPEST: usize = 131;

/// The names of directories that hold entries.
const TAGS: &str = "tags";
const DIGESTS: &str = "digests";

/// The path of the directory of an algorithm's blobs, relative to the root.
pub(super) fn blobs(algorithm: Algorithm) -> PathBuf {
    Path::new(BLOBS).join(algorithm.name())
}

/// Stands for the `_` of a host. No host has a `%`.
const UNDERSCORE: &str = "%5F";

/// The path of a blob, relative to the root.
pub(super) fn blob(digest: &Digest) -> PathBuf {
    blobs(digest.algorithm()).join(digest.hex())
}

/// The path of the file that stands for a chart's name and version, relative to the root.
pub(super) fn chart(name: &str, version: &str) -> PathBuf {
    Path::new(CHARTS).join(name).join(VERSIONS).join(version)
}

/// The path of an entry, relative to the root; None for a reference that has neither tag nor digest.
pub(super) fn entry(reference: &Reference) -> Option<PathBuf> {
    let mut path = repository(reference);
    match (&reference.tag, &reference.digest) {
        (Some(tag), _) => path.extend([TAGS, tag.as_str()]),
        (None, Some(digest)) => {
            path.push(DIGESTS);
            path.push(format!("{}-{}", digest.algorithm().name(), digest.hex()));
        }
        (None, None) => return None,
    }
    Some(path)
}

/// The path of a repository, relative to the root.
pub(super) fn repository(reference: &Reference) -> PathBuf {
    let host = reference.host.as_str().replace('_', UNDERSCORE).replace(':', "_");
    let mut path = Path::new(REFS).join(host);
    for component in reference.repository.as_str().split('/') {
        match component {
            TAGS | DIGESTS => path.push(format!("_{component}")),
            _ => path.push(component),
        }
    }
    path
}

/// The paths of the directories of a repository's entries, relative to the root.
pub(super) fn entries(reference: &Reference) -> [PathBuf; 2] {
    [TAGS, DIGESTS].map(|kind| repository(reference).join(kind))
}

/// Whether a directory of this name, somewhere below `refs`, holds entries.
pub(super) fn holds_entries(name: &str) -> bool {
    matches!(name, TAGS | DIGESTS)
}

/// The reference of the entry at `path`, relative to the root; None if that is not the path of an entry. The inverse of
/// [`entry`].
pub(super) fn reference(path: &Path) -> Option<Reference> {
    let mut names = Vec::new();
    for component in path.components() {
        let Component::Normal(name) = component else { return None };
        names.push(name.to_str()?);
    }
    let ["refs", host, repository @ .., kind, last] = names.as_slice() else { return None };
    let host = host.replace('_', ":").replace(UNDERSCORE, "_").parse().ok()?;
    let components: Vec<_> = repository.iter().map(|c| c.strip_prefix('_').unwrap_or(c)).collect();
    let repository = components.join("/").parse().ok()?;
    let (tag, digest) = match *kind {
        TAGS => (Some(last.parse::<Tag>().ok()?), None),
        DIGESTS => (None, Some(last.replacen('-', ":", 1).parse().ok()?)),
        _ => return None,
    };
    let reference = Reference { host, repository, tag, digest };
    // Only the spelling that the cache writes counts: `_a` is not another path of `a`.
    (entry(&reference)? == path).then_some(reference)
}

/// The beginning of all references whose entries are below the directory at `path`, relative to the root:
/// `localhost:5000/myrepo/`.
pub(super) fn beginning(path: &Path) -> String {
    let names: Vec<_> = path.iter().skip(1).map(|name| name.to_string_lossy()).collect();
    let [host, rest @ ..] = names.as_slice() else { return "/".to_owned() };
    let mut text = format!("{}/", host.replace('_', ":").replace(UNDERSCORE, "_"));
    for (number, name) in rest.iter().enumerate() {
        match (name.as_ref(), number + 1 == rest.len()) {
            (TAGS, true) => text.replace_range(text.len() - 1.., ":"),
            (DIGESTS, true) => text.replace_range(text.len() - 1.., "@"),
            (name, _) => {
                text.push_str(name.strip_prefix('_').unwrap_or(name));
                text.push('/');
            }
        }
    }
    text
}

/// The text of a link to `target`, relative to the root, from a directory `depth` levels below the root. It is
/// relative, so that the cache can be moved.
pub(super) fn link(depth: usize, target: &Path) -> PathBuf {
    let mut path: PathBuf = std::iter::repeat_n("..", depth).collect();
    path.push(target);
    path
}

/// The names in the text of a link, without `..` and the like.
fn target(link: &Path) -> Vec<&str> {
    let normal = |component| match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    };
    link.components().filter_map(normal).collect()
}

/// The digest of the blob that a link names; None if it names no blob. Only the last three names count, because Helm
/// 3.0.0-alpha.1 wrote absolute links.
pub(super) fn linked_blob(link: &Path) -> Option<Digest> {
    let [.., "blobs", algorithm, hex] = target(link)[..] else { return None };
    format!("{algorithm}:{hex}").parse().ok()
}

/// The path of what a link names, a blob or a chart's file, relative to the root; None if it names neither.
pub(super) fn linked(link: &Path) -> Option<String> {
    match target(link)[..] {
        [.., "blobs", algorithm, hex] => Some(format!("blobs/{algorithm}/{hex}")),
        [.., "charts", name, "versions", version] => Some(format!("charts/{name}/versions/{version}")),
        _ => None,
    }
}

/// The name and version of the chart that a link names; None if it names none.
pub(super) fn linked_chart(link: &Path) -> Option<(String, String)> {
    let [.., "charts", name, "versions", version] = target(link)[..] else { return None };
    Some((name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn paths_read_back_as_the_reference_they_were_made_of() {
        let digest = Digest::of(b"x");
        for (text, path) in [
            (
                "localhost:5000/myrepo/mychart:2.7.0",
                "refs/localhost_5000/myrepo/mychart/tags/2.7.0".to_owned(),
            ),
            ("example.com/my_repo/a:1", "refs/example.com/my_repo/a/tags/1".to_owned()),
            ("example.com/tags:tags", "refs/example.com/_tags/tags/tags".to_owned()),
            ("example.com/tags/tags:meta", "refs/example.com/_tags/_tags/tags/meta".to_owned()),
            (
                "example.com/chart/meta/content:chart",
                "refs/example.com/chart/meta/content/tags/chart".to_owned(),
            ),
            ("example.com/digests:_x", "refs/example.com/_digests/tags/_x".to_owned()),
            ("[::1]:5000/a:1", "refs/[__1]_5000/a/tags/1".to_owned()),
            ("my_registry:5000/a:1", "refs/my%5Fregistry_5000/a/tags/1".to_owned()),
            ("oci://my_registry_5000/a:1", "refs/my%5Fregistry%5F5000/a/tags/1".to_owned()),
            ("_a_.b__c.example/a:1", "refs/%5Fa%5F.b%5F%5Fc.example/a/tags/1".to_owned()),
            ("oci://harbor/a:1", "refs/harbor/a/tags/1".to_owned()),
            (
                &format!("example.com/a@{digest}"),
                format!("refs/example.com/a/digests/sha256-{}", digest.hex()),
            ),
        ] {
            let written = entry(&parse(text)).unwrap();
            assert_eq!(written, Path::new(&path), "{text}");
            assert_eq!(reference(&written).map(|r| r.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn no_two_references_share_a_path() {
        let texts = [
            "a.b/tags/x:1",
            "a.b/x:1",
            "a.b/tags/tags:x",
            "a.b/tags:x",
            "a.b:1/x:1",
            "a.b/x:tags",
            "a.b/digests/x:1",
            "a.b/1/x:1",
            "a.b/x/tags:1",
            "a_b:1/x:1",
            "oci://a_b_1/x:1",
            "a_b.1/x:1",
            "oci://a_b/x:1",
            "oci://_a_b/x:1",
        ];
        let paths: std::collections::BTreeSet<_> = texts.iter().map(|t| entry(&parse(t)).unwrap()).collect();
        assert_eq!(paths.len(), texts.len());
        // And no entry is inside of another one.
        for a in &paths {
            assert!(paths.iter().all(|b| a == b || !b.starts_with(a)), "{a:?}");
        }
    }

    #[test]
    fn strange_paths_are_no_references() {
        for path in [
            "refs/a.b/x/tags/..",
            "refs/a.b/x/tags/.hidden",
            "refs/a.b/_x/tags/1",
            "refs/a.b/x/other/1",
            "refs/a.b/tags/1",
            "refs/a.b/X/tags/1",
            "refs/a_b_1/x/tags/1",
            "refs/a%5fb/x/tags/1",
            "refs/a%5Fb_x/x/tags/1",
            "refs/a%2Eb/x/tags/1",
            "blobs/a.b/x/tags/1",
            "refs/a.b/x/digests/sha256-1",
        ] {
            assert_eq!(reference(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn what_lies_in_a_directory_begins_alike() {
        for (path, beginning) in [
            ("refs", "/"),
            ("refs/localhost_5000", "localhost:5000/"),
            ("refs/my%5Fregistry_5000/a", "my_registry:5000/a/"),
            ("refs/localhost_5000/a/b", "localhost:5000/a/b/"),
            ("refs/a.b/c/tags", "a.b/c:"),
            ("refs/a.b/_tags/tags", "a.b/tags:"),
            ("refs/a.b/c/digests", "a.b/c@"),
        ] {
            assert_eq!(super::beginning(Path::new(path)), beginning, "{path}");
        }
    }

    #[test]
    fn links_are_relative_and_absolute_ones_are_read() {
        let digest = Digest::of(b"x");
        let relative = link(3, &blob(&digest));
        assert_eq!(relative, Path::new(&format!("../../../blobs/sha256/{}", digest.hex())));
        assert_eq!(linked_blob(&relative), Some(digest.clone()));
        assert_eq!(linked_blob(&Path::new("/home/x/.helm/registry").join(blob(&digest))), Some(digest));
        assert_eq!(linked_chart(&link(2, &chart("a b", "1.0.0+x"))), Some(("a b".into(), "1.0.0+x".into())));
        assert_eq!(linked_blob(Path::new("../../etc/passwd")), None);
        for path in [blob(&Digest::of(b"x")), chart("a b", "1.0.0+x")] {
            let shown = Some(path.display().to_string());
            assert_eq!(linked(&link(4, &path)), shown);
            assert_eq!(linked(&Path::new("/home/x/.helm/registry").join(&path)), shown);
        }
        assert_eq!(linked(Path::new("../../etc/passwd")), None);
    }
}
