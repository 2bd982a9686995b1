//! Directories that hold entries: writing into them.
//!
//! A writer makes a new directory of links and then renames a new link to it over the old one, so that an entry is swapped as
//! a whole. The form that a chart got in a registry is all that an entry without one is ever added to: one link makes it
//! count.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::entry::CacheEntry;
use super::holder::{FoundEntry, Holder};
use super::written;
use crate::disk::{AtPath as _, Directory, FileKind, Named, PathError, Unsynced};

/// An entry that is written, and not in its place yet. Dropped, it leaves the entry that is there and nothing else.
#[must_use]
pub(super) struct Prepared {
    /// Ours until this is dropped.
    holder: Arc<Directory>,
    name: String,
    /// The directory of links, by its name.
    fresh: String,
}

/// Writes the entry that will be at `path`, below `root`, whole, as if that had been done at `created`; now, if that is not
/// said. It may be put in its place when all that it names lasts, and all that is `unsynced`.
pub(super) fn prepare(
    root: &Arc<Directory>,
    path: &Path,
    entry: &CacheEntry,
    created: Option<SystemTime>,
    unsynced: &mut Unsynced,
) -> Result<Prepared, PathError> {
    let (parent, name) = parts(root, path)?;
    let holder = root.make(parent, unsynced)?;
    take_turn(&holder);
    let fresh = written::directory(&name);
    let prepared = Prepared { holder, name, fresh };
    let (holder, fresh) = (&prepared.holder, &prepared.fresh);
    let at = holder.path().join(fresh);
    holder.make_directory(fresh).at("create directory", &at)?;
    let inside = holder.below(fresh)?.ok_or(io::ErrorKind::NotFound.into()).at("write", &at)?;
    // From `…/tags/.<tag>.<unique>` up to the root: as many steps as the entry's path has names.
    for (name, text) in written::links(entry, path.components().count()) {
        inside.make_link(text, &name).at("write", &at.join(&name))?;
    }
    set_time(&inside, created);
    unsynced.add(&Arc::new(inside));
    Ok(prepared)
}

/// The directory that a path below the root is in, and its name there.
fn parts<'a>(root: &Directory, path: &'a Path) -> Result<(&'a Path, String), PathError> {
    let parts = path.parent().zip(path.file_name().and_then(OsStr::to_str));
    let parts = parts.ok_or(io::ErrorKind::InvalidInput.into()).at("write", &root.path().join(path))?;
    Ok((parts.0, parts.1.to_owned()))
}

/// Writers of one repository take turns, so that each can clear away what the one before left, crashed or not.
fn take_turn(holder: &Directory) {
    // Where there are no locks, a left-over directory of links is the worst that can happen.
    if let Err(e) = holder.take_turn() {
        log::debug!("{} cannot be locked: {e}", holder.path().display());
    }
}

/// An age that is not right is no reason to fail.
fn set_time(directory: &Directory, time: Option<SystemTime>) {
    if let Some(Err(e)) = time.map(|time| directory.set_time(time)) {
        log::debug!("{}: its time is not kept: {e}", directory.path().display());
    }
}

/// Adds its form in a registry to the entry at `path`, below `root`, which becomes `entry` by that. Says whether it could be
/// done: only if nothing else of the entry is different, and it has no form yet.
pub(super) fn add_form(root: &Directory, path: &Path, entry: &CacheEntry) -> Result<bool, PathError> {
    let (parent, name) = parts(root, path)?;
    let Some(pushed) = &entry.pushed else { return Ok(false) };
    let before = CacheEntry { pushed: None, ..entry.clone() };
    let Some(holder) = Holder::open(root, parent)? else { return Ok(false) };
    take_turn(holder.directory());
    let (Some(target), Ok(Some(FoundEntry { entry: now, created, crooked: None }))) =
        (holder.directory().link(&name)?, holder.read(OsStr::new(&name)))
    else {
        return Ok(false);
    };
    // A form from an index or of an early generation is read together with that.
    if now != before || before.origin.is_some() {
        return Ok(false);
    }
    let Some(inside) = holder.directory().below(&target)? else { return Ok(false) };
    for (name, text) in written::form_links(pushed, path.components().count()) {
        match inside.make_link(text, &name) {
            // Left by somebody who was interrupted here.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            result => result.at("write", &inside.path().join(&name))?,
        }
    }
    // It is the chart's, and not that of what has become of it.
    set_time(&inside, Some(created));
    inside.sync()?;
    Ok(true)
}

impl Prepared {
    /// Puts it in the place of what is there.
    pub(super) fn commit(self) -> Result<(), PathError> {
        let Self { holder, name, fresh } = &self;
        let link = written::new_link(fresh);
        holder.make_link(fresh, &link).at("write", &holder.path().join(&link))?;
        // The original's entries are directories.
        let renamed = holder.rename_over(OsStr::new(&link), holder, OsStr::new(name));
        renamed.at("write", &holder.path().join(name))?;
        holder.sync()
    }
}

/// What the entry was before, or should have become, goes.
impl Drop for Prepared {
    fn drop(&mut self) {
        clear(&self.holder, &self.name);
    }
}

/// Removes the entry at `path`, below `root`; says whether there was one.
pub(super) fn remove(root: &Directory, path: &Path) -> Result<bool, PathError> {
    let (parent, name) = parts(root, path)?;
    let Some(holder) = root.below(parent)? else { return Ok(false) };
    if !unlink(&holder, OsStr::new(&name))? {
        return Ok(false);
    }
    clear(&holder, &name);
    holder.sync()?;
    Ok(true)
}

/// Takes the name of an entry away, at once; says whether it was there. Its links are litter then.
pub(super) fn unlink(holder: &Directory, name: &OsStr) -> Result<bool, PathError> {
    match holder.remove(name) {
        // The original's entries are directories. One that is killed while it removes its links would leave half of them.
        Err(_) if matches!(holder.kind(name), Ok(Some(FileKind::Directory))) => {
            let aside = written::directory(&name.to_string_lossy());
            let renamed = holder.rename(name, holder, OsStr::new(&aside));
            renamed.map(|()| true).at("remove", &holder.path().join(name))
        }
        removed => removed.at("remove", &holder.path().join(name)),
    }
}

/// Removes the directories of links of `name` that are not in use.
fn clear(holder: &Directory, name: &str) {
    // Through a handle of its own: reading names moves that.
    let cleared = holder.again().and_then(|mut holder| {
        let used = holder.link(name)?;
        for named in holder.names()? {
            // `.1.2.<unique>` belongs to the tag `1.2`, not to `1`.
            let is_of_name = named.name.to_str().and_then(written::owner) == Some(name);
            if is_of_name && used.as_deref() != Some(Path::new(&named.name)) {
                holder.remove_all(&named.name)?;
            }
        }
        Ok(())
    });
    // It is litter either way, and the next writer tries again.
    if let Err(e) = cleared {
        log::debug!("{e}: {}", e.source);
    }
}

/// Of these names in a directory of entries, those of directories of links that no entry leads to; `used` says to which one the
/// entry of a name leads. The caller holds the exclusive lock.
pub(super) fn litter<'a>(
    names: &'a [Named],
    used: impl Fn(&str) -> Option<PathBuf> + 'a,
) -> impl Iterator<Item = &'a OsString> {
    let is_litter = move |named: &&Named| {
        let owner = named.name.to_str().and_then(written::owner);
        owner.is_some_and(|owner| used(owner).is_none_or(|target| target != *named.name))
    };
    names.iter().filter(is_litter).map(|named| &named.name)
}
