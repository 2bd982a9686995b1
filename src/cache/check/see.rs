//! Reads what is in the cache: the links of every entry, each once, and the names of all blobs and charts.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::findings::{CacheFault, CacheProblem};
use super::steps::{Slices, Step, walk};
use crate::cache::entry::CacheEntry;
use crate::cache::error::CacheError;
use crate::cache::find::find;
use crate::cache::holder::{Holder, LookedUpEntry};
use crate::cache::{layout, lock, scratch, written};
use crate::causes::chain;
use crate::digest::Algorithm;
use crate::disk::{Directory, FileKind, Foreign, Named, PathError};
use crate::reference::Reference;

/// Everything that was found in the cache. Lists of numbers are places in `references`.
#[derive(Default)]
pub(super) struct SeenCache {
    pub(super) references: Vec<KnownReference>,
    /// The references that stand for each chart.
    pub(super) entries: HashMap<CacheEntry, Vec<usize>>,
    /// The references whose entries need each blob or chart file. The keys are paths relative to the root.
    pub(super) needed: BTreeMap<String, Vec<usize>>,
    /// The paths of files below `blobs` and `charts` that no entry was seen to need.
    pub(super) orphans: Vec<String>,
    /// The paths of directories of links that no entry was seen to use.
    pub(super) left: Vec<PathBuf>,
    pub(super) problems: Vec<CacheProblem>,
    pub(super) absent: Vec<(Reference, CacheError)>,
    /// The path of the root as it was given, and after all links are resolved.
    roots: Vec<PathBuf>,
}

/// A reference, and the path of its entry if that is another reference's.
pub(super) struct KnownReference {
    pub(super) reference: Reference,
    elsewhere: Option<PathBuf>,
}

impl KnownReference {
    /// A reference that has an entry of its own.
    pub(super) fn new(reference: Reference) -> Self {
        Self { reference, elsewhere: None }
    }

    /// The path of the entry, relative to the root.
    pub(super) fn path(&self) -> PathBuf {
        self.elsewhere.clone().or_else(|| layout::entry(&self.reference)).unwrap_or_default()
    }
}

impl SeenCache {
    fn new(root: &Directory) -> Self {
        let real = fs::canonicalize(root.path()).ok();
        Self { roots: real.into_iter().chain([root.path().to_path_buf()]).collect(), ..Self::default() }
    }

    /// Reads the whole cache.
    pub(super) fn all(root: &Directory) -> Result<Self, CacheError> {
        let mut seen = Self::new(root);
        walk(root, |step| match step {
            Step::Entry(holder, name, reference, looked) => seen.take(holder, name, reference, None, looked),
            Step::Unused(path) => seen.left.push(path),
            Step::Unreadable(unreadable) => seen.cannot_read(&unreadable.path, &unreadable.error),
        })?;
        seen.see_the_rest(root);
        Ok(seen)
    }

    /// Reads the entries of some references. If one has no entry, that is recorded, and the others are still read.
    pub(super) fn some(root: &Directory, references: &[Reference]) -> Self {
        let mut seen = Self::new(root);
        let mut slices = Slices::new(root);
        for reference in references {
            slices.next();
            if let Err(error) = seen.take_one(root, reference) {
                seen.absent.push((reference.clone(), error));
            }
        }
        seen
    }

    fn take_one(&mut self, root: &Directory, reference: &Reference) -> Result<(), CacheError> {
        let path = layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        let not_found = || CacheError::NotFound(reference.clone());
        if self.take_at(root, reference, &path, None)? {
            return Ok(());
        }
        // The reference may name another entry by its digest.
        let stored = find(root, reference)?;
        let path = layout::entry(&stored.reference).ok_or_else(not_found)?;
        match self.take_at(root, reference, &path, Some(&path))? {
            true => Ok(()),
            false => Err(not_found()),
        }
    }

    /// Reads the entry at `path`. Returns whether there is anything.
    fn take_at(
        &mut self,
        root: &Directory,
        reference: &Reference,
        path: &Path,
        elsewhere: Option<&Path>,
    ) -> Result<bool, CacheError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
        let Some(holder) = Holder::open(root, parent)? else { return Ok(false) };
        let looked = holder.look(name);
        if matches!(looked, Ok(LookedUpEntry::Absent)) {
            return Ok(false);
        }
        if let (Some(_), Some(digest), Ok(LookedUpEntry::Entry(links))) =
            (&reference.tag, &reference.digest, &looked)
            && let Ok(found) = written::read(&links.links, path.components().count())
            && !found.entry.is_manifest(digest)
        {
            let found = found.entry.pushed.map(|pushed| pushed.manifest);
            return Err(CacheError::OtherDigest { reference: reference.clone(), found });
        }
        self.take(&holder, name, reference.clone(), elsewhere.map(Path::to_path_buf), looked);
        Ok(true)
    }

    fn take(
        &mut self,
        holder: &Holder,
        name: &OsStr,
        reference: Reference,
        elsewhere: Option<PathBuf>,
        looked: Result<LookedUpEntry, PathError>,
    ) {
        let number = self.references.len();
        let problem = |fault| CacheProblem { fault, references: vec![reference.clone()] };
        let looked = match looked {
            Ok(LookedUpEntry::Absent) => return,
            Ok(looked) => looked,
            Err(e) => {
                self.problems.push(problem(CacheFault::Entry(chain(&e))));
                self.references.push(KnownReference { reference, elsewhere });
                return;
            }
        };
        let mut astray = None;
        if let LookedUpEntry::Entry(links) = &looked {
            let mut needs: Vec<_> = written::needs(&links.links).collect();
            needs.sort_unstable();
            needs.dedup();
            for path in needs {
                self.needed.entry(path).or_default().push(number);
            }
            astray = written::astray(&links.links, &self.roots).map(ToOwned::to_owned);
        }
        match holder.understand(name, looked) {
            Ok(Some(found)) => {
                let crooked = found.crooked.or(astray);
                self.problems.extend(crooked.map(|link| problem(CacheFault::Link(link))));
                self.entries.entry(found.entry).or_default().push(number);
            }
            Ok(None) => {}
            Err(CacheError::BrokenEntry { reason, .. }) => {
                self.problems.push(problem(CacheFault::Entry(reason)));
            }
            Err(error) => self.problems.push(problem(CacheFault::Entry(error.to_string()))),
        }
        self.references.push(KnownReference { reference, elsewhere });
    }

    /// Records that a place cannot be read.
    fn cannot_read(&mut self, path: &Path, error: &CacheError) {
        let path = path.to_path_buf();
        let fault = match error {
            CacheError::Disk(error) | CacheError::Foreign(error) => match Foreign::in_error(error) {
                Some(foreign) => CacheFault::Foreign { path, foreign: *foreign },
                None => CacheFault::Unreadable { path, reason: chain(&error.source) },
            },
            error => CacheFault::Unreadable { path, reason: chain(error) },
        };
        self.problems.push(CacheProblem { fault, references: Vec::new() });
    }

    /// Reads the names below `blobs` and `charts`, and records what else in the cache is not as the cache makes it.
    fn see_the_rest(&mut self, root: &Directory) {
        for name in lock::FILES {
            match root.kind(name) {
                Ok(None | Some(FileKind::File)) => {}
                Ok(Some(found)) => self.is_foreign(Path::new(name), found, FileKind::File),
                Err(source) => {
                    let error = PathError { verb: "read", path: root.path().join(name), source };
                    self.cannot_read(Path::new(name), &error.into());
                }
            }
        }
        let mut there = Vec::new();
        for directory in self.directories(root, layout::BLOBS) {
            // Directories with other names than ours are not looked at.
            if [Algorithm::Sha256, Algorithm::Sha512].map(layout::blobs).contains(&directory) {
                there.extend(self.names(root, &directory));
            }
        }
        for directory in self.directories(root, layout::CHARTS) {
            there.extend(self.names(root, &directory.join(layout::VERSIONS)));
        }
        there.retain(|path| !self.needed.contains_key(path));
        there.sort();
        self.orphans = there;
        match left_in_scratch(root) {
            Ok(left) => {
                let problem =
                    |path| CacheProblem { fault: CacheFault::LeftOver(path), references: Vec::new() };
                self.problems.extend(left.into_iter().map(problem));
            }
            Err(error) => self.cannot_read(Path::new(layout::SCRATCH), &error.into()),
        }
    }

    fn is_foreign(&mut self, path: &Path, found: FileKind, wanted: FileKind) {
        let fault = CacheFault::Foreign { path: path.to_path_buf(), foreign: Foreign { found, wanted } };
        self.problems.push(CacheProblem { fault, references: Vec::new() });
    }

    /// The names in the directory at `path`, relative to the root. If it cannot be read, that is recorded.
    fn read(&mut self, root: &Directory, path: &Path) -> Vec<Named> {
        let names = root.below(path).and_then(|directory| match directory {
            Some(mut directory) => directory.names(),
            None => Ok(Vec::new()),
        });
        names.unwrap_or_else(|error| {
            self.cannot_read(path, &error.into());
            Vec::new()
        })
    }

    /// The directories in the one at `path`. Anything else in it is recorded as foreign.
    fn directories(&mut self, root: &Directory, path: &str) -> Vec<PathBuf> {
        let mut directories = Vec::new();
        for named in self.read(root, Path::new(path)).into_iter().filter(|named| !named.is_hidden()) {
            let path = Path::new(path).join(&named.name);
            match named.kind {
                FileKind::Directory => directories.push(path),
                found => self.is_foreign(&path, found, FileKind::Directory),
            }
        }
        directories
    }

    /// The paths of everything in the directory at `path`. Names that are not UTF-8 are left out: the cache makes none.
    fn names(&mut self, root: &Directory, path: &Path) -> Vec<String> {
        let names = self.read(root, path).into_iter();
        names.filter_map(|named| path.join(named.name).into_os_string().into_string().ok()).collect()
    }
}

fn left_in_scratch(root: &Directory) -> Result<Vec<PathBuf>, PathError> {
    let Some(mut scratch) = root.below(layout::SCRATCH)? else { return Ok(Vec::new()) };
    let names = scratch.names()?;
    let left = names.iter().filter(|named| scratch::is_litter(&scratch, named).is_some());
    Ok(left.map(|named| Path::new(layout::SCRATCH).join(&named.name)).collect())
}
