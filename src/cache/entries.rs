//! Entries: what a reference stands for, as a directory of links that is written whole and swapped in by one rename.
//!
//! `tags/<tag>` is itself a link, to a directory beside it whose name begins with a dot. A reader follows it once and
//! then reads all of one entry; a writer makes a new directory and renames a new link over the old one.
//!
//! The form that a chart got in a registry is all that an entry without one is ever added to: one link makes it count.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use super::walk::children;
use super::{CacheError, layout};
use crate::digest::Digest;
use crate::disk::{
    At as _, Directory, Named, PathError, Unsynced, remove_all, rename_over, sync_dir, uninterrupted,
};

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// Its metadata without name and version.
    pub meta: Digest,
    /// Everything else; or, of a package that somebody else made, all of it.
    pub content: Digest,
    /// Whether `content` is a whole package, Chart.yaml included.
    pub package: bool,
    /// The provenance file that came with a package.
    pub provenance: Option<Digest>,
    /// The manifest and config that it was last pulled or pushed as.
    pub pushed: Option<Pushed>,
    /// What the registry had under this reference when it was last pulled, where that is not the manifest itself: an
    /// index, or the manifest of an early generation.
    pub origin: Option<Digest>,
    /// What `content` was made of, if it was made here: by this the same files are known again without compressing
    /// them. It is a name, not a blob.
    pub source: Option<Digest>,
}

/// The form that a chart has in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The manifest.
    pub manifest: Digest,
    /// The config.
    pub config: Digest,
}

impl Entry {
    /// The blobs that it needs.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        let pushed = self.pushed.iter().flat_map(|p| [&p.manifest, &p.config]);
        [&self.meta, &self.content].into_iter().chain(&self.provenance).chain(pushed).chain(&self.origin)
    }

    /// Whether both are the same chart, whatever they are in a registry and were made of.
    pub(super) fn is_of_the_chart_of(&self, other: &Self) -> bool {
        let bare = |entry: &Self| Self { pushed: None, origin: None, source: None, ..entry.clone() };
        bare(self) == bare(other)
    }

    fn links(&self) -> Vec<(&'static str, PathBuf)> {
        let mut links = vec![
            ("chart", layout::chart(&self.name, &self.version)),
            ("content", layout::blob(&self.content)),
            ("meta", layout::blob(&self.meta)),
        ];
        if self.package {
            links.push(("package", layout::blob(&self.content)));
        }
        if let Some(pushed) = &self.pushed {
            links.push(("manifest", layout::blob(&pushed.manifest)));
            links.push(("config", layout::blob(&pushed.config)));
        }
        links.extend(self.provenance.as_ref().map(|digest| ("provenance", layout::blob(digest))));
        links.extend(self.origin.as_ref().map(|digest| ("origin", layout::blob(digest))));
        links
    }
}

/// Reads the entry called `name` in `tags`, and when it was written; nothing if there is none.
pub(super) fn read(tags: &Directory, name: &OsStr) -> Result<Option<(Entry, SystemTime)>, CacheError> {
    let link = Path::new(name);
    let at = || tags.path().join(name);
    // An entry that is replaced just now may be gone when its links are read: there is a new one then.
    for _ in 0..100 {
        let target = match tags.link(link) {
            Ok(target) => target,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            // The original's entries, or a copy that was made without links to directories.
            Err(_) if at().is_dir() => return read_links(tags, link, &at).map(Some),
            Err(_) if at().is_file() => return Err(broken(at(), "it is a file")),
            Err(source) => return Err(PathError { verb: "read", path: at(), source }.into()),
        };
        match read_links(tags, &target, &at) {
            Ok(found) => return Ok(Some(found)),
            Err(error) => match tags.link(link) {
                Ok(now) if now == target => return Err(error),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(_) => return Err(error),
            },
        }
    }
    Err(broken(at(), "it changes all the time"))
}

/// A path like `tags/a/b` where `tags/a` is no directory.
fn is_not_a_directory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotADirectory
}

fn broken(path: PathBuf, reason: &str) -> CacheError {
    CacheError::BrokenEntry { path, reason: reason.to_owned() }
}

/// `entry` is what the directory is called in messages: its own name is different each time.
fn read_links(
    tags: &Directory,
    directory: &Path,
    entry: &dyn Fn() -> PathBuf,
) -> Result<(Entry, SystemTime), CacheError> {
    let link = |name: &str| match tags.link(&directory.join(name)) {
        Ok(target) => Ok(Some(target)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).at("read", &tags.path().join(directory).join(name)).map_err(CacheError::from),
    };
    let blob = |name: &str| -> Result<Option<Digest>, CacheError> {
        let Some(target) = link(name)? else { return Ok(None) };
        match layout::linked_blob(&target) {
            Some(digest) => Ok(Some(digest)),
            None => Err(broken(entry(), &format!("its link `{name}` leads nowhere"))),
        }
    };
    let missing = |name: &str| broken(entry(), &format!("its link `{name}` is missing"));
    let needed = |name: &str| blob(name)?.ok_or_else(|| missing(name));
    let chart = link("chart")?.as_deref().and_then(layout::linked_chart);
    let (name, version) = chart.ok_or_else(|| missing("chart"))?;
    let pushed = match (blob("manifest")?, blob("config")?) {
        (Some(manifest), Some(config)) => Some(Pushed { manifest, config }),
        _ => None,
    };
    let entry = Entry {
        name,
        version,
        meta: needed("meta")?,
        content: needed("content")?,
        package: link("package")?.is_some(),
        provenance: blob("provenance")?,
        pushed,
        origin: blob("origin")?,
        source: link("source")?.as_deref().and_then(Path::to_str).and_then(|text| text.parse().ok()),
    };
    let written = tags.modified(directory).at("read", &tags.path().join(directory))?;
    Ok((entry, written))
}

/// Takes every blob and chart that the links of the entry called `name` lead to, however broken it is otherwise, into
/// `needed`, as paths below the root.
pub(super) fn needs(tags: &Directory, name: &OsStr, needed: &mut Vec<String>) -> Result<(), PathError> {
    // A link to nowhere needs nothing, and no more does a file that somebody has put here.
    let Some(mut entry) = tags.below(name)? else { return Ok(()) };
    for link in entry.names()? {
        let Ok(target) = entry.link(Path::new(&link.name)) else { continue };
        needed.extend(layout::linked(&target));
    }
    Ok(())
}

/// The name of a link in the entry at `path` that does not lead to where it says, if there is one. We go by what links
/// say; others follow them.
pub(super) fn crooked(root: &Path, path: &Path) -> Option<String> {
    let real_root = fs::canonicalize(root).ok()?;
    for link in children(&root.join(path)).ok()? {
        let Ok(target) = fs::read_link(&link) else { continue };
        let blob = layout::linked_blob(&target).map(|digest| layout::blob(&digest));
        let chart = layout::linked_chart(&target).map(|(name, version)| layout::chart(&name, &version));
        let Some(named) = blob.or(chart) else { continue };
        // What is missing is another matter.
        if fs::symlink_metadata(root.join(&named)).is_ok_and(|m| !m.is_symlink())
            && fs::canonicalize(&link).ok() != Some(real_root.join(&named))
        {
            return Some(link.file_name()?.to_string_lossy().into_owned());
        }
    }
    None
}

/// An entry that is written, and not in its place yet. Dropped, it leaves the entry that is there and nothing else.
#[must_use]
pub(super) struct Prepared {
    at: PathBuf,
    directory: PathBuf,
    name: String,
    /// The directory of links, by its name.
    fresh: String,
    _turn: File,
}

/// Writes the entry that will be at `path`, below `root`, whole. It may be put in its place when all that it names lasts,
/// and all that is `unsynced`.
pub(super) fn prepare(
    root: &Path,
    path: &Path,
    entry: &Entry,
    unsynced: &mut Unsynced,
) -> Result<Prepared, PathError> {
    let at = root.join(path);
    let (Some(directory), Some(name)) = (at.parent(), at.file_name().and_then(|n| n.to_str())) else {
        return Err(io::ErrorKind::InvalidInput.into()).at("write", &at);
    };
    unsynced.make_dirs(directory)?;
    let turn = take_turn(directory)?;
    let (directory, name) = (directory.to_path_buf(), name.to_owned());
    let fresh = format!(".{name}.{}", unique());
    let prepared = Prepared { at, directory, name, fresh, _turn: turn };
    let inside = prepared.directory.join(&prepared.fresh);
    fs::create_dir(&inside).at("write", &inside)?;
    // From `…/tags/.<tag>.<unique>` up to the root: as many steps as the entry's path has names.
    let depth = path.components().count();
    for (name, target) in entry.links() {
        let link = inside.join(name);
        symlink(layout::link(depth, &target), &link).at("write", &link)?;
    }
    if let Some(source) = &entry.source {
        // A link that holds a text and leads nowhere: reading it cannot block, and it cannot be half written.
        let link = inside.join("source");
        symlink(source.to_string(), &link).at("write", &link)?;
    }
    unsynced.add(&inside);
    Ok(prepared)
}

/// Writers of one repository take turns, so that each can clear away what the one before left, crashed or not.
fn take_turn(directory: &Path) -> Result<File, PathError> {
    let turn = File::open(directory).at("open", directory)?;
    // Where there are no locks, a left-over directory of links is the worst that can happen.
    if let Err(e) = uninterrupted(|| turn.lock()) {
        log::debug!("{} cannot be locked: {e}", directory.display());
    }
    Ok(turn)
}

/// Adds its form in a registry to the entry at `path`, below `root`, which becomes `entry` by that. Says whether it could be
/// done: only if nothing else of the entry is different, and it has no form yet.
pub(super) fn add_form(root: &Path, path: &Path, entry: &Entry) -> Result<bool, PathError> {
    let at = root.join(path);
    let (Some(directory), Some(name), Some(pushed)) = (at.parent(), at.file_name(), &entry.pushed) else {
        return Ok(false);
    };
    let before = Entry { pushed: None, ..entry.clone() };
    let _turn = take_turn(directory)?;
    let Some(tags) = Directory::open(directory.to_path_buf())? else { return Ok(false) };
    let (Ok(inside), Ok(Some((now, _)))) = (tags.link(Path::new(name)), read(&tags, name)) else {
        return Ok(false);
    };
    // A form from an index or of an early generation is read together with that.
    if now != before || before.origin.is_some() {
        return Ok(false);
    }
    let inside = directory.join(inside);
    // Without a manifest, a config does not count: a reader sees both or none, and so does whoever comes after a crash.
    for (name, digest) in [("config", &pushed.config), ("manifest", &pushed.manifest)] {
        let link = inside.join(name);
        match symlink(layout::link(path.components().count(), &layout::blob(digest)), &link) {
            // Left by somebody who was interrupted here.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            result => result.at("write", &link)?,
        }
    }
    sync_dir(&inside)?;
    Ok(true)
}

impl Prepared {
    /// Puts it in the place of what is there.
    pub(super) fn commit(self) -> Result<(), PathError> {
        let Self { at, directory, fresh, .. } = &self;
        let link = directory.join(format!("{fresh}.link"));
        symlink(fresh, &link).at("write", &link)?;
        // The original's entries are directories.
        rename_over(&link, at).at("write", at)?;
        sync_dir(directory)
    }
}

/// What the entry was before, or should have become, goes.
impl Drop for Prepared {
    fn drop(&mut self) {
        clear(&self.directory, &self.name, fs::read_link(&self.at).ok().as_deref());
    }
}

/// Removes the entry at `path`, below `root`; says whether there was one.
pub(super) fn remove(root: &Path, path: &Path) -> Result<bool, PathError> {
    let at = root.join(path);
    match fs::remove_file(&at) {
        Err(e) if e.kind() == io::ErrorKind::NotFound || is_not_a_directory(&e) => return Ok(false),
        Err(_) if at.is_dir() => remove_all(&at)?,
        result => result.at("remove", &at)?,
    }
    if let (Some(directory), Some(name)) = (at.parent(), at.file_name().and_then(|n| n.to_str())) {
        clear(directory, name, None);
        sync_dir(directory)?;
    }
    Ok(true)
}

/// Removes the directories of links of `name` that are not in use.
fn clear(directory: &Path, name: &str, keep: Option<&Path>) {
    let Ok(siblings) = fs::read_dir(directory) else { return };
    for sibling in siblings.flatten() {
        let file_name = sibling.file_name();
        let Some(unique) =
            file_name.to_str().and_then(|n| n.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.'))
        else {
            continue;
        };
        // `.1.2.<unique>` belongs to the tag `1.2`, not to `1`.
        if unique.trim_end_matches(".link").contains('.') || Some(Path::new(&file_name)) == keep {
            continue;
        }
        // It is litter either way, and the next writer tries again.
        if let Err(e) = remove_all(&sibling.path()) {
            log::debug!("{e}: {}", e.source);
        }
    }
}

/// The directories of links in `tags`, whose names are given, that no entry leads to. Whoever writes entries must be kept
/// out.
pub(super) fn litter(tags: &Directory, names: &[Named]) -> Vec<PathBuf> {
    let is_litter = |named: &&Named| {
        let name = named.name.to_str();
        let tag = name.and_then(|n| n.strip_prefix('.')?.trim_end_matches(".link").rsplit_once('.'));
        tag.is_some_and(|(tag, _)| !tags.link(Path::new(tag)).is_ok_and(|to| to == *named.name))
    };
    names.iter().filter(is_litter).map(|named| tags.path().join(&named.name)).collect()
}

/// A name that no other process and no other thread uses: without a dot, for [`clear`].
fn unique() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{:x}-{:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed), now)
}
