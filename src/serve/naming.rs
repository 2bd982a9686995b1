//! The names in the store that depend on each other: manifests on their blobs, tags on their manifests, referrers on
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

/// A manifest in the store.
#[derive(Debug)]
pub(super) struct StoredManifest {
    /// The digest of the manifest.
    pub(super) digest: Digest,
    /// The media type with which it was pushed.
    pub(super) media_type: String,
    /// "the exact byte representation provided by the client"
    pub(super) file: File,
    /// The size of the file in bytes.
    pub(super) size: u64,
}

/// What must be in a repository before a manifest can be pushed to it.
#[derive(Debug, Default)]
pub(super) struct NeededParts {
    /// The config and layers of a manifest.
    pub(super) blobs: Vec<Digest>,
    /// The manifests of an index.
    pub(super) manifests: Vec<Digest>,
}

/// How a manifest is listed as a referrer.
#[derive(Debug)]
pub(super) struct Referrer {
    /// The manifest that it is attached to, which need not exist.
    pub(super) subject: Digest,
    /// Its descriptor in the list of referrers, as JSON.
    pub(super) descriptor: Vec<u8>,
}

/// How many missing parts an error names at most; there may be tens of thousands.
const NAMED: usize = 100;
/// How many tags of a manifest are found and removed at a time.
const AT_ONCE: usize = 1_000;

impl RegistryStore {
    /// `ManifestBlobUnknown` unless all parts of a manifest are in the repository.
    pub(super) fn check(&self, repository: &Repository, parts: &NeededParts) -> Result<(), RequestRefusal> {
        let blobs = parts.blobs.iter().filter(|digest| !self.has_blob(repository, digest));
        // An index may list blobs too: some build tools put plain layers into it.
        let manifests = parts.manifests.iter().filter(|digest| {
            !self.manifest_entry(repository, digest).is_file() && !self.has_blob(repository, digest)
        });
        let mut missing: Vec<_> = blobs.chain(manifests).take(NAMED).cloned().collect();
        missing.sort();
        missing.dedup();
        if missing.is_empty() { Ok(()) } else { Err(RequestRefusal::ManifestBlobUnknown(missing)) }
    }

    /// Adds a manifest whose content is stored, and gives it tags. If it fails it can be called again.
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

    /// A manifest of a repository; `None` if the repository does not have it.
    pub(super) fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<StoredManifest>, PathError> {
        let Some(media_type) = read(&self.manifest_entry(repository, digest))? else { return Ok(None) };
        let Some((file, size)) = self.open_content(digest)? else { return Ok(None) };
        Ok(Some(StoredManifest { digest: digest.clone(), media_type, file, size }))
    }

    /// The digest that a tag stands for; `None` if there is no such tag.
    pub(super) fn tag(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, PathError> {
        let path = self.entries(repository, "_tags").join(tag.as_str());
        let invalid = |e| io::Error::new(io::ErrorKind::InvalidData, e);
        read(&path)?.map(|text| text.trim_end().parse().map_err(invalid).at("read", &path)).transpose()
    }

    /// Removes a tag, and returns whether it was there. Its manifest stays.
    pub(super) fn remove_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, PathError> {
        let _naming = self.naming();
        remove(&self.entries(repository, "_tags").join(tag.as_str()))
    }

    /// Removes a manifest, with its tags and its entry among the referrers of `subject`. Returns whether it was there.
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
        // Names that lead to the manifest are removed before the manifest.
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

    /// The first `limit` tags of a repository after `last`; `None` if nothing was ever pushed to it.
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

    /// The digests of the first `limit` referrers of a subject after `last`.
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

    /// Opens the stored descriptor of a referrer. Returns its file and size in bytes; `None` if there is none.
    pub(super) fn referrer(
        &self,
        repository: &Repository,
        subject: &Digest,
        manifest: &Digest,
    ) -> Result<Option<(File, u64)>, PathError> {
        open(&self.referrers_dir(repository, subject).join(referrer_name(manifest)))
    }
}

/// Compares in "lexical order (i.e. case-insensitive alphanumeric order)"; names that differ only in case are compared
/// bytewise.
pub(super) fn lexical(a: &str, b: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    a.bytes().map(lower).cmp(b.bytes().map(lower)).then_with(|| a.cmp(b))
}

/// The file name of a manifest in the directory of its subject's referrers.
fn referrer_name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm().name(), digest.hex())
}

/// The digest of the manifest with this file name.
fn referrer_digest(name: &str) -> Option<Digest> {
    name.replacen('-', ":", 1).parse().ok()
}
