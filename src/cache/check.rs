//! A look at everything in the cache: what is damaged, what is missing, and what nobody needs. It changes nothing.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::walk::{Holders, children};
use super::{Cache, CacheError, Stored, collect, entries, layout, lock, scratch};
use crate::digest::Digest;
use crate::disk::{At as _, Directory};
use crate::reference::Reference;

/// What a look has found.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many references there are.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes they have.
    pub size: u64,
    /// The entries that can be used as far as this look can tell.
    pub sound: Vec<Stored>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, and with which references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub fault: Fault,
    /// The references that cannot be used, or not fully, because of it.
    pub references: Vec<Reference>,
}

/// What may be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry that cannot be read.
    #[error("the entry is broken: {0}")]
    Entry(String),
    /// A link that is read rightly, and that others who follow it do not end where they should.
    #[error("its link `{0}` does not lead into this cache")]
    Link(String),
    /// The path that stands for name and version.
    #[error("{} is missing or damaged", .0.display())]
    Properties(PathBuf),
    /// A blob that is not there.
    #[error("blob {0} is missing")]
    Missing(Digest),
    /// A blob that is not what its name says.
    #[error("blob {0} is damaged")]
    Damaged(Digest),
    /// Parts that are whole, and not of one chart.
    #[error("{0}")]
    Disagreement(String),
    /// What no reference needs.
    #[error("{}: no reference needs it", .0.display())]
    Orphan(PathBuf),
    /// What a command that was killed has left.
    #[error("{}: left behind by a command that was interrupted", .0.display())]
    LeftOver(PathBuf),
}

impl Fault {
    /// Whether it only takes room. Nothing that anybody has asked for is touched by it.
    pub fn is_litter(&self) -> bool {
        matches!(self, Self::Orphan(_) | Self::LeftOver(_))
    }
}

/// What the entries need, by its path, and the litter: seen at one moment.
#[derive(Default)]
struct Seen {
    references: usize,
    stored: Vec<Stored>,
    needed: BTreeMap<PathBuf, Vec<Reference>>,
    /// Below `blobs` and `charts`.
    there: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Cache {
    /// Looks at every reference and every blob; at some references and what they need, if any are given. Blobs are read
    /// from their first byte to their last.
    pub fn check(&self, only: &[Reference]) -> Result<Checked, CacheError> {
        let mut seen = self.see(only)?;
        let mut checked = Checked { references: seen.references, ..Checked::default() };
        // No lock from here on: reading takes its time. What changes meanwhile is looked at again in the end.
        for path in seen.there.iter().filter(|path| !seen.needed.contains_key(*path)) {
            let fault = match layout::linked_blob(path) {
                Some(digest) if !self.count(&digest, &mut checked)? => Fault::Damaged(digest),
                _ => Fault::Orphan(path.clone()),
            };
            seen.problems.push(Problem { fault, references: Vec::new() });
        }
        for (path, references) in &seen.needed {
            let fault = match (layout::linked_blob(path), layout::linked_chart(path)) {
                (Some(digest), _) => match self.blob(&digest) {
                    Err(CacheError::Missing(_)) => Some(Fault::Missing(digest)),
                    _ if self.count(&digest, &mut checked)? => None,
                    _ => Some(Fault::Damaged(digest)),
                },
                (_, Some((name, version))) if !self.has_chart(&name, &version) => {
                    Some(Fault::Properties(path.clone()))
                }
                _ => None,
            };
            if let Some(fault) = fault {
                let references = self.still(references, path, &fault)?;
                if !references.is_empty() {
                    seen.problems.push(Problem { fault, references });
                }
            }
        }
        let is_sound = |stored: &Stored| {
            !seen.problems.iter().any(|problem| problem.references.contains(&stored.reference))
        };
        checked.sound = seen.stored.iter().filter(|stored| is_sound(stored)).cloned().collect();
        checked.problems = seen.problems;
        Ok(checked)
    }

    fn see(&self, only: &[Reference]) -> Result<Seen, CacheError> {
        // Nobody is between a blob and its entry then. A cache that cannot be written is looked at as it is.
        let _lock = lock::exclusive(&self.root).or_else(|_| lock::read(&self.root))?;
        let mut seen = Seen::default();
        if !only.is_empty() {
            for reference in only {
                let stored = self.find_locked(reference);
                let path = layout::entry(stored.as_ref().map_or(reference, |stored| &stored.reference));
                self.see_entry(reference, &path.unwrap_or_default(), stored.map(Some), &mut seen)?;
            }
            return Ok(seen);
        }
        let mut entries = Vec::new();
        for holder in Holders::of(&self.root, Path::new("refs"), true)?.paths {
            let Some(mut tags) = Directory::open(self.root.join(&holder))? else { continue };
            for named in tags.names()? {
                let path = holder.join(&named.name);
                if let Some(reference) = layout::reference(&path) {
                    entries.push((reference, path, entries::read(&tags, &named.name)));
                }
            }
        }
        entries.sort_by_cached_key(|(reference, _, _)| reference.to_string());
        for (reference, path, found) in entries {
            let stored = |(entry, created)| Stored { reference: reference.clone(), entry, created };
            self.see_entry(&reference, &path, found.map(|found| found.map(stored)), &mut seen)?;
        }
        self.see_the_rest(&mut seen)?;
        Ok(seen)
    }

    fn see_entry(
        &self,
        reference: &Reference,
        path: &Path,
        found: Result<Option<Stored>, CacheError>,
        seen: &mut Seen,
    ) -> Result<(), CacheError> {
        let problem = |fault| Problem { fault, references: vec![reference.clone()] };
        seen.references += 1;
        match found {
            Ok(Some(stored)) => {
                if let Some(name) = entries::crooked(&self.root, path) {
                    seen.problems.push(problem(Fault::Link(name)));
                }
                seen.stored.push(stored);
            }
            // A link of the entry's name that leads nowhere.
            Ok(None) => seen.problems.push(problem(Fault::Entry("it leads nowhere".to_owned()))),
            Err(CacheError::BrokenEntry { reason, .. }) => {
                seen.problems.push(problem(Fault::Entry(reason)));
            }
            Err(CacheError::Disk(e)) => {
                seen.problems.push(problem(Fault::Entry(format!("{e}: {}", e.source.kind()))));
            }
            Err(error) => return Err(error),
        }
        for needed in self.needs(path)? {
            let by = seen.needed.entry(needed).or_default();
            if !by.contains(reference) {
                by.push(reference.clone());
            }
        }
        Ok(())
    }

    fn see_the_rest(&self, seen: &mut Seen) -> Result<(), CacheError> {
        let below = |path: &Path| path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        let mut holders: Vec<_> = children(&self.root.join("blobs"))?;
        holders.extend(children(&self.root.join("charts"))?.iter().map(|c| c.join("versions")));
        for holder in holders {
            seen.there.extend(children(&holder)?.iter().map(|path| below(path)));
        }
        let mut left = children(&self.root.join("tmp"))?;
        left.retain(|path| scratch::is_litter(path).is_some());
        for holder in Holders::of(&self.root, Path::new("refs"), true)?.paths {
            let Some(mut tags) = Directory::open(self.root.join(&holder))? else { continue };
            let names = tags.names()?;
            left.extend(entries::litter(&tags, &names));
        }
        seen.there.sort();
        left.sort();
        let problem =
            |path: &PathBuf| Problem { fault: Fault::LeftOver(below(path)), references: Vec::new() };
        seen.problems.extend(left.iter().map(problem));
        Ok(())
    }

    /// What the entry at `path`, below the root, needs: paths below the root.
    fn needs(&self, path: &Path) -> Result<HashSet<PathBuf>, CacheError> {
        let mut needed = Vec::new();
        let tags = path.parent().map(|tags| Directory::open(self.root.join(tags))).transpose()?.flatten();
        if let (Some(tags), Some(name)) = (tags, path.file_name()) {
            entries::needs(&tags, name, &mut needed)?;
        }
        Ok(needed.into_iter().map(PathBuf::from).collect())
    }

    /// Whether a blob is right, which is counted. That it cannot be read at all is an error of its own.
    fn count(&self, digest: &Digest, checked: &mut Checked) -> Result<bool, CacheError> {
        let blob = match self.blob(digest) {
            Ok(blob) => blob,
            Err(CacheError::Damaged { .. } | CacheError::Missing(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        checked.blobs += 1;
        checked.size += blob.size();
        match blob.read().and_then(|mut reader| io::copy(&mut reader, &mut io::sink())) {
            Ok(_) => Ok(true),
            // What the disk cannot read is lost, and what is wrong is wrong.
            Err(error) => {
                log::debug!("{digest}: {error}");
                Ok(false)
            }
        }
    }

    /// Those of the references whose entries need `path` still, if what is wrong with it is still wrong.
    fn still(
        &self,
        references: &[Reference],
        path: &Path,
        fault: &Fault,
    ) -> Result<Vec<Reference>, CacheError> {
        let _lock = lock::read(&self.root)?;
        let cured = match fault {
            Fault::Missing(digest) | Fault::Damaged(digest) => {
                self.blob(digest).is_ok_and(|blob| blob.is_whole())
            }
            _ => false,
        };
        let mut still = Vec::new();
        for reference in references.iter().filter(|_| !cured) {
            let found = self.find_locked(reference).map_or_else(|_| reference.clone(), |s| s.reference);
            let entry = layout::entry(&found).unwrap_or_default();
            if self.needs(&entry)?.contains(path) {
                still.push(reference.clone());
            }
        }
        Ok(still)
    }

    /// By which digest a registry knows what the entry of `reference` holds, as far as its links can tell.
    pub fn known_as(&self, reference: &Reference) -> Option<Digest> {
        let _lock = lock::read(&self.root).ok()?;
        let link = |name: &str| {
            let path = self.root.join(layout::entry(reference)?).join(name);
            layout::linked_blob(&fs::read_link(path).ok()?)
        };
        reference.digest.clone().or_else(|| link("origin")).or_else(|| link("manifest"))
    }

    /// Writes an entry anew as it is, without any blob: for links and properties that are wrong.
    pub fn rewrite(&self, reference: &Reference) -> Result<(), CacheError> {
        let _lock = lock::write(&self.root)?;
        let stored = self.find_locked(reference)?;
        self.put_locked(&stored.reference, &stored.entry, Vec::new())
    }

    /// Removes what no reference needs and what was left behind.
    pub fn clear(&self) -> Result<(), CacheError> {
        if !self.root.try_exists().at("read", &self.root)? {
            return Ok(());
        }
        let _lock = lock::exclusive(&self.root)?;
        collect::collect(self)
    }
}
