//! The form of an entry on the disk: a directory of symbolic links. The names of the links say what they are for, and
//! their texts where it is. No other module knows this form. Nothing here does I/O.
//!
//! ```text
//! tags/<tag>                     -> .<tag>.<unique>
//! tags/.<tag>.<unique>/chart     -> ../…/charts/<name>/versions/<version>
//!                      meta      -> ../…/blobs/<algorithm>/<hex>
//!                      content, provenance, manifest, config, origin     likewise
//!                      package   -> as content; it says that content is a whole package
//!                      source    -> <algorithm>:<hex>        a text: the digest of the files in content
//!                      epoch     -> <seconds>                a text: SOURCE_DATE_EPOCH when it was saved
//!                      attached-manifest.<algorithm>-<hex>, attached-tag.<tag>, attached-blob.<algorithm>-<hex>
//!                                -> ../…/blobs/<algorithm>/<hex>        the attached manifests and their blobs
//! ```
//! A link is read and never followed. Its text must be the one that would be written, so that a program that does
//! follow it gets to the same file. Of absolute links, which Helm 3.0.0-alpha.1 wrote, only the end counts.

use std::path::{Component, Path, PathBuf};

use super::attached::Attached;
use super::entry::{CacheEntry, Pushed};
use super::layout;
use crate::digest::Digest;
use crate::disk::unique;

/// A link in the directory of an entry: its name and its text.
pub(super) type Link = (String, PathBuf);

/// An entry as it was read from its links.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) entry: CacheEntry,
    /// The name of the first link whose text names a blob or a chart, but is not the text that would be written.
    pub(super) crooked: Option<String>,
}

/// The links of an entry in a directory `depth` levels below the root.
pub(super) fn links(entry: &CacheEntry, depth: usize) -> Vec<Link> {
    let mut targets = vec![
        ("chart", layout::chart(&entry.name, &entry.version)),
        ("content", layout::blob(&entry.content)),
        ("meta", layout::blob(&entry.meta)),
    ];
    if entry.package {
        targets.push(("package", layout::blob(&entry.content)));
    }
    targets.extend(entry.provenance.as_ref().map(|digest| ("provenance", layout::blob(digest))));
    targets.extend(entry.origin.as_ref().map(|digest| ("origin", layout::blob(digest))));
    let link = |(name, target): (&str, PathBuf)| (name.to_owned(), layout::link(depth, &target));
    let mut links: Vec<_> = targets.into_iter().map(link).collect();
    if let Some(pushed) = &entry.pushed {
        links.extend(form_links(pushed, depth));
    }
    let attached = entry.attached.targets();
    links.extend(attached.map(|(name, target)| (name, layout::link(depth, &target))));
    // These are texts and lead nowhere. A link can be read without blocking, and cannot be written in part.
    links.extend(entry.source.as_ref().map(|source| ("source".to_owned(), source.to_string().into())));
    links.extend(entry.epoch.map(|epoch| ("epoch".to_owned(), epoch.to_string().into())));
    links
}

/// The two links of a chart's form in a registry. The one of the manifest is written last: without a manifest, a config
/// does not count.
pub(super) fn form_links(pushed: &Pushed, depth: usize) -> [Link; 2] {
    [("config", &pushed.config), ("manifest", &pushed.manifest)]
        .map(|(name, digest)| (name.to_owned(), layout::link(depth, &layout::blob(digest))))
}

/// Reads an entry from its links, in a directory `depth` levels below the root. The error says what is wrong.
pub(super) fn read(links: &[Link], depth: usize) -> Result<Written, String> {
    let text = |name: &str| links.iter().find(|(other, _)| other == name).map(|(_, text)| text.as_path());
    let missing = |name: &str| format!("its link `{name}` is missing");
    let mut crooked = None;
    let mut check = |name: &str, text: &Path, target: &Path| {
        if !is_straight(text, target, depth) {
            crooked.get_or_insert_with(|| name.to_owned());
        }
    };
    let mut blob = |name: &str| -> Result<Option<Digest>, String> {
        let Some(text) = text(name) else { return Ok(None) };
        let digest = layout::linked_blob(text).ok_or_else(|| format!("its link `{name}` leads nowhere"))?;
        check(name, text, &layout::blob(&digest));
        Ok(Some(digest))
    };
    let (manifest, config) = (blob("manifest")?, blob("config")?);
    let (provenance, origin) = (blob("provenance")?, blob("origin")?);
    let (meta, content) = (blob("meta")?, blob("content")?);
    let link = text("chart").ok_or_else(|| missing("chart"))?;
    let (name, version) = layout::linked_chart(link).ok_or_else(|| missing("chart"))?;
    check("chart", link, &layout::chart(&name, &version));
    let mut attached = Attached::default();
    for (name, text) in links {
        if let Some(target) = attached.take(name, text)? {
            check(name, text, &target);
        }
    }
    let entry = CacheEntry {
        name,
        version,
        meta: meta.ok_or_else(|| missing("meta"))?,
        content: content.ok_or_else(|| missing("content"))?,
        package: text("package").is_some(),
        provenance,
        pushed: manifest.zip(config).map(|(manifest, config)| Pushed { manifest, config }),
        origin,
        source: text("source").and_then(Path::to_str).and_then(|text| text.parse().ok()),
        epoch: text("epoch").map(|text| epoch(text).ok_or("its link `epoch` is no time")).transpose()?,
        attached,
    };
    Ok(Written { entry, crooked })
}

/// Reads whole seconds, in the spelling that we write.
fn epoch(text: &Path) -> Option<u64> {
    let text = text.to_str()?;
    text.parse::<u64>().ok().filter(|epoch| epoch.to_string() == text)
}

/// Whether a link has the text that would be written for `target`, or is an absolute one, as Helm 3.0.0-alpha.1 wrote,
/// to such a path.
fn is_straight(text: &Path, target: &Path, depth: usize) -> bool {
    let is_plain = |component| matches!(component, Component::RootDir | Component::Normal(_));
    match text.is_absolute() {
        true => text.ends_with(target) && text.components().all(is_plain),
        false => text.as_os_str() == layout::link(depth, target).as_os_str(),
    }
}

/// The blobs and chart files that the links of an entry name, as paths relative to the root. This works for links that
/// are wrong or incomplete too: what may be needed must stay.
pub(super) fn needs(links: &[Link]) -> impl Iterator<Item = String> {
    links.iter().filter_map(|(_, text)| layout::linked(text))
}

/// The digest under which a registry knows the entry of these links: that of `origin`, else that of the manifest.
pub(super) fn known_as(links: &[Link]) -> Option<Digest> {
    let blob = |name: &str| {
        links.iter().find(|(other, _)| other == name).and_then(|(_, text)| layout::linked_blob(text))
    };
    blob("origin").or_else(|| blob("manifest"))
}

/// The name of the first absolute link that leads to a cache at none of these roots. We only look at its end, but other
/// programs follow it.
pub(super) fn astray<'a>(links: &'a [Link], roots: &[PathBuf]) -> Option<&'a str> {
    let is_astray = |(_, text): &&Link| {
        text.is_absolute()
            && layout::linked(text).is_some_and(|below| roots.iter().all(|root| root.join(&below) != **text))
    };
    links.iter().find(is_astray).map(|(name, _)| name.as_str())
}

/// A new name for a directory of links of the entry called `name`.
pub(super) fn directory(name: &str) -> String {
    format!(".{name}.{}", unique())
}

/// The name of a link to such a directory before it is renamed to the entry's name.
pub(super) fn new_link(directory: &str) -> String {
    format!("{directory}.link")
}

/// Whether `directory` is the name of a directory of links of the entry called `name`.
pub(super) fn is_directory_of(directory: &Path, name: &str) -> bool {
    let unique = directory.to_str().and_then(|d| d.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.'));
    unique.is_some_and(is_unique)
}

/// The name of the entry that a hidden name belongs to: the name is that of a directory of links, or of a link that was
/// not renamed yet. None for other names.
pub(super) fn owner(hidden: &str) -> Option<&str> {
    let (name, unique) = hidden.strip_prefix('.')?.trim_end_matches(".link").rsplit_once('.')?;
    is_unique(unique).then_some(name)
}

/// Whether a text has the form that [`unique`] makes: three hexadecimal numbers.
fn is_unique(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.len() == 3 && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::ops::Add as _;

    use super::*;

    fn entry() -> CacheEntry {
        let digest = |text: &str| Digest::of(text.as_bytes());
        CacheEntry {
            name: "mychart".to_owned(),
            version: "1.0.0+x".to_owned(),
            meta: digest("meta"),
            content: digest("content"),
            package: true,
            provenance: Some(digest("provenance")),
            pushed: Some(Pushed { manifest: digest("manifest"), config: digest("config") }),
            origin: Some(digest("origin")),
            source: Some(digest("source")),
            epoch: Some(1_700_000_000),
            attached: Attached {
                manifests: [digest("bundle"), "sha512:".to_owned().add(&"ab".repeat(64)).parse().unwrap()]
                    .into(),
                tags: [(format!("sha256-{}.sig", "ab".repeat(32)).parse().unwrap(), digest("sig"))].into(),
                blobs: [digest("{}"), digest("payload")].into(),
            },
        }
    }

    fn with(name: &str, text: &str) -> Vec<Link> {
        let mut links = links(&entry(), 5);
        links.retain(|(other, _)| other != name);
        links.push((name.to_owned(), text.into()));
        links
    }

    #[test]
    fn what_is_written_reads_back() {
        let bare = CacheEntry {
            package: false,
            provenance: None,
            pushed: None,
            origin: None,
            source: None,
            epoch: None,
            attached: Attached::default(),
            ..entry()
        };
        for entry in [entry(), bare] {
            for depth in [4, 5, 9] {
                assert_eq!(
                    read(&links(&entry, depth), depth),
                    Ok(Written { entry: entry.clone(), crooked: None })
                );
                // In a directory of another depth, it does not lead where it should.
                assert!(read(&links(&entry, depth), depth + 1).unwrap().crooked.is_some());
            }
        }
    }

    #[test]
    fn only_what_would_be_written_is_straight() {
        let hex = Digest::of(b"content").hex().to_owned();
        for (text, straight) in [
            (format!("../../../../../blobs/sha256/{hex}"), true),
            (format!("/home/me/.helm/registry/blobs/sha256/{hex}"), true),
            (format!("../../../../blobs/sha256/{hex}"), false),
            (format!("../../../../../../blobs/sha256/{hex}"), false),
            (format!("../../../../.././blobs/sha256/{hex}"), false),
            (format!("../../../../..//blobs/sha256/{hex}"), false),
            (format!("../../../../../x/../blobs/sha256/{hex}"), false),
            (format!("../../../../../blobs/../blobs/sha256/{hex}"), false),
            (format!("/home/../home/me/.helm/registry/blobs/sha256/{hex}"), false),
            (format!("blobs/sha256/{hex}"), false),
        ] {
            let written = read(&with("content", &text), 5).unwrap();
            assert_eq!(written.crooked.is_none(), straight, "{text}");
            assert_eq!(written.entry, entry(), "{text}");
        }
        let wrong = [
            ("content", "../../etc/passwd", "its link `content` leads nowhere"),
            ("content", "", "its link `content` leads nowhere"),
            ("chart", "../charts/a/b", "its link `chart` is missing"),
            ("epoch", "yesterday", "its link `epoch` is no time"),
            ("epoch", "+1", "its link `epoch` is no time"),
            ("attached-blob.x", "../x", "its link `attached-blob.x` leads nowhere"),
            (
                "attached-tag..x",
                &format!("../../../../../blobs/sha256/{hex}"),
                "its link `attached-tag..x` is of no tag",
            ),
        ];
        for (name, text, reason) in wrong {
            assert_eq!(read(&with(name, text), 5), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_needed_is_known_however_crooked_its_link_is() {
        let hex = Digest::of(b"content").hex().to_owned();
        for text in [format!("x/blobs/sha256/{hex}"), format!("/y/blobs/sha256/{hex}")] {
            assert!(
                needs(&with("content", &text)).any(|path| path == format!("blobs/sha256/{hex}")),
                "{text}"
            );
        }
        assert_eq!(needs(&links(&entry(), 5)).count(), 13);
    }

    #[test]
    fn absolute_links_lead_into_this_cache_or_astray() {
        let hex = Digest::of(b"content").hex().to_owned();
        let roots = ["/home/me/.helm/registry".into(), "/data/me/.helm/registry".into()];
        for (root, expected) in
            [("/home/me/.helm/registry", None), ("/data/me/.helm/registry", None), ("/else", Some("content"))]
        {
            assert_eq!(astray(&with("content", &format!("{root}/blobs/sha256/{hex}")), &roots), expected);
        }
        assert_eq!(astray(&links(&entry(), 5), &roots), None);
    }

    #[test]
    fn directories_of_links_belong_to_one_entry() {
        let own = directory("1.2");
        assert!(is_directory_of(Path::new(&own), "1.2"), "{own}");
        assert_eq!((owner(&own), owner(&new_link(&own))), (Some("1.2"), Some("1.2")));
        for other in ["1", "1.2.3", "2"] {
            assert!(!is_directory_of(Path::new(&own), other), "{other}");
        }
        for no in [
            "..",
            ".1.2",
            ".1.2.",
            ".1.2.x",
            ".1.2.1-2",
            ".1.2.1-2-3-4",
            ".1.2.1-2-3/..",
            "/.1.2.1-2-3",
            "1.2.1-2-3",
        ] {
            assert!(!is_directory_of(Path::new(no), "1.2"), "{no}");
        }
    }
}
