//! The registry on disk.
//!
//! ```text
//! helm-registry-serve                               the layout's version; locked by the process that serves it
//! blobs/<algorithm>/<hex>                           content, 0444: complete and verified before it has its name
//! uploads/…                                         content on its way in; emptied at every start
//! repositories/<name>/_blobs/<algorithm>/<hex>      empty: the repository has this blob
//! repositories/<name>/_manifests/<algorithm>/<hex>  the media type: the repository has this manifest
//! repositories/<name>/_tags/<tag>                   the digest of the manifest that is tagged
//! repositories/<name>/_referrers/<algorithm>/<hex>/<algorithm>-<hex>
//!                                                   the descriptor of a manifest whose subject is the former digest
//! ```
//!
//! No component of a repository's name begins with `_`, so nothing that a client can name is one of our directories.
//! Content is stored once, whichever repositories have it. Every file is written beside, synced and renamed into place,
//! content before what names it: a crash leaves everything that was acknowledged, and at most content without a name.
//! That, and what deletions leave without a name, goes at the next start, when nobody can be about to name it. Because
//! things are removed at every start, a directory that is not known to be ours is never served.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::digest::{Algorithm, Digest};
use crate::disk::{At, PathError, make_dirs, sync_dir};
use crate::reference::Repository;

/// The file that makes a directory ours.
const MARK: &str = "helm-registry-serve";
/// What the file says of the layout above.
const VERSION: &str = "1\n";

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// A directory with everything that the registry holds.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    /// Held while names are made that need other names, or are taken away: a manifest needs its blobs, a tag its manifest.
    naming: Mutex<()>,
    /// Keeps the directory ours until we end, in whichever way.
    _lock: File,
}

/// Why a directory cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be made, read or written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Two processes at once would clean up after each other.
    #[error("{} is being served by another process", .0.display())]
    Busy(PathBuf),
    /// A directory with something else in it: we would clear it away.
    #[error("{} is not empty, and not a registry's data", .0.display())]
    Foreign(PathBuf),
    /// A directory of a version to come.
    #[error("{} was written by another version of helm-registry-serve", .0.display())]
    Version(PathBuf),
}

impl Store {
    /// Takes a directory into service, and clears away what the last service left unfinished.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        make_dirs(root)?;
        let lock = mark(root)?;
        for algorithm in ALGORITHMS {
            make_dirs(&root.join("blobs").join(algorithm.name()))?;
        }
        make_dirs(&root.join("uploads"))?;
        make_dirs(&root.join("repositories"))?;
        let store = Self { root: root.to_owned(), naming: Mutex::new(()), _lock: lock };
        store.clear_uploads()?;
        store.clear_unnamed()?;
        Ok(store)
    }

    fn clear_uploads(&self) -> Result<(), PathError> {
        let dir = self.root.join("uploads");
        for name in names(&dir)? {
            let path = dir.join(name);
            fs::remove_file(&path).at("remove", &path)?;
        }
        Ok(())
    }

    /// Removes content that no repository has. Any failure to read the names ends it before anything is removed.
    fn clear_unnamed(&self) -> Result<(), PathError> {
        let mut named = HashSet::new();
        for name in self.repositories()? {
            for kind in ["_blobs", "_manifests"] {
                for algorithm in ALGORITHMS {
                    let dir = self.root.join("repositories").join(&name).join(kind).join(algorithm.name());
                    named.extend(names(&dir)?.into_iter().map(|hex| (algorithm, hex)));
                }
            }
        }
        for algorithm in ALGORITHMS {
            let dir = self.root.join("blobs").join(algorithm.name());
            for hex in names(&dir)? {
                let path = dir.join(&hex);
                if !named.contains(&(algorithm, hex)) {
                    fs::remove_file(&path).at("remove", &path)?;
                }
            }
        }
        Ok(())
    }

    /// Holds off everyone else who makes or removes names that hang together.
    pub(super) fn naming(&self) -> MutexGuard<'_, ()> {
        // The mutex guards files, which a panic leaves as whole as a crash does.
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty file for content on its way in; it vanishes unless it is [kept](Self::keep).
    pub(super) fn incoming(&self) -> Result<NamedTempFile, PathError> {
        let dir = self.root.join("uploads");
        NamedTempFile::new_in(&dir).at("create a file in", &dir)
    }

    /// Gives content its name. The caller has seen that it has that digest.
    pub(super) fn keep(&self, file: &File, path: TempPath, digest: &Digest) -> Result<(), PathError> {
        file.set_permissions(Permissions::from_mode(0o444)).at("set the mode of", &path)?;
        let target = self.content(digest);
        place(file, path, &target)
    }

    fn content(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// Where a repository keeps its entries of one kind.
    pub(super) fn entries(&self, repository: &Repository, kind: &str) -> PathBuf {
        self.root.join("repositories").join(repository.as_str()).join(kind)
    }

    fn entry(&self, repository: &Repository, kind: &str, digest: &Digest) -> PathBuf {
        self.entries(repository, kind).join(digest.algorithm().name()).join(digest.hex())
    }

    /// The path that says that a repository has a manifest.
    pub(super) fn manifest_entry(&self, repository: &Repository, digest: &Digest) -> PathBuf {
        self.entry(repository, "_manifests", digest)
    }

    /// The directory with the referrers of a subject.
    pub(super) fn referrers_dir(&self, repository: &Repository, subject: &Digest) -> PathBuf {
        self.entry(repository, "_referrers", subject)
    }

    /// Whether there is such content at all, in whichever repository.
    pub(super) fn has_content(&self, digest: &Digest) -> bool {
        self.content(digest).is_file()
    }

    /// Opens content, whichever repository has it, and says how long it is.
    pub(super) fn open_content(&self, digest: &Digest) -> Result<Option<(File, u64)>, PathError> {
        let path = self.content(digest);
        match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            result => {
                let file = result.at("open", &path)?;
                let size = file.metadata().at("inspect", &path)?.len();
                Ok(Some((file, size)))
            }
        }
    }

    /// Whether a repository has a blob.
    pub(super) fn has_blob(&self, repository: &Repository, digest: &Digest) -> bool {
        self.entry(repository, "_blobs", digest).is_file() && self.has_content(digest)
    }

    /// Opens a repository's blob, and says how long it is.
    pub(super) fn open_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<(File, u64)>, PathError> {
        match self.entry(repository, "_blobs", digest).is_file() {
            true => self.open_content(digest),
            false => Ok(None),
        }
    }

    /// Gives a repository a blob whose content is there.
    pub(super) fn add_blob(&self, repository: &Repository, digest: &Digest) -> Result<(), PathError> {
        let path = self.entry(repository, "_blobs", digest);
        if path.is_file() {
            return Ok(());
        }
        let dir = parent(&path);
        make_dirs(dir)?;
        File::create(&path).at("create", &path)?;
        sync_dir(dir)
    }

    /// Takes a blob away from a repository; says whether it was there.
    pub(super) fn remove_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, PathError> {
        let _naming = self.naming();
        remove(&self.entry(repository, "_blobs", digest))
    }

    /// Writes a small file, whole or not at all.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), PathError> {
        let mut file = self.incoming()?;
        file.write_all(content).at("write", file.path())?;
        make_dirs(parent(path))?;
        let (file, temporary) = file.into_parts();
        place(&file, temporary, path)
    }

    /// The names of all repositories that a manifest or a blob was ever pushed to, in order.
    pub(super) fn repositories(&self) -> Result<Vec<String>, PathError> {
        let root = self.root.join("repositories");
        let mut found = Vec::new();
        let mut left = vec![String::new()];
        while let Some(name) = left.pop() {
            let (ours, components): (Vec<_>, Vec<_>) =
                names(&root.join(&name))?.into_iter().partition(|entry| entry.starts_with('_'));
            left.extend(components.into_iter().map(|component| match name.as_str() {
                "" => component,
                _ => format!("{name}/{component}"),
            }));
            if !ours.is_empty() {
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Makes an empty directory ours, or makes sure that it is; and keeps it from others while the file is open.
fn mark(root: &Path) -> Result<File, StoreError> {
    let path = root.join(MARK);
    // A file system of its own has a directory that belongs to nobody.
    if !path.is_file() && names(root)?.iter().any(|name| name != "lost+found") {
        return Err(StoreError::Foreign(root.to_owned()));
    }
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = options.at("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(root.to_owned())),
        Err(TryLockError::Error(source)) => return Err(PathError { verb: "lock", path, source }.into()),
    }
    let mut version = String::new();
    file.read_to_string(&mut version).at("read", &path)?;
    match version.as_str() {
        VERSION => {}
        // New, or we were cut off when it was.
        "" => file.write_all(VERSION.as_bytes()).and_then(|()| file.sync_all()).at("write", &path)?,
        _ => return Err(StoreError::Version(root.to_owned())),
    }
    Ok(file)
}

/// What a small file holds; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, PathError> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.at("read", path).map(Some),
    }
}

/// Removes a name for good; says whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, PathError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        result => {
            result.at("remove", path)?;
            sync_dir(parent(path))?;
            Ok(true)
        }
    }
}

/// The names in a directory; none if there is no such directory.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, PathError> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.at("read", dir)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        // All names are ours, so all are text; what somebody else has put there is none of our business.
        names.extend(entry.at("read", dir)?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Content before name: what has its name is complete, also after a power cut.
fn place(file: &File, temporary: TempPath, target: &Path) -> Result<(), PathError> {
    file.sync_all().at("sync", &temporary)?;
    temporary.persist(target).map_err(|e| e.error).at("write", target)?;
    sync_dir(parent(target))
}

/// All our paths are below the root.
fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
