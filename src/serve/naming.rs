//! The names in the store that hang together: manifests with their blobs, tags with their manifests, referrers with
//! both. They change one at a time.

use std::cmp::Ordering;
use std::fs::File;
use std::io;

use super::files::{each_name, open, read, remove};
use super::first::{First, FirstPage};
use super::refusal::RequestRefusal;
use super::store::RegistryStore;
use crate::digest::Digest;
use crate::disk::{AtPath, PathError};
use crate::reference::{Repository, Tag};

/// A manifest as it was pushed.
#[derive(Debug)]
pub(super) struct StoredManifest {
    /// What it is addressed by.
    pub(super) digest: Digest,
    /// Its Content-Type.
    pub(super) media_type: String,
    /// "the exact byte representation provided by the client"
    pub(super) file: File,
    /// How many bytes that is.
    pub(super) size: u64,
}

/// What must be in the repository before a manifest may be.
#[derive(Debug, Default)]
pub(super) struct NeededParts {
    /// A manifest's config and layers.
    pub(super) blobs: Vec<Digest>,
    /// An index's manifests.
    pub(super) manifests: Vec<Digest>,
}

/// What a manifest is to its subject.
#[derive(Debug)]
pub(super) struct Referrer {
    /// The manifest that it is about; it need not be there.
    pub(super) subject: Digest,
    /// How it is listed: a descriptor, as JSON.
    pub(super) descriptor: Vec<u8>,
}

/// So many missing parts are named; there may be tens of thousands.
const NAMED: usize = 100;
/// So many tags of a manifest are found and removed in one go.
const AT_ONCE: usize = 1_000;

impl RegistryStore {
    /// Refuses a manifest whose parts are not all there.
    pub(super) fn check(&self, repository: &Repository, parts: &NeededParts) -> Result<(), RequestRefusal> {
        let blobs = parts.blobs.iter().filter(|digest| !self.has_blob(repository, digest));
        // Some builders keep plain layers in an index.
        let manifests = parts.manifests.iter().filter(|digest| {
            !self.manifest_entry(repository, digest).is_file() && !self.has_blob(repository, digest)
        });
        let mut missing: Vec<_> = blobs.chain(manifests).take(NAMED).cloned().collect();
        missing.sort();
        missing.dedup();
        if missing.is_empty() { Ok(()) } else { Err(RequestRefusal::ManifestBlobUnknown(missing)) }
    }

    /// Adds a manifest whose content is there, and gives it tags. It can be done again where it failed.
    pub(super) fn add_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        media_type: &str,
        referrer: Option<&Referrer>,
        tags: &[Tag],
    ) -> Result<(), PathError> {
        self.write(&self.manifest_entry(repository, digest), media_type.as_bytes())?;
        if let Some(referrer) = referrer {
            let path = self.referrers_dir(repository, &referrer.subject).join(referrer_name(digest));
            self.write(&path, &referrer.descriptor)?;
        }
        for tag in tags {
            let path = self.entries(repository, "_tags").join(tag.as_str());
            self.write(&path, digest.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// A repository's manifest.
    pub(super) fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<StoredManifest>, PathError> {
        let Some(media_type) = read(&self.manifest_entry(repository, digest))? else { return Ok(None) };
        let Some((file, size)) = self.open_content(digest)? else { return Ok(None) };
        Ok(Some(StoredManifest { digest: digest.clone(), media_type, file, size }))
    }

    /// The digest that a tag stands for.
    pub(super) fn tag(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, PathError> {
        let path = self.entries(repository, "_tags").join(tag.as_str());
        let invalid = |e| io::Error::new(io::ErrorKind::InvalidData, e);
        read(&path)?.map(|text| text.trim_end().parse().map_err(invalid).at("read", &path)).transpose()
    }

    /// Takes a tag away; says whether it was there. Its manifest stays.
    pub(super) fn remove_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, PathError> {
        let _naming = self.naming();
        remove(&self.entries(repository, "_tags").join(tag.as_str()))
    }

    /// Takes a manifest away, with its tags and its entry among the referrers of `subject`; says whether it was there.
    pub(super) fn remove_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        subject: Option<&Digest>,
    ) -> Result<bool, PathError> {
        let _naming = self.naming();
        let entry = self.manifest_entry(repository, digest);
        if !entry.is_file() {
            return Ok(false);
        }
        // What leads to the manifest goes before the manifest.
        self.remove_tags_of(repository, digest)?;
        if let Some(subject) = subject {
            remove(&self.referrers_dir(repository, subject).join(referrer_name(digest)))?;
        }
        remove(&entry)
    }

    fn remove_tags_of(&self, repository: &Repository, digest: &Digest) -> Result<(), PathError> {
        let (dir, digest) = (self.entries(repository, "_tags"), digest.to_string());
        loop {
            let mut tags = Vec::new();
            each_name(&dir, |tag| {
                let path = dir.join(tag);
                if tags.len() < AT_ONCE && read(&path)?.is_some_and(|text| text.trim_end() == digest) {
                    tags.push(path);
                }
                Ok::<_, PathError>(())
            })?;
            for tag in &tags {
                remove(tag)?;
            }
            if tags.len() < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// The first `limit` of a repository's tags after `last`; `None` if nothing was ever pushed to it.
    pub(super) fn tags(
        &self,
        repository: &Repository,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Option<FirstPage<Box<str>>>, PathError> {
        let known = ["_manifests", "_blobs"].iter().any(|kind| self.entries(repository, kind).is_dir());
        if !known {
            return Ok(None);
        }
        let mut first = First::new(limit, lexical);
        each_name(&self.entries(repository, "_tags"), |tag| {
            if last.is_none_or(|last| lexical(tag, last).is_gt()) {
                first.take(tag);
            }
            Ok::<_, PathError>(())
        })?;
        Ok(Some(first.finish()))
    }

    /// The manifests that are the first `limit` referrers of a subject after `last`.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        last: Option<&Digest>,
        limit: usize,
    ) -> Result<FirstPage<Digest>, PathError> {
        let last = last.map(referrer_name);
        let mut first = First::new(limit, |a: &str, b: &str| a.cmp(b));
        each_name(&self.referrers_dir(repository, subject), |name| {
            if last.as_deref().is_none_or(|last| name > last) {
                first.take(name);
            }
            Ok::<_, PathError>(())
        })?;
        let FirstPage { entries: names, is_more } = first.finish();
        Ok(FirstPage { entries: names.iter().filter_map(|name| referrer_digest(name)).collect(), is_more })
    }

    /// Opens the descriptor of one of them, and says how long it is.
    pub(super) fn referrer(
        &self,
        repository: &Repository,
        subject: &Digest,
        manifest: &Digest,
    ) -> Result<Option<(File, u64)>, PathError> {
        open(&self.referrers_dir(repository, subject).join(referrer_name(manifest)))
    }
}

/// "lexical order (i.e. case-insensitive alphanumeric order)"; what differs in case alone needs some order, too.
pub(super) fn lexical(a: &str, b: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    a.bytes().map(lower).cmp(b.bytes().map(lower)).then_with(|| a.cmp(b))
}

/// What a manifest is called among the referrers of its subject.
fn referrer_name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm().name(), digest.hex())
}

/// The manifest that is called so.
fn referrer_digest(name: &str) -> Option<Digest> {
    name.replacen('-', ":", 1).parse().ok()
}
