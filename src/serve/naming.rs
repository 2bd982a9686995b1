//! The names in the store that hang together: manifests with their blobs, tags with their manifests, referrers with
//! both. They change one at a time.

use std::io::{self, Read as _, Write as _};

use super::refusal::Refusal;
use super::store::{Store, names, read, remove};
use crate::digest::Digest;
use crate::disk::{At, PathError};
use crate::manifest::Descriptor;
use crate::reference::{Repository, Tag};

/// A manifest as it was pushed.
#[derive(Debug)]
pub(super) struct StoredManifest {
    /// What it is addressed by.
    pub(super) digest: Digest,
    /// Its Content-Type.
    pub(super) media_type: String,
    /// "the exact byte representation provided by the client"
    pub(super) content: Vec<u8>,
}

/// What must be in the repository before a manifest may be.
#[derive(Debug, Default)]
pub(super) struct Parts {
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
    /// How it is listed.
    pub(super) descriptor: Descriptor,
}

impl Store {
    /// Adds a manifest, and tags it if a tag is given.
    pub(super) fn add_manifest(
        &self,
        repository: &Repository,
        manifest: &StoredManifest,
        parts: &Parts,
        referrer: Option<&Referrer>,
        tag: Option<&Tag>,
    ) -> Result<(), Refusal> {
        // Once now, lest a refused manifest leave its content behind, and once more when nobody can take a blob away.
        self.check(repository, parts)?;
        let mut file = self.incoming()?;
        file.write_all(&manifest.content).at("write", file.path())?;
        let (file, path) = file.into_parts();
        self.keep(&file, path, &manifest.digest)?;

        let _naming = self.naming();
        self.check(repository, parts)?;
        self.write(&self.manifest_entry(repository, &manifest.digest), manifest.media_type.as_bytes())?;
        if let Some(referrer) = referrer {
            let path =
                self.referrers_dir(repository, &referrer.subject).join(referrer_name(&manifest.digest));
            // Only maps with keys that are not text cannot be written as JSON, and there are none.
            self.write(&path, &serde_json::to_vec(&referrer.descriptor).unwrap_or_default())?;
        }
        if let Some(tag) = tag {
            let path = self.entries(repository, "_tags").join(tag.as_str());
            self.write(&path, manifest.digest.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// Refuses a manifest whose parts are not all there.
    fn check(&self, repository: &Repository, parts: &Parts) -> Result<(), Refusal> {
        let blobs = parts.blobs.iter().filter(|digest| !self.has_blob(repository, digest));
        // Some builders keep plain layers in an index.
        let manifests = parts.manifests.iter().filter(|digest| {
            !self.manifest_entry(repository, digest).is_file() && !self.has_blob(repository, digest)
        });
        let mut missing: Vec<_> = blobs.chain(manifests).cloned().collect();
        missing.sort();
        missing.dedup();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::ManifestBlobUnknown(missing)) }
    }

    /// A repository's manifest.
    pub(super) fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<StoredManifest>, PathError> {
        let entry = self.manifest_entry(repository, digest);
        let Some(media_type) = read(&entry)? else { return Ok(None) };
        let Some((mut file, _)) = self.open_content(digest)? else { return Ok(None) };
        let mut content = Vec::new();
        file.read_to_end(&mut content).at("read the manifest of", &entry)?;
        Ok(Some(StoredManifest { digest: digest.clone(), media_type, content }))
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
        let tags = self.entries(repository, "_tags");
        for tag in names(&tags)? {
            let path = tags.join(tag);
            if read(&path)?.is_some_and(|text| text.trim_end() == digest.to_string()) {
                remove(&path)?;
            }
        }
        if let Some(subject) = subject {
            remove(&self.referrers_dir(repository, subject).join(referrer_name(digest)))?;
        }
        remove(&entry)
    }

    /// A repository's tags in no order; `None` if nothing was ever pushed to it.
    pub(super) fn tags(&self, repository: &Repository) -> Result<Option<Vec<String>>, PathError> {
        let known = ["_manifests", "_blobs"].iter().any(|kind| self.entries(repository, kind).is_dir());
        if !known {
            return Ok(None);
        }
        names(&self.entries(repository, "_tags")).map(Some)
    }

    /// The descriptors of all manifests with this subject.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, PathError> {
        let dir = self.referrers_dir(repository, subject);
        let mut names = names(&dir)?;
        names.sort();
        let mut descriptors = Vec::with_capacity(names.len());
        for name in names {
            let path = dir.join(name);
            // One that was removed meanwhile is none.
            let Some(text) = read(&path)? else { continue };
            descriptors.push(serde_json::from_str(&text).map_err(Into::into).at("read", &path)?);
        }
        Ok(descriptors)
    }
}

fn referrer_name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm().name(), digest.hex())
}
