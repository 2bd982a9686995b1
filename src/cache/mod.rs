//! The local chart cache: content-addressed blobs, and references to them. No index file, no daemon.
//!
//! What every command relies on:
//! * blobs are put in place before the entry that needs them, so an entry never points at something absent;
//! * blobs and entries get their names by a rename, so a reader sees what is whole or nothing;
//! * blobs are hashed whenever they are read, so damage is noticed before it is used.

mod blob;
mod blobs;
mod check;
mod collect;
mod entries;
mod error;
mod follow;
mod layout;
mod listing;
mod lock;
mod scratch;
mod siblings;
mod walk;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use scratch::Scratch;
use walk::{Blobs, Holders};

pub use blob::Blob;
pub use blobs::{BlobWriter, PartialBlob, StagedBlob};
pub use check::{Checked, Fault, Problem};
pub use entries::{Entry, Pushed};
pub use error::CacheError;
pub use follow::{Follow, Follower};
pub use listing::{Listed, Listing};

use crate::digest::{Digest, Hasher};
use crate::disk::{At as _, Directory, PathError, Unsynced, at_once};
use crate::limits::Budget;
use crate::reference::{Reference, Tag};

/// What stands in a file of first-class properties.
const PROPERTIES: &[u8] = b"-";

/// The cache below one directory.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    scratch: Scratch,
    budget: Budget,
}

/// An entry with its reference and its age.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is called.
    pub reference: Reference,
    /// What it stands for.
    pub entry: Entry,
    /// When it was written.
    pub created: SystemTime,
}

/// An entry and when it was written, or what is wrong with it.
type Found = Result<(Entry, SystemTime), CacheError>;

impl Cache {
    /// The cache at `root`, which need not exist yet.
    pub fn new(root: PathBuf) -> Self {
        Self { root, scratch: Scratch::default(), budget: Budget::default() }
    }

    /// What may still be held in memory of the documents that are read into the cache and out of it. A command opens one
    /// cache, so this is the command's budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A directory for temporary files, in the cache's file system, so that they can be renamed into place.
    pub fn scratch(&self) -> Result<PathBuf, CacheError> {
        Ok(self.scratch.directory(&self.root)?)
    }

    /// Starts a new blob.
    pub fn write_blob(&self) -> Result<BlobWriter, CacheError> {
        BlobWriter::new(self, Hasher::sha256())
    }

    /// Makes a blob of bytes that have this digest, of whichever algorithm: a registry's own, or one of ours.
    pub fn stage(&self, digest: &Digest, content: &[u8]) -> Result<StagedBlob, CacheError> {
        let mut blob = BlobWriter::new(self, digest.hasher())?;
        blob.write_all(content).at("write into", &self.root)?;
        let blob = blob.finish()?;
        match blob.digest() == digest {
            true => Ok(blob),
            false => Err(CacheError::Damaged { digest: digest.clone() }),
        }
    }

    /// Starts, or goes on with, the download of a blob.
    pub fn download(&self, digest: &Digest) -> Result<PartialBlob, CacheError> {
        PartialBlob::new(self, digest)
    }

    /// The entry that `reference` names: by its tag, whose manifest must then be the digest's if both are given, or by
    /// its digest, which may be that of any entry of the repository.
    pub fn find(&self, reference: &Reference) -> Result<Stored, CacheError> {
        let _lock = lock::read(&self.root)?;
        self.find_locked(reference)
    }

    fn find_locked(&self, reference: &Reference) -> Result<Stored, CacheError> {
        let path = layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        if let Some((entry, created)) = self.read_entry(&path)? {
            let stored = Stored { reference: reference.clone(), entry, created };
            return match &reference.digest {
                Some(digest) if !stored.entry.is_manifest(digest) => Err(CacheError::OtherDigest {
                    reference: reference.clone(),
                    found: stored.entry.pushed.map(|pushed| pushed.manifest),
                }),
                _ => Ok(stored),
            };
        }
        let (None, Some(digest)) = (&reference.tag, &reference.digest) else {
            return Err(CacheError::NotFound(reference.clone()));
        };
        // `name@digest` after `pull name:tag`.
        for holder in Holders::of(&self.root, &layout::repository(reference), false)?.paths {
            for (other, found) in self.entries(&holder)? {
                if let Ok((entry, created)) = found
                    && entry.is_manifest(digest)
                {
                    return Ok(Stored { reference: other, entry, created });
                }
            }
        }
        Err(CacheError::NotFound(reference.clone()))
    }

    /// The entry at `path`, below the root, and when it was written.
    fn read_entry(&self, path: &Path) -> Result<Option<(Entry, SystemTime)>, CacheError> {
        let (Some(holder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        let tags = Directory::open(self.root.join(holder))?;
        tags.map_or(Ok(None), |tags| entries::read(&tags, name))
    }

    /// All entries of a directory that holds entries, below the root.
    fn entries(&self, holder: &Path) -> Result<Vec<(Reference, Found)>, PathError> {
        let mut entries = Vec::new();
        let Some(mut tags) = Directory::open(self.root.join(holder))? else { return Ok(entries) };
        for named in tags.names()? {
            let Some(reference) = layout::reference(&holder.join(&named.name)) else { continue };
            // Removed since the directory was listed, if there is none.
            if let Some(found) = entries::read(&tags, &named.name).transpose() {
                entries.push((reference, found));
            }
        }
        Ok(entries)
    }

    /// The entry that `reference` names with its blobs, all open, in the order of [`Entry::blobs`]. An entry that lacks
    /// a blob is an error, and so is one of the wrong size for what reads it.
    pub fn open(&self, reference: &Reference) -> Result<(Stored, Vec<Blob>), CacheError> {
        let _lock = lock::read(&self.root)?;
        let stored = self.find_locked(reference)?;
        let blobs = stored.entry.blobs().map(|digest| self.blob(digest)).collect::<Result<_, _>>()?;
        Ok((stored, blobs))
    }

    /// Opens a blob. It must be a regular file: a link here would be somebody's trick.
    pub fn blob(&self, digest: &Digest) -> Result<Blob, CacheError> {
        Blob::open(&self.root, digest)
    }

    /// Puts blobs in place and then the entry that needs them. Blobs that the entry needs beside those given must be
    /// in the cache; [`CacheError::Missing`] says which one is not any more.
    pub fn put(
        &self,
        reference: &Reference,
        entry: &Entry,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let _lock = lock::write(&self.root)?;
        self.put_locked(reference, entry, blobs)
    }

    /// The same for a chart that no registry has seen. Where that is what the entry holds already, it stays known as what
    /// it was pushed or pulled as.
    pub fn put_saved(
        &self,
        reference: &Reference,
        entry: &Entry,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let _lock = lock::write(&self.root)?;
        // Under the lock: whoever removes the reference now cannot take the manifest from under us.
        let before = self.find_locked(reference).ok().map(|stored| stored.entry).filter(|before| {
            let form = before.pushed.iter().flat_map(|p| [&p.manifest, &p.config]).chain(&before.origin);
            before.is_of_the_chart_of(entry) && form.into_iter().all(|digest| self.blob(digest).is_ok())
        });
        let known = before.map(|before| Entry { source: entry.source.clone(), ..before });
        self.put_locked(reference, known.as_ref().unwrap_or(entry), blobs)
    }

    /// The same for what a chart of the cache was pushed as. It is a memory, not the result: when the reference stands for
    /// something else by now, or for nothing, that stands.
    pub fn put_pushed(
        &self,
        reference: &Reference,
        entry: &Entry,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let _lock = lock::write(&self.root)?;
        match self.find_locked(reference) {
            Ok(now) if now.entry.is_of_the_chart_of(entry) => {}
            Err(CacheError::Disk(e)) => return Err(e.into()),
            _ => return Ok(()),
        }
        // What is kept under a digest is what the registry calls so, whatever was made of it elsewhere.
        if let (None, Some(digest)) = (&reference.tag, &reference.digest)
            && !entry.is_manifest(digest)
        {
            return Ok(());
        }
        let mut unsynced = Unsynced::default();
        match self.place(entry, blobs, &mut unsynced) {
            Err(CacheError::Missing(_)) => return Ok(()),
            result => result?,
        }
        let path = layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        unsynced.sync()?;
        if !entries::add_form(&self.root, &path, entry)? {
            self.replace(&path, entry, unsynced)?;
        }
        Ok(())
    }

    fn put_locked(
        &self,
        reference: &Reference,
        entry: &Entry,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let path = layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        let mut unsynced = Unsynced::default();
        self.place(entry, blobs, &mut unsynced)?;
        // Who named what was there already may have died before that lasted.
        let chart = layout::chart(&entry.name, &entry.version);
        for named in entry.blobs().map(layout::blob).chain([chart]) {
            unsynced.add(self.root.join(named).parent().unwrap_or(&self.root));
        }
        self.replace(&path, entry, unsynced)?;
        if let Err(error) = scratch::clear(&self.root) {
            // What was asked for is done.
            log::debug!("cannot tidy up: {error}");
        }
        Ok(())
    }

    /// Puts what an entry needs in its place, to last; and its name, which is `unsynced`.
    fn place(
        &self,
        entry: &Entry,
        blobs: Vec<StagedBlob>,
        unsynced: &mut Unsynced,
    ) -> Result<(), CacheError> {
        for digest in entry.blobs() {
            if !blobs.iter().any(|blob| blob.digest() == digest) {
                self.blob(digest)?;
            }
        }
        // What is there and whole stays: nothing to sync then, and whoever has it mapped or open shares it.
        let there = |blob: &StagedBlob| {
            self.blob(blob.digest()).is_ok_and(|there| there.size() == blob.size() && there.is_whole())
        };
        let named = |blob: StagedBlob| (self.root.join(layout::blob(blob.digest())), blob);
        let mut files: Vec<_> = blobs.into_iter().filter(|blob| !there(blob)).map(named).collect();
        files.extend(self.properties(&entry.name, &entry.version)?);
        // Each of these three steps lasts before the next one begins: content, names, and the entry that needs them.
        at_once(files.iter().filter_map(|(_, file)| file.sync()).collect())?;
        self.scratch.sync()?;
        for (to, file) in files {
            make_parent(&to, unsynced)?;
            file.persist(&to)?;
        }
        Ok(())
    }

    /// Puts an entry in the place of what is at `path`, below the root.
    fn replace(&self, path: &Path, entry: &Entry, mut unsynced: Unsynced) -> Result<(), CacheError> {
        let prepared = entries::prepare(&self.root, path, entry, &mut unsynced)?;
        unsynced.sync()?;
        Ok(prepared.commit()?)
    }

    /// Gives what `source` names another reference, whose tag defaults to the chart's version. Nothing is copied.
    pub fn tag(&self, source: &Reference, target: &Reference) -> Result<Stored, CacheError> {
        // Before anything is made.
        self.find(source)?;
        // One lock for both: what was found cannot be collected before it has its second name.
        let _lock = lock::write(&self.root)?;
        let stored = self.find_locked(source)?;
        let tag = target.tag.clone().map_or_else(|| Tag::of_version(&stored.entry.version), Ok)?;
        let target = target.with_tag(tag);
        self.put_locked(&target, &stored.entry, Vec::new())?;
        self.find_locked(&target)
    }

    /// First-class properties are a path with one byte at its end.
    fn properties(&self, name: &str, version: &str) -> Result<Option<(PathBuf, StagedBlob)>, CacheError> {
        if self.has_chart(name, version) {
            return Ok(None);
        }
        let mut file = self.write_blob()?;
        file.write_all(PROPERTIES).at("write into", &self.root)?;
        Ok(Some((self.root.join(layout::chart(name, version)), file.finish()?)))
    }

    /// Whether the first-class properties of what an entry holds are where they belong.
    pub fn has_properties(&self, entry: &Entry) -> bool {
        self.has_chart(&entry.name, &entry.version)
    }

    fn has_chart(&self, name: &str, version: &str) -> bool {
        let path = self.root.join(layout::chart(name, version));
        fs::symlink_metadata(&path).is_ok_and(|m| m.is_file() && m.len() == 1)
            && fs::read(&path).is_ok_and(|content| content == PROPERTIES)
    }

    /// All entries, sorted by reference, each read when it is asked for. One that is broken is listed as such.
    pub fn list(&self) -> Result<Listing<'_>, CacheError> {
        Listing::of(self)
    }

    /// The references of all entries, sorted. Nothing of the entries is read.
    pub fn references(&self) -> Result<Vec<Reference>, CacheError> {
        let mut references = Vec::new();
        self.each_reference(&mut |reference| references.push(reference))?;
        references.sort_by_cached_key(ToString::to_string);
        Ok(references)
    }

    /// Hands over the references of all entries, in no order, for those who want few of them.
    pub fn each_reference(&self, take: &mut dyn FnMut(Reference)) -> Result<(), CacheError> {
        let _lock = lock::read(&self.root)?;
        for holder in Holders::of(&self.root, Path::new("refs"), true)?.paths {
            let Some(mut tags) = Directory::open(self.root.join(&holder))? else { continue };
            for named in tags.names()? {
                if let Some(reference) = layout::reference(&holder.join(&named.name)) {
                    take(reference);
                }
            }
        }
        Ok(())
    }

    /// Removes entries, then everything that no entry needs any more. Says for each whether it was there.
    pub fn remove(&self, references: &[Reference]) -> Result<Vec<bool>, CacheError> {
        let path = |reference| layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()));
        let paths = references.iter().map(path).collect::<Result<Vec<_>, _>>()?;
        if !self.root.try_exists().at("read", &self.root)? {
            return Ok(vec![false; references.len()]);
        }
        let _lock = lock::exclusive(&self.root)?;
        // Before anything goes: what cannot be done for one reference is done for none.
        for reference in references.iter().filter(|r| r.tag.is_some() && r.digest.is_some()) {
            match self.find_locked(reference) {
                Ok(_) | Err(CacheError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let removed =
            paths.iter().map(|path| entries::remove(&self.root, path)).collect::<Result<Vec<_>, _>>()?;
        collect::collect(self)?;
        Ok(removed)
    }
}

/// Makes the directory of something that is about to get a name in it.
fn make_parent(path: &Path, unsynced: &mut Unsynced) -> Result<(), PathError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    unsynced.make_dirs(parent)?;
    unsynced.add(parent);
    Ok(())
}

impl Entry {
    /// Whether this is what the registry calls by that digest.
    pub fn is_manifest(&self, digest: &Digest) -> bool {
        self.pushed.as_ref().is_some_and(|pushed| pushed.manifest == *digest)
            || self.origin.as_ref() == Some(digest)
    }
}
