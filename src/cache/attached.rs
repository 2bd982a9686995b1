//! What is attached to the chart of an entry, and how that is written down: as more links in the entry's directory, one for
//! each manifest, each tag and each blob, so that a program that collects garbage sees what is needed, even one that does not know of this.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::layout;
use crate::digest::Digest;
use crate::reference::Tag;

/// What is attached to the chart's manifest, and to that in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attached {
    /// Manifests that name their subject, and those that attached indexes hold.
    pub manifests: BTreeSet<Digest>,
    /// Manifests under tags that are made of a digest, as cosign makes them.
    pub tags: BTreeMap<Tag, Digest>,
    /// The configs and layers of all these manifests.
    pub blobs: BTreeSet<Digest>,
}

/// How the names of links begin, before the digest or the tag.
const MANIFEST: &str = "attached-manifest.";
const TAG: &str = "attached-tag.";
const BLOB: &str = "attached-blob.";

impl Attached {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.tags.is_empty() && self.blobs.is_empty()
    }

    /// How many manifests there are. One may be attached in more than one way.
    pub fn count(&self) -> usize {
        let tagged: BTreeSet<_> =
            self.tags.values().filter(|digest| !self.manifests.contains(digest)).collect();
        self.manifests.len() + tagged.len()
    }

    /// Everything that has to be in the cache, some of it more than once.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.manifests.iter().chain(self.tags.values()).chain(&self.blobs)
    }

    /// The names of the links, and what they lead to, below the root.
    pub(super) fn targets(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let named = |kind: &'static str| {
            move |digest: &Digest| {
                (format!("{kind}{}-{}", digest.algorithm().name(), digest.hex()), layout::blob(digest))
            }
        };
        let tags = self.tags.iter().map(|(tag, digest)| (format!("{TAG}{tag}"), layout::blob(digest)));
        self.manifests.iter().map(named(MANIFEST)).chain(tags).chain(self.blobs.iter().map(named(BLOB)))
    }

    /// Takes what a link says, if it is one of these, and tells the path below the root that it should lead to. One that leads
    /// nowhere is an error.
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
