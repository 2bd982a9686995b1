//! Puts entries into the cache. First content is synced, then the names of blobs, and then the entry that needs them is
//! written.

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

/// The reason why a chart is put into the cache. It decides what happens to an entry that the reference has already.
#[derive(Clone, Copy, Debug)]
pub enum PutAs<'a> {
    /// A registry or another cache has this chart under the reference. It replaces the entry that is there.
    Whole,
    /// The chart was saved here, and a push would make the manifest of this digest from it. If the reference stands for
    /// the same chart already, and was pulled or pushed as that manifest or not at all, the entry keeps its form and
    /// what is attached.
    Saved(&'a Digest),
    /// A chart of the cache was pushed, and the entry now tells as what. If the reference stands for something else by
    /// now, or for nothing, the cache stays as it is.
    Pushed,
}

impl Cache {
    /// Puts blobs in place, and then the entry that needs them. Blobs that the entry needs and that are not given must
    /// be in the cache; if one is not there any more, the error is [`CacheError::Missing`].
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
        // Under the lock, so that no process that removes the reference can remove the manifest meanwhile.
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
        // An entry under a digest is what the registry has under it, even if it was pushed elsewhere as another
        // manifest.
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

    /// Puts blobs and then the entry in place. The caller holds the lock.
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
            // The entry is in place, so this is not a failure.
            log::debug!("cannot tidy up: {error}: {}", error.source);
        }
        Ok(())
    }

    /// Puts what an entry needs in place. The content is synced; the directories with the names are added to
    /// `unsynced`, also those of blobs that were there already: the process that put them there may have died before it
    /// synced them. What was attached to the entry before need not be in the cache, because for that nothing changes.
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
        // A blob that is in place and whole stays: it need not be synced, and processes that have it open share its
        // pages.
        let is_there = |blob: &StagedBlob| {
            there.open(blob.digest()).is_ok_and(|there| there.size() == blob.size() && there.is_whole())
        };
        let mut files: Vec<_> = blobs.into_iter().filter(|blob| !is_there(blob)).map(with_path).collect();
        let chart = layout::chart(&entry.name, &entry.version);
        if !has_chart(root, &entry.name, &entry.version) {
            // What stands for a chart's name and version is a file at their path, with one byte.
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

    /// Adds an entry under the reference `target` for the chart that `source` names. Without a tag, `target` gets the
    /// chart's version as its tag. No content is copied.
    pub fn tag(&self, source: &Reference, target: &Reference) -> Result<Stored, CacheError> {
        // Before anything is made, so that a wrong reference makes nothing.
        self.find(source)?;
        let root = self.make_root()?;
        // One lock for both steps: what was found cannot be collected before it has its second name.
        let _lock = lock::write(&root)?;
        let stored = find(&root, source)?;
        let tag = target.tag.clone().map_or_else(|| Tag::of_version(&stored.entry.version), Ok)?;
        let target = target.with_tag(tag);
        self.put_locked(&root, &target, &stored.entry, Created::At(stored.created), Vec::new())?;
        self.touch(&stored.reference);
        find(&root, &target)
    }

    /// Adds an entry under `reference`, which has a digest alone, for a chart that was found under another reference.
    pub fn keep(&self, reference: &Reference, stored: &Stored) -> Result<(), CacheError> {
        let root = self.make_root()?;
        let _lock = lock::write(&root)?;
        self.put_locked(&root, reference, &stored.entry, Created::At(stored.created), Vec::new())
    }
}

/// Which time an entry gets as that since when its chart is in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) enum Created {
    /// The present time.
    Now,
    /// This time.
    At(SystemTime),
    /// That of the entry that the reference has, if it has the same chart; otherwise the present time.
    AsBefore,
}

impl Created {
    /// The time of an entry of the same chart, if there is one; otherwise the present time.
    fn of(before: Option<&Stored>) -> Self {
        before.map_or(Self::Now, |before| Self::At(before.created))
    }
}

/// Writes an entry and puts it in the place of what is at `path`, relative to the root.
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

/// The directories in which blobs and chart files of an entry are, each opened once.
struct Directories<'a> {
    root: &'a Arc<Directory>,
    open: Vec<(PathBuf, Arc<Directory>)>,
    unsynced: &'a mut Unsynced,
}

impl Directories<'_> {
    /// The directory of what is at `path`, relative to the root, and its name there. The directory is made if it is
    /// missing, and noted in `unsynced`.
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
