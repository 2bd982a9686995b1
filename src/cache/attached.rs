//! What is attached to the chart of an entry, and its form on the disk: more links in the entry's directory, one for
//! each manifest, tag and blob. So a program that collects garbage by the links keeps these blobs, even if it does not
//! know the names of the links.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::layout;
use crate::digest::Digest;
use crate::reference::Tag;

/// The manifests that are attached to a chart's manifest, directly or through others, and their blobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attached {
    /// Manifests that have a `subject`, and members of attached indexes.
    pub manifests: BTreeSet<Digest>,
    /// Manifests that are attached by tags made of a digest, as cosign makes them.
    pub tags: BTreeMap<Tag, Digest>,
    /// The configs and layers of all these manifests.
    pub blobs: BTreeSet<Digest>,
}

/// How the names of the links begin. The digest or the tag follows.
const MANIFEST: &str = "attached-manifest.";
const TAG: &str = "attached-tag.";
const BLOB: &str = "attached-blob.";

impl Attached {
    /// Whether nothing is attached.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.tags.is_empty() && self.blobs.is_empty()
    }

    /// The number of attached manifests. One that is attached in several ways counts once.
    pub fn count(&self) -> usize {
        let tagged: BTreeSet<_> =
            self.tags.values().filter(|digest| !self.manifests.contains(digest)).collect();
        self.manifests.len() + tagged.len()
    }

    /// The digests of all manifests and blobs, which must be in the cache. A digest may come more than once.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.manifests.iter().chain(self.tags.values()).chain(&self.blobs)
    }

    /// The names of the links, and the paths that they lead to, relative to the cache's root.
    pub(super) fn targets(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let named = |kind: &'static str| {
            move |digest: &Digest| {
                (format!("{kind}{}-{}", digest.algorithm().name(), digest.hex()), layout::blob(digest))
            }
        };
        let tags = self.tags.iter().map(|(tag, digest)| (format!("{TAG}{tag}"), layout::blob(digest)));
        self.manifests.iter().map(named(MANIFEST)).chain(tags).chain(self.blobs.iter().map(named(BLOB)))
    }

    /// Takes in the link `name` with this text, if it is one about something attached, and returns the path that it
    /// should lead to, relative to the cache's root. None if it is another link. An error if it names no blob or no
    /// tag.
    pub(super) fn take(&mut self, name: &str, text: &Path) -> Result<Option<PathBuf>, String> {
        let begins = |kind: &str| name.starts_with(kind);
        if !begins(MANIFEST) && !begins(TAG) && !begins(BLOB) {
            return Ok(None);
        }
        let nowhere = || format!("its link `{name}` leads nowhere");
        let digest = layout::linked_blob(text).ok_or_else(nowhere)?;
        let target = layout::blob(&digest);
        if begins(MANIFEST) {
            self.manifests.insert(digest);
        } else if begins(BLOB) {
            self.blobs.insert(digest);
        } else {
            let tag = name.strip_prefix(TAG).and_then(|tag| tag.parse().ok());
            self.tags.insert(tag.ok_or_else(|| format!("its link `{name}` is of no tag"))?, digest);
        }
        Ok(Some(target))
    }
}
