//! Directories that hold entries, `tags` and `digests` of a repository: reading them.
//!
//! `tags/<tag>` is a link to a directory beside it. A reader follows it once, by hand, and then reads all of one entry.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::CacheEntry;
use super::error::CacheError;
use super::layout;
use super::written::{self, Link, Written};
use crate::disk::{Directory, FileKind, Foreign, Named, PathError};
use crate::reference::Reference;

/// So often an entry is read that is replaced each time before it is read to its end.
const TRIES: usize = 100;

/// A directory of entries, open.
pub(super) struct Holder {
    directory: Directory,
    /// Below the root.
    path: PathBuf,
}

/// What is under the name of an entry.
#[derive(Debug)]
pub(super) enum LookedUpEntry {
    /// Nothing.
    Absent,
    /// Something that holds no links: a file, a fifo.
    Else(FileKind),
    /// Something that may hold links, and is not what the cache makes: it was not followed. Why.
    Doubtful(String),
    /// An entry's links.
    Entry(Links),
}

/// The links of an entry, and what was found out besides.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) links: Vec<Link>,
    /// Something else among them, by its name.
    pub(super) other: Option<(String, FileKind)>,
    /// The directory beside it that it leads to; nothing if it is one itself, as the original's are.
    pub(super) directory: Option<PathBuf>,
}

/// An entry that was read.
#[derive(Debug)]
pub(super) struct FoundEntry {
    pub(super) entry: CacheEntry,
    pub(super) created: SystemTime,
    /// A link that says what is meant, and does not lead there.
    pub(super) crooked: Option<String>,
}

impl Holder {
    /// Opens the directory at `path`, below `root`; nothing if there is none.
    pub(super) fn open(root: &Directory, path: &Path) -> Result<Option<Self>, PathError> {
        let directory = root.below(path)?;
        Ok(directory.map(|directory| Self { directory, path: path.to_path_buf() }))
    }

    /// The directory itself.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// All that is in it.
    pub(super) fn names(&mut self) -> Result<Vec<Named>, PathError> {
        self.directory.names()
    }

    /// Some of what is in it.
    pub(super) fn some_names(&mut self, most: usize) -> Result<Vec<Named>, PathError> {
        self.directory.some_names(most)
    }

    /// The reference of the entry that would be called so.
    pub(super) fn reference(&self, name: &OsStr) -> Option<Reference> {
        layout::reference(&self.path.join(name))
    }

    /// How many levels below the root the links of its entries are.
    fn depth(&self) -> usize {
        self.path.components().count() + 1
    }

    /// Reads the links of the entry called `name`, each of them once. It may be replaced meanwhile.
    pub(super) fn look(&self, name: &OsStr) -> Result<LookedUpEntry, PathError> {
        self.look_with(name, false, &mut |_| Ok(()))
    }

    /// The same while the exclusive lock is held, so that no other process can replace it.
    pub(super) fn look_alone(&self, name: &OsStr) -> Result<LookedUpEntry, PathError> {
        self.look_with(name, true, &mut |_| Ok(()))
    }

    /// `inside` is shown the open directory of links.
    fn look_with(
        &self,
        name: &OsStr,
        alone: bool,
        inside: &mut dyn FnMut(&Directory) -> Result<(), PathError>,
    ) -> Result<LookedUpEntry, PathError> {
        // An entry that is replaced just now may be gone when its links are read: there is a new one then.
        for _ in 0..TRIES {
            let Some(target) = self.directory.link(name)? else {
                let kind = self.directory.kind(name);
                let kind = kind.map_err(|source| self.cannot_read(name, source))?;
                return match kind {
                    None => Ok(LookedUpEntry::Absent),
                    // It was none a moment ago.
                    Some(FileKind::Link) => continue,
                    // The original's entries, or a copy that was made without links to directories.
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
            // What was replaced meanwhile may have been read in part.
            if alone || self.directory.link(name)?.as_ref() == Some(&target) {
                return Ok(LookedUpEntry::Entry(Links { directory: Some(target), ..links }));
            }
        }
        Ok(LookedUpEntry::Doubtful("it changes all the time".to_owned()))
    }

    fn cannot_read(&self, name: &OsStr, source: std::io::Error) -> PathError {
        PathError { verb: "read", path: self.directory.path().join(name), source }
    }

    /// The entry called `name`; nothing if there is none. One that is broken is an error, and so is one whose links do not
    /// lead where they say.
    pub(super) fn read(&self, name: &OsStr) -> Result<Option<FoundEntry>, CacheError> {
        match self.read_crooked(name)? {
            Some(FoundEntry { crooked: Some(link), .. }) => Err(self.astray(name, &link)),
            found => Ok(found),
        }
    }

    /// The same, as long as its links say what is meant.
    pub(super) fn read_crooked(&self, name: &OsStr) -> Result<Option<FoundEntry>, CacheError> {
        let mut created = SystemTime::UNIX_EPOCH;
        let looked = self.look_with(name, false, &mut |inside| {
            created = inside.time()?;
            Ok(())
        })?;
        let written = self.understand(name, looked)?;
        Ok(written.map(|Written { entry, crooked }| FoundEntry { entry, created, crooked }))
    }

    /// The entry that was found under `name`.
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

    /// The entry of these links, which were found under `name`, if all of them lead where they say.
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

/// The links in a directory, of which `inside` may learn more.
fn read(
    directory: &mut Directory,
    inside: &mut dyn FnMut(&Directory) -> Result<(), PathError>,
) -> Result<Links, PathError> {
    let mut read = Links::default();
    for named in directory.names()? {
        // No name of ours is no text, and hidden ones are what file systems and desktops leave behind.
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
