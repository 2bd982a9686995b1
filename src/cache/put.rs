//! Putting entries into the cache. Each of three steps lasts before the next one begins: content, names, and the entry that
//! needs them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::attached::Attached;
use super::blob::Blobs;
use super::entry::{CacheEntry, Stored};
use super::error::CacheError;
use super::find::{entry_path, find, read_entry};
use super::root::{Cache, PROPERTIES, has_chart};
use super::staged::StagedBlob;
use super::{layout, lock, prepared, scratch};
use crate::digest::Digest;
use crate::disk::{AtPath as _, Directory, PathError, Unsynced, at_once};
use crate::reference::{Reference, Tag};

/// What a chart is put into the cache as, which decides what becomes of what its reference stands for already.
#[derive(Clone, Copy, Debug)]
pub enum PutAs<'a> {
    /// As what a registry or another cache has under the reference: it replaces anything that the reference stands for.
    Whole,
    /// As what no registry has seen, and a push will make the manifest of this digest of. Where the reference stands for that
    /// chart already, and a push would send that manifest, it stays known as what it was pushed or pulled as.
    Saved(&'a Digest),
    /// As what a chart of the cache was pushed as. That is a memory, not the result: when the reference stands for something
    /// else by now, or for nothing, that stands.
    Pushed,
}

impl Cache {
    /// Puts blobs in place and then the entry that needs them. Blobs that the entry needs beside those given must be
    /// in the cache; [`CacheError::Missing`] says which one is not any more.
    pub fn put(
        &self,
        reference: &Reference,
        entry: &CacheEntry,
        blobs: Vec<StagedBlob>,
        put_as: PutAs<'_>,
    ) -> Result<(), CacheError> {
        let root = self.make_root()?;
        let _lock = lock::write(&root)?;
        match put_as {
            PutAs::Whole => self.put_locked(&root, reference, entry, Created::AsBefore, blobs),
            PutAs::Saved(manifest) => self.put_saved(&root, reference, entry, manifest, blobs),
            PutAs::Pushed => self.put_pushed(&root, reference, entry, blobs),
        }
    }

    fn put_saved(
        &self,
        root: &Arc<Directory>,
        reference: &Reference,
        entry: &CacheEntry,
        manifest: &Digest,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        // Under the lock, so that a process that removes the reference now cannot take the manifest away meanwhile.
        let before = find(root, reference).ok().filter(|before| before.entry.is_of_the_chart_of(entry));
        let created = Created::of(before.as_ref());
        let known = before.map(|before| before.entry).filter(|before| {
            let there = Blobs::new(root);
            let form = before.pushed.iter().flat_map(|p| [&p.manifest, &p.config]).chain(&before.origin);
            before.pushed.as_ref().is_none_or(|pushed| pushed.manifest == *manifest)
                && form.into_iter().all(|digest| there.open(digest).is_ok())
        });
        let known = known.map(|known| CacheEntry { source: entry.source.clone(), ..known });
        self.put_locked(root, reference, known.as_ref().unwrap_or(entry), created, blobs)
    }

    fn put_pushed(
        &self,
        root: &Arc<Directory>,
        reference: &Reference,
        entry: &CacheEntry,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let now = match find(root, reference) {
            Ok(now) if now.entry.is_of_the_chart_of(entry) => now,
            Err(error @ (CacheError::Disk(_) | CacheError::Foreign(_))) => return Err(error),
            _ => return Ok(()),
        };
        // What is kept under a digest is what the registry calls so, whatever was made of it elsewhere.
        if let (None, Some(digest)) = (&reference.tag, &reference.digest)
            && !entry.is_manifest(digest)
        {
            return Ok(());
        }
        let mut unsynced = Unsynced::default();
        match self.place(root, entry, &now.entry.attached, blobs, &mut unsynced) {
            Err(CacheError::Missing(_)) => return Ok(()),
            result => result?,
        }
        let path = entry_path(reference)?;
        unsynced.sync()?;
        if !prepared::add_form(root, &path, entry)? {
            replace(root, &path, entry, Some(now.created), unsynced)?;
        }
        Ok(())
    }

    /// The caller has the lock.
    pub(super) fn put_locked(
        &self,
        root: &Arc<Directory>,
        reference: &Reference,
        entry: &CacheEntry,
        created: Created,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let path = entry_path(reference)?;
        let is_compared = matches!(created, Created::AsBefore) || !entry.attached.is_empty();
        let before = if is_compared { read_entry(root, &path).ok().flatten() } else { None };
        let created = match created {
            Created::At(time) => Some(time),
            Created::Now => None,
            Created::AsBefore => before
                .as_ref()
                .filter(|before| before.entry.is_of_the_chart_of(entry))
                .map(|before| before.created),
        };
        let mut unsynced = Unsynced::default();
        let attached = before.map(|before| before.entry.attached).unwrap_or_default();
        self.place(root, entry, &attached, blobs, &mut unsynced)?;
        replace(root, &path, entry, created, unsynced)?;
        if let Err(error) = scratch::clear(root) {
            // What was asked for is done.
            log::debug!("cannot tidy up: {error}: {}", error.source);
        }
        Ok(())
    }

    /// Puts what an entry needs in its place, to last; and its name, which is `unsynced`. That of what was there already is
    /// unsynced as well: the process that put it there may have died before that lasted. What was attached to the entry before
    /// need not be there: of that it is in no other state than it was.
    fn place(
        &self,
        root: &Arc<Directory>,
        entry: &CacheEntry,
        attached_before: &Attached,
        blobs: Vec<StagedBlob>,
        unsynced: &mut Unsynced,
    ) -> Result<(), CacheError> {
        let there = Blobs::new(root);
        let staged: HashSet<_> = blobs.iter().map(StagedBlob::digest).collect();
        let attached = Some(&entry.attached).filter(|attached| *attached != attached_before);
        for digest in entry.own_blobs().chain(attached.into_iter().flat_map(Attached::digests)) {
            if !staged.contains(digest) {
                there.open(digest)?;
            }
        }
        // A blob that is there and whole stays: there is nothing to sync, and processes that have it open share its pages.
        let is_there = |blob: &StagedBlob| {
            there.open(blob.digest()).is_ok_and(|there| there.size() == blob.size() && there.is_whole())
        };
        let mut files: Vec<_> = blobs.into_iter().filter(|blob| !is_there(blob)).map(with_path).collect();
        let chart = layout::chart(&entry.name, &entry.version);
        if !has_chart(root, &entry.name, &entry.version) {
            // First-class properties are a path with one byte at its end.
            let mut file = self.write_blob()?;
            file.write_all(PROPERTIES).at("write into", root.path())?;
            files.push((chart.clone(), file.finish()?));
        }
        at_once(files.iter().filter_map(|(_, file)| file.sync()).collect())?;
        self.scratch.sync()?;
        let mut directories = Directories { root, open: Vec::new(), unsynced };
        for (to, file) in files {
            let (directory, name) = directories.of(&to)?;
            file.persist(&directory, &name)?;
        }
        for path in entry.blobs().map(layout::blob).chain([chart]) {
            directories.of(&path)?;
        }
        Ok(())
    }

    /// Gives what `source` names another reference, whose tag defaults to the chart's version. Nothing is copied.
    pub fn tag(&self, source: &Reference, target: &Reference) -> Result<Stored, CacheError> {
        // Before anything is made.
        self.find(source)?;
        let root = self.make_root()?;
        // One lock for both: what was found cannot be collected before it has its second name.
        let _lock = lock::write(&root)?;
        let stored = find(&root, source)?;
        let tag = target.tag.clone().map_or_else(|| Tag::of_version(&stored.entry.version), Ok)?;
        let target = target.with_tag(tag);
        self.put_locked(&root, &target, &stored.entry, Created::At(stored.created), Vec::new())?;
        self.touch(&stored.reference);
        find(&root, &target)
    }

    /// Gives what was found under another reference an entry of its own under this one, a digest.
    pub fn keep(&self, reference: &Reference, stored: &Stored) -> Result<(), CacheError> {
        let root = self.make_root()?;
        let _lock = lock::write(&root)?;
        self.put_locked(&root, reference, &stored.entry, Created::At(stored.created), Vec::new())
    }
}

/// Since when a chart is in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) enum Created {
    /// Since it has this entry.
    Now,
    /// Since then.
    At(SystemTime),
    /// Since the same chart has this reference; since now, if it had none.
    AsBefore,
}

impl Created {
    /// As an entry of the same chart has it, if there is one.
    fn of(before: Option<&Stored>) -> Self {
        before.map_or(Self::Now, |before| Self::At(before.created))
    }
}

/// Puts an entry in the place of what is at `path`, below the root.
fn replace(
    root: &Arc<Directory>,
    path: &Path,
    entry: &CacheEntry,
    created: Option<SystemTime>,
    mut unsynced: Unsynced,
) -> Result<(), CacheError> {
    let prepared = prepared::prepare(root, path, entry, created, &mut unsynced)?;
    unsynced.sync()?;
    Ok(prepared.commit()?)
}

fn with_path(blob: StagedBlob) -> (PathBuf, StagedBlob) {
    (layout::blob(blob.digest()), blob)
}

/// The directories that an entry's blobs and properties are in, each opened once.
struct Directories<'a> {
    root: &'a Arc<Directory>,
    open: Vec<(PathBuf, Arc<Directory>)>,
    unsynced: &'a mut Unsynced,
}

impl Directories<'_> {
    /// The directory of what is at `path`, below the root, whose names are to be synced; and its name there.
    fn of(&mut self, path: &Path) -> Result<(Arc<Directory>, OsString), PathError> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let directory = match self.open.iter().find(|(known, _)| known == parent) {
            Some((_, directory)) => Arc::clone(directory),
            None => {
                let directory = self.root.make(parent, self.unsynced)?;
                self.unsynced.add(&directory);
                self.open.push((parent.to_path_buf(), Arc::clone(&directory)));
                directory
            }
        };
        Ok((directory, path.file_name().unwrap_or_default().to_owned()))
    }
}
