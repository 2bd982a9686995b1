//! Writes entries into their directories.
//!
//! A writer makes a new directory of links, and then renames a new link to that directory over the old link, so the
//! entry changes as a whole. An existing directory of links is changed in one case only: the form that the chart got in
//! a registry is added to an entry that has none. The last of the added links makes it count.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::entry::CacheEntry;
use super::holder::{FoundEntry, Holder};
use super::written;
use crate::disk::{AtPath as _, Directory, FileKind, Named, PathError, Unsynced};

/// An entry that is written but not in its place yet. Dropping this leaves the entry that is in the place, and removes
/// other directories of links of the same name.
#[must_use]
pub(super) struct Prepared {
    /// The directory of entries, locked until this is dropped.
    holder: Arc<Directory>,
    name: String,
    /// The name of the new directory of links.
    fresh: String,
}

/// Writes the whole entry that will be at `path`, relative to `root`. Its time will be `created`, or now if that is
/// None. The caller must sync what the entry needs and what is `unsynced` before it calls [`Prepared::commit`].
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
    // The number of steps from `…/tags/.<tag>.<unique>` up to the root is the number of names in the entry's path.
    for (name, text) in written::links(entry, path.components().count()) {
        inside.make_link(text, &name).at("write", &at.join(&name))?;
    }
    set_time(&inside, created);
    unsynced.add(&Arc::new(inside));
    Ok(prepared)
}

/// Splits a path into its directory and its last name. An error if it has no such name, or one that is not UTF-8.
fn parts<'a>(root: &Directory, path: &'a Path) -> Result<(&'a Path, String), PathError> {
    let parts = path.parent().zip(path.file_name().and_then(OsStr::to_str));
    let parts = parts.ok_or(io::ErrorKind::InvalidInput.into()).at("write", &root.path().join(path))?;
    Ok((parts.0, parts.1.to_owned()))
}

/// Waits until no other process writes into the directory. So each writer can remove what the one before has left, even
/// if that was killed.
fn take_turn(holder: &Directory) {
    // Without locks, a directory of links may be left behind; nothing worse can happen.
    if let Err(e) = holder.take_turn() {
        log::debug!("{} cannot be locked: {e}", holder.path().display());
    }
}

/// Sets the time of a directory. A failure is only logged: a wrong age is no reason to fail.
fn set_time(directory: &Directory, time: Option<SystemTime>) {
    if let Some(Err(e)) = time.map(|time| directory.set_time(time)) {
        log::debug!("{}: its time is not kept: {e}", directory.path().display());
    }
}

/// Adds the links of its form in a registry to the entry at `path`, relative to `root`, which is `entry` then. Returns
/// false without a change unless the entry there is the same apart from having no form yet.
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
    // A form that comes from an index or from an early generation belongs together with `origin`.
    if now != before || before.origin.is_some() {
        return Ok(false);
    }
    let Some(inside) = holder.directory().below(&target)? else { return Ok(false) };
    for (name, text) in written::form_links(pushed, path.components().count()) {
        match inside.make_link(text, &name) {
            // A process that was interrupted here has left it.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            result => result.at("write", &inside.path().join(&name))?,
        }
    }
    // The time of the directory says when the chart came, not when links were added.
    set_time(&inside, Some(created));
    inside.sync()?;
    Ok(true)
}

impl Prepared {
    /// Puts the entry in its place, where it replaces the entry that is there, and syncs the directory.
    pub(super) fn commit(self) -> Result<(), PathError> {
        let Self { holder, name, fresh } = &self;
        let link = written::new_link(fresh);
        holder.make_link(fresh, &link).at("write", &holder.path().join(&link))?;
        // Entries of Helm 3.0.0-alpha.1 are directories.
        let renamed = holder.rename_over(OsStr::new(&link), holder, OsStr::new(name));
        renamed.at("write", &holder.path().join(name))?;
        holder.sync()
    }
}

/// Removes the directories of links of this name that are not in use: that of the entry before, or the new one.
impl Drop for Prepared {
    fn drop(&mut self) {
        clear(&self.holder, &self.name);
    }
}

/// Removes the entry at `path`, relative to `root`. Returns whether there was one.
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

/// Removes the name of an entry in one step, so its directory of links is out of use. Returns whether the name existed.
pub(super) fn unlink(holder: &Directory, name: &OsStr) -> Result<bool, PathError> {
    match holder.remove(name) {
        // Entries of Helm 3.0.0-alpha.1 are directories. They are renamed: a process that is killed while it removes
        // links would leave half of them.
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
    // Through another handle: reading names moves the position of a handle.
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
    // What is left is not used, and the next writer tries again.
    if let Err(e) = cleared {
        log::debug!("{e}: {}", e.source);
    }
}

/// Of these names in a directory of entries, those of directories of links that are not in use. `used` returns the one
/// that the entry of a name uses. The caller holds the exclusive lock.
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
