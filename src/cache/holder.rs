//! Reads the directories of entries, `tags` and `digests` of a repository.
//!
//! `tags/<tag>` is a link to a directory beside it. A reader reads that link once, opens the directory, and then reads
//! one entry from it, even if the link is replaced.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::CacheEntry;
use super::error::CacheError;
use super::layout;
use super::written::{self, Link, Written};
use crate::disk::{Directory, FileKind, Foreign, Named, PathError};
use crate::reference::Reference;

/// How many times reading an entry is tried if it is replaced each time meanwhile.
const TRIES: usize = 100;

/// An open directory of entries.
pub(super) struct Holder {
    directory: Directory,
    /// Its path, relative to the root.
    path: PathBuf,
}

/// What is under the name of an entry.
#[derive(Debug)]
pub(super) enum LookedUpEntry {
    /// There is nothing.
    Absent,
    /// There is a file, a fifo or the like, which holds no links.
    Else(FileKind),
    /// There is something that the cache does not make, and that may hold links. It was not followed. Holds the reason.
    Doubtful(String),
    /// There is an entry, with these links.
    Entry(Links),
}

/// The links of an entry.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) links: Vec<Link>,
    /// The name and kind of something among them that is not a link.
    pub(super) other: Option<(String, FileKind)>,
    /// The directory of links beside the entry's name. None if the entry is a directory itself, as in caches of Helm
    /// 3.0.0-alpha.1.
    pub(super) directory: Option<PathBuf>,
}

/// An entry that was read.
#[derive(Debug)]
pub(super) struct FoundEntry {
    pub(super) entry: CacheEntry,
    pub(super) created: SystemTime,
    /// The name of the first link that names a blob or a chart but does not lead to it.
    pub(super) crooked: Option<String>,
}

impl Holder {
    /// Opens the directory at `path`, relative to `root`; None if there is none.
    pub(super) fn open(root: &Directory, path: &Path) -> Result<Option<Self>, PathError> {
        let directory = root.below(path)?;
        Ok(directory.map(|directory| Self { directory, path: path.to_path_buf() }))
    }

    /// The open directory.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// All names in the directory.
    pub(super) fn names(&mut self) -> Result<Vec<Named>, PathError> {
        self.directory.names()
    }

    /// The names in the directory, but not many more than `most`.
    pub(super) fn some_names(&mut self, most: usize) -> Result<Vec<Named>, PathError> {
        self.directory.some_names(most)
    }

    /// The reference of the entry called `name`; None if no entry can be called that.
    pub(super) fn reference(&self, name: &OsStr) -> Option<Reference> {
        layout::reference(&self.path.join(name))
    }

    /// How many levels below the root the links of the entries are.
    fn depth(&self) -> usize {
        self.path.components().count() + 1
    }

    /// Reads the links of the entry called `name`, while other processes may replace it. Links of two states are never
    /// mixed.
    pub(super) fn look(&self, name: &OsStr) -> Result<LookedUpEntry, PathError> {
        self.look_with(name, false, &mut |_| Ok(()))
    }

    /// Reads the links of the entry called `name` while the exclusive lock is held, so that no other process can
    /// replace it.
    pub(super) fn look_alone(&self, name: &OsStr) -> Result<LookedUpEntry, PathError> {
        self.look_with(name, true, &mut |_| Ok(()))
    }

    /// Reads the links of an entry. `inside` is called with the open directory that they are in.
    fn look_with(
        &self,
        name: &OsStr,
        alone: bool,
        inside: &mut dyn FnMut(&Directory) -> Result<(), PathError>,
    ) -> Result<LookedUpEntry, PathError> {
        // If the entry is replaced just now, its links may be gone when they are read, and there is a new entry.
        for _ in 0..TRIES {
            let Some(target) = self.directory.link(name)? else {
                let kind = self.directory.kind(name);
                let kind = kind.map_err(|source| self.cannot_read(name, source))?;
                return match kind {
                    None => Ok(LookedUpEntry::Absent),
                    // It was no link a moment ago.
                    Some(FileKind::Link) => continue,
                    // An entry of Helm 3.0.0-alpha.1, or of a copy in which links to directories were resolved.
                    Some(FileKind::Directory) => match self.directory.below(name)? {
                        None => Ok(LookedUpEntry::Absent),
                        Some(mut original) => Ok(LookedUpEntry::Entry(read(&mut original, inside)?)),
                    },
                    Some(kind) => Ok(LookedUpEntry::Else(kind)),
                };
            };
            if !name.to_str().is_some_and(|name| written::is_directory_of(&target, name)) {
                return Ok(LookedUpEntry::Doubtful("it is a link that the cache did not make".to_owned()));
            }
            let links = match self.directory.below(&target) {
                Ok(Some(mut directory)) => read(&mut directory, inside)?,
                Ok(None) => Links::default(),
                Err(error) => match Foreign::in_error(&error) {
                    Some(foreign) => {
                        let reason = format!("its directory `{}` is {}", target.display(), foreign.found);
                        return Ok(LookedUpEntry::Doubtful(reason));
                    }
                    None => return Err(error),
                },
            };
            // If it was replaced meanwhile, only some of its links may have been read.
            if alone || self.directory.link(name)?.as_ref() == Some(&target) {
                return Ok(LookedUpEntry::Entry(Links { directory: Some(target), ..links }));
            }
        }
        Ok(LookedUpEntry::Doubtful("it changes all the time".to_owned()))
    }

    fn cannot_read(&self, name: &OsStr, source: std::io::Error) -> PathError {
        PathError { verb: "read", path: self.directory.path().join(name), source }
    }

    /// Reads the entry called `name`; None if there is none. An error if it is broken, or if one of its links does not
    /// lead where it should.
    pub(super) fn read(&self, name: &OsStr) -> Result<Option<FoundEntry>, CacheError> {
        match self.read_crooked(name)? {
            Some(FoundEntry { crooked: Some(link), .. }) => Err(self.astray(name, &link)),
            found => Ok(found),
        }
    }

    /// Reads the entry called `name`, even if its links do not lead where they should, as long as they name it.
    pub(super) fn read_crooked(&self, name: &OsStr) -> Result<Option<FoundEntry>, CacheError> {
        let mut created = SystemTime::UNIX_EPOCH;
        let looked = self.look_with(name, false, &mut |inside| {
            created = inside.time()?;
            Ok(())
        })?;
        let written = self.understand(name, looked)?;
        Ok(written.map(|Written { entry, crooked }| FoundEntry { entry, created, crooked }))
    }

    /// Makes an entry of what was found under `name`; None if that is nothing.
    pub(super) fn understand(
        &self,
        name: &OsStr,
        looked: LookedUpEntry,
    ) -> Result<Option<Written>, CacheError> {
        match looked {
            LookedUpEntry::Absent => Ok(None),
            LookedUpEntry::Else(kind) => Err(self.broken(name, format!("it is {kind}"))),
            LookedUpEntry::Doubtful(reason) => Err(self.broken(name, reason)),
            LookedUpEntry::Entry(links) => self.written(name, &links).map(Some),
        }
    }

    /// Makes an entry of these links, which were found under `name`. An error if one of them does not lead where it
    /// should.
    pub(super) fn understood(&self, name: &OsStr, links: &Links) -> Result<CacheEntry, CacheError> {
        let Written { entry, crooked } = self.written(name, links)?;
        crooked.map_or(Ok(entry), |link| Err(self.astray(name, &link)))
    }

    fn written(&self, name: &OsStr, links: &Links) -> Result<Written, CacheError> {
        if let Some((link, kind)) = &links.other {
            return Err(self.broken(name, format!("its link `{link}` is {kind}")));
        }
        written::read(&links.links, self.depth()).map_err(|reason| self.broken(name, reason))
    }

    fn astray(&self, name: &OsStr, link: &str) -> CacheError {
        self.broken(name, format!("its link `{link}` does not lead into this cache"))
    }

    fn broken(&self, name: &OsStr, reason: String) -> CacheError {
        CacheError::BrokenEntry { path: self.directory.path().join(name), reason }
    }
}

/// Reads the links in a directory, and then calls `inside` with it.
fn read(
    directory: &mut Directory,
    inside: &mut dyn FnMut(&Directory) -> Result<(), PathError>,
) -> Result<Links, PathError> {
    let mut read = Links::default();
    for named in directory.names()? {
        // The cache makes no names that are not UTF-8. Hidden ones are what file systems and desktops leave.
        let Some(name) = named.name.to_str().filter(|_| !named.is_hidden()) else { continue };
        if named.kind != FileKind::Link {
            read.other = Some((name.to_owned(), named.kind));
        } else if let Some(text) = directory.link(name)? {
            read.links.push((name.to_owned(), text));
        }
    }
    inside(directory)?;
    Ok(read)
}
