//! Finds what is wrong with the cache. No lock is held while blobs are read. Each suspected fault is then checked once
//! more under a lock, because much may have changed meanwhile.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use super::findings::{CacheFault, CacheProblem, Checked, Sound};
use super::see::{KnownReference, SeenCache};
use super::steps::{Slices, Step, walk};
use crate::cache::blob::Blobs;
use crate::cache::error::CacheError;
use crate::cache::find::{entry_path, find};
use crate::cache::holder::{Holder, LookedUpEntry};
use crate::cache::put::Created;
use crate::cache::root::{Cache, has_chart};
use crate::cache::{layout, lock, written};
use crate::causes::chain;
use crate::digest::Digest;
use crate::disk::{Directory, FileKind};
use crate::reference::Reference;

impl Cache {
    /// Checks every reference and every blob, or the given references and the blobs that they need. Each link and each
    /// blob is read once. Nothing is changed.
    pub fn check(&self, only: &[Reference]) -> Result<Checked, CacheError> {
        for reference in only {
            // A reference that cannot be looked up at all is an error.
            entry_path(reference)?;
        }
        let Some(root) = self.open_root()? else {
            let absent = |reference: &Reference| (reference.clone(), CacheError::NotFound(reference.clone()));
            return Ok(Checked { absent: only.iter().map(absent).collect(), ..Checked::default() });
        };
        let seen = if only.is_empty() { SeenCache::all(&root)? } else { SeenCache::some(&root, only) };
        let mut look = BlobLook { root: &root, blobs: Blobs::new(&root), checked: Checked::default() };
        look.checked.references = seen.references.len();
        for (path, numbers) in &seen.needed {
            if let Some(fault) = look.fault(path) {
                look.accuse(fault, path, numbers.iter().filter_map(|number| seen.references.get(*number)))?;
            }
        }
        look.doubt(&seen)?;
        let mut checked = look.checked;
        checked.problems.extend(seen.problems);
        checked.absent = seen.absent;
        let broken: HashSet<_> = checked.problems.iter().flat_map(|problem| &problem.references).collect();
        let sound = seen.entries.into_iter().filter_map(|(entry, numbers)| {
            let references = numbers.iter().filter_map(|number| seen.references.get(*number));
            let references: Vec<_> =
                references.map(|known| &known.reference).filter(|r| !broken.contains(r)).cloned().collect();
            (!references.is_empty()).then_some(Sound { entry, references })
        });
        checked.sound = sound.collect();
        Ok(checked)
    }

    /// The digest under which a registry knows the entry of `reference`, as far as its links say.
    pub fn known_as(&self, reference: &Reference) -> Option<Digest> {
        if let Some(digest) = &reference.digest {
            return Some(digest.clone());
        }
        let root = self.open_root().ok()??;
        let _lock = lock::read(&root);
        let path = layout::entry(reference)?;
        match Holder::open(&root, path.parent()?).ok()??.look(path.file_name()?) {
            Ok(LookedUpEntry::Entry(links)) => written::known_as(&links.links),
            _ => None,
        }
    }

    /// Writes an entry once more as it is, which corrects its links and its chart file. Its blobs are not touched.
    pub fn rewrite(&self, reference: &Reference) -> Result<(), CacheError> {
        let root = self.make_root()?;
        let _lock = lock::write(&root)?;
        let path = entry_path(reference)?;
        let not_found = || CacheError::NotFound(reference.clone());
        let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(not_found)?;
        let holder = Holder::open(&root, parent)?;
        // Links that do not lead where they should are what this corrects.
        let found = holder.map(|holder| holder.read_crooked(name)).transpose()?.flatten();
        match found {
            Some(found) => {
                self.put_locked(&root, reference, &found.entry, Created::At(found.created), Vec::new())
            }
            None => {
                let stored = find(&root, reference)?;
                self.put_locked(
                    &root,
                    &stored.reference,
                    &stored.entry,
                    Created::At(stored.created),
                    Vec::new(),
                )
            }
        }
    }
}

/// Checks blobs.
struct BlobLook<'a> {
    root: &'a Directory,
    blobs: Blobs<'a>,
    checked: Checked,
}

impl BlobLook<'_> {
    /// The fault of what should be at `path`, relative to the root; None if there is none.
    fn fault(&mut self, path: &str) -> Option<CacheFault> {
        if let Some(digest) = layout::linked_blob(Path::new(path)) {
            return match self.blobs.size(&digest) {
                Err(CacheError::Missing(_)) => Some(CacheFault::Missing(digest)),
                _ => self.count(&digest, path),
            };
        }
        let chart = layout::linked_chart(Path::new(path));
        let is_there = chart.is_none_or(|(name, version)| has_chart(self.root, &name, &version));
        (!is_there).then(|| CacheFault::Properties(path.into()))
    }

    /// Reads the blob at `path` and counts it. Returns its fault; None if there is none.
    fn count(&mut self, digest: &Digest, path: &str) -> Option<CacheFault> {
        let blob = match self.blobs.open(digest) {
            Ok(blob) => blob,
            Err(CacheError::Disk(error)) => {
                return Some(CacheFault::Unreadable { path: path.into(), reason: chain(&error.source) });
            }
            // If something else is in the place of its directory, that is reported as a fault of its own.
            Err(_) => return Some(CacheFault::Damaged(digest.clone())),
        };
        self.checked.blobs += 1;
        self.checked.size += blob.size();
        match blob.read().and_then(|mut reader| io::copy(&mut reader, &mut io::sink())) {
            Ok(_) => None,
            // Content that the disk cannot read is lost, so it counts as damaged.
            Err(error) => {
                log::debug!("{digest}: {error}");
                Some(CacheFault::Damaged(digest.clone()))
            }
        }
    }

    /// Records a fault, if it still exists, with those of the references whose entries still need `path`.
    fn accuse<'k>(
        &mut self,
        fault: CacheFault,
        path: &str,
        suspects: impl Iterator<Item = &'k KnownReference>,
    ) -> Result<(), CacheError> {
        let mut slices = Slices::new(self.root);
        slices.next();
        if self.is_cured(&fault) {
            return Ok(());
        }
        let mut references = Vec::new();
        for known in suspects {
            slices.next();
            if needs(self.root, &known.path(), path)? {
                references.push(known.reference.clone());
            }
        }
        if !references.is_empty() {
            self.checked.problems.push(CacheProblem { fault, references });
        }
        Ok(())
    }

    fn is_cured(&self, fault: &CacheFault) -> bool {
        match fault {
            CacheFault::Missing(digest) | CacheFault::Damaged(digest) => {
                self.blobs.open(digest).is_ok_and(|blob| blob.is_whole())
            }
            CacheFault::Properties(path) => layout::linked_chart(path)
                .is_some_and(|(name, version)| has_chart(self.root, &name, &version)),
            _ => false,
        }
    }

    /// Checks once more what no entry seems to need: a command may have been about to write the entry that needs it, or
    /// may have removed it since. Waits for such commands first.
    fn doubt(&mut self, seen: &SeenCache) -> Result<(), CacheError> {
        if seen.orphans.is_empty() && seen.left.is_empty() {
            return Ok(());
        }
        let mut damaged = HashMap::new();
        for path in &seen.orphans {
            if let Some(digest) = layout::linked_blob(Path::new(path))
                && let Some(fault) = self.count(&digest, path)
            {
                damaged.insert(path.as_str(), fault);
            }
        }
        lock::wait_for_writers(self.root);
        let mut needed: HashMap<String, Vec<KnownReference>> =
            seen.orphans.iter().map(|path| (path.clone(), Vec::new())).collect();
        let mut left = HashSet::new();
        walk(self.root, |step| match step {
            Step::Entry(_, _, reference, Ok(LookedUpEntry::Entry(links))) => {
                for path in written::needs(&links.links) {
                    if let Some(by) = needed.get_mut(&path) {
                        by.push(KnownReference::new(reference.clone()));
                    }
                }
            }
            Step::Unused(path) => drop(left.insert(path)),
            _ => {}
        })?;
        let mut litter = Vec::new();
        for path in &seen.orphans {
            let by = needed.remove(path).unwrap_or_default();
            match damaged.remove(path.as_str()) {
                Some(fault) if !by.is_empty() => self.accuse(fault, path, by.iter())?,
                _ if !by.is_empty() || !is_there(self.root, Path::new(path))? => {}
                Some(fault) => litter.push(fault),
                None => litter.push(CacheFault::Orphan(path.into())),
            }
        }
        litter
            .extend(seen.left.iter().filter(|path| left.contains(*path)).cloned().map(CacheFault::LeftOver));
        let problem = |fault| CacheProblem { fault, references: Vec::new() };
        self.checked.problems.extend(litter.into_iter().map(problem));
        Ok(())
    }
}

/// Whether the entry at `entry` needs what is at `path`. Both are relative to the root.
fn needs(root: &Directory, entry: &Path, path: &str) -> Result<bool, CacheError> {
    let (Some(parent), Some(name)) = (entry.parent(), entry.file_name()) else { return Ok(false) };
    let Some(holder) = Holder::open(root, parent)? else { return Ok(false) };
    Ok(match holder.look(name)? {
        LookedUpEntry::Entry(links) => written::needs(&links.links).any(|needed| needed == path),
        _ => false,
    })
}

/// Whether there is anything at `path`, relative to the root.
fn is_there(root: &Directory, path: &Path) -> Result<bool, CacheError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
    let kind: Option<FileKind> =
        root.below(parent)?.and_then(|directory| directory.kind(name).ok().flatten());
    Ok(kind.is_some())
}
