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
//! No component of a repository's name begins with `_`, so a client cannot name one of our directories. Content is
//! stored once, even if several repositories have it. Every file is written under a temporary name, synced and renamed,
//! and content comes before what names it. So a crash leaves everything that was acknowledged, and at most some content
//! that no repository has. Such content, and that of deleted blobs and manifests, is removed at the next start, when no
//! request can be about to name it. Until then no client can read it, because content is only served from a repository
//! that has it. As files are removed at every start, a directory that is not known to be a registry's is never served.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use tempfile::{NamedTempFile, TempPath};

use super::files::{self, parent, place, remove};
use crate::digest::{Algorithm, Digest};
use crate::disk::{AtPath, PathError, make_dirs, sync_dir};
use crate::reference::Repository;
use crate::threads::locked;

/// The file that marks a directory as a registry's.
const MARK: &str = "helm-registry-serve";
/// The content of that file: the version of the layout above.
const VERSION: &str = "1\n";

pub(super) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// How many locks there are for content. Digests that differ in their first digits can be stored at the same time.
const STRIPES: usize = 64;

/// A directory with everything that the registry holds.
#[derive(Debug)]
pub(super) struct RegistryStore {
    root: PathBuf,
    /// Held while names change that depend on others: a manifest needs its blobs, and a tag its manifest.
    naming: Mutex<()>,
    /// Held while all repositories are visited.
    walking: Mutex<()>,
    /// One of these is held while content is stored and gets its first name. If it cannot get the name, the content is
    /// removed again, and no other request may rely on it meanwhile.
    keeping: [Mutex<()>; STRIPES],
    /// The lock that reserves the directory. It ends with the store or with this process, even if that crashes.
    _lock: File,
}

/// Why a directory cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RegistryStoreError {
    /// The directory cannot be created, read or written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Another process serves the directory. Two at once would remove each other's files.
    #[error("{} is being served by another process", .0.display())]
    Busy(PathBuf),
    /// The directory contains something else, which we would remove.
    #[error("{} is not empty, and not a registry's data", .0.display())]
    Foreign(PathBuf),
    /// The directory was written by another version, with another layout.
    #[error("{} was written by another version of helm-registry-serve", .0.display())]
    Version(PathBuf),
}

impl RegistryStore {
    /// Opens a directory, which is created if needed, and removes what the last process left unfinished.
    pub(super) fn open(root: &Path) -> Result<Self, RegistryStoreError> {
        make_dirs(root)?;
        let lock = mark(root)?;
        for algorithm in ALGORITHMS {
            make_dirs(&root.join("blobs").join(algorithm.name()))?;
        }
        make_dirs(&root.join("uploads"))?;
        make_dirs(&root.join("repositories"))?;
        let keeping = [const { Mutex::new(()) }; STRIPES];
        let store = Self {
            root: root.to_owned(),
            naming: Mutex::default(),
            walking: Mutex::default(),
            keeping,
            _lock: lock,
        };
        store.clear()?;
        Ok(store)
    }

    /// The path of a directory in the store.
    pub(super) fn dir(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Waits until no other request changes names that depend on each other, and locks them.
    pub(super) fn naming(&self) -> MutexGuard<'_, ()> {
        // The mutex guards files, which are as consistent after a panic as after a crash.
        locked(&self.naming)
    }

    /// Waits until no other request visits all repositories, and locks them.
    pub(super) fn walking(&self) -> MutexGuard<'_, ()> {
        locked(&self.walking)
    }

    /// A new empty file for incoming content. It is deleted unless it is [kept](Self::keep).
    pub(super) fn incoming(&self) -> Result<NamedTempFile, PathError> {
        let dir = self.root.join("uploads");
        NamedTempFile::new_in(&dir).at("create a file in", &dir)
    }

    /// Stores content under its digest, and calls `name` to add it to a repository. The caller has verified and synced
    /// the content. If `name` fails, the content is removed again.
    pub(super) fn keep<T, E: From<PathError>>(
        &self,
        path: TempPath,
        digest: &Digest,
        name: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let stripe = usize::from_str_radix(&digest.hex()[..2], 16).unwrap_or_default() % STRIPES;
        let _keeping = locked(&self.keeping[stripe]);
        let target = self.content(digest);
        let was_there = target.is_file();
        path.persist(&target).map_err(|e| e.error).at("write", &target)?;
        let named = sync_dir(parent(&target)).map_err(E::from).and_then(|()| name());
        if named.is_err()
            && !was_there
            && let Err(error) = fs::remove_file(&target)
        {
            log::warn!("cannot remove {}: {error}", target.display());
        }
        named
    }

    fn content(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// The directory with a repository's entries of one kind, such as `_tags`.
    pub(super) fn entries(&self, repository: &Repository, kind: &str) -> PathBuf {
        self.root.join("repositories").join(repository.as_str()).join(kind)
    }

    fn entry(&self, repository: &Repository, kind: &str, digest: &Digest) -> PathBuf {
        self.entries(repository, kind).join(digest.algorithm().name()).join(digest.hex())
    }

    /// The path of the file whose existence means that a repository has a manifest.
    pub(super) fn manifest_entry(&self, repository: &Repository, digest: &Digest) -> PathBuf {
        self.entry(repository, "_manifests", digest)
    }

    /// The directory with the referrers of a subject.
    pub(super) fn referrers_dir(&self, repository: &Repository, subject: &Digest) -> PathBuf {
        self.entry(repository, "_referrers", subject)
    }

    /// Opens content, and returns its size in bytes. The caller must know that a repository has it.
    pub(super) fn open_content(&self, digest: &Digest) -> Result<Option<(File, u64)>, PathError> {
        files::open(&self.content(digest))
    }

    /// Whether a repository has a blob.
    pub(super) fn has_blob(&self, repository: &Repository, digest: &Digest) -> bool {
        self.entry(repository, "_blobs", digest).is_file() && self.content(digest).is_file()
    }

    /// Whether any repository has a blob. Content that no repository has any more may still be stored, and must not be
    /// served again.
    pub(super) fn is_blob(&self, digest: &Digest) -> Result<bool, PathError> {
        if !self.content(digest).is_file() {
            return Ok(false);
        }
        let entry = Path::new("_blobs").join(digest.algorithm().name()).join(digest.hex());
        let mut found = false;
        self.each_repository(&mut |dir| {
            found = found || dir.join(&entry).is_file();
            Ok(!found)
        })?;
        Ok(found)
    }

    /// Opens a repository's blob, and returns its size in bytes; `None` if the repository does not have it.
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

    /// Adds a blob to a repository. Its content must be stored.
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

    /// Removes a blob from a repository, and returns whether it was there.
    pub(super) fn remove_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, PathError> {
        let _naming = self.naming();
        remove(&self.entry(repository, "_blobs", digest))
    }

    /// Writes a small file, completely or not at all.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), PathError> {
        let mut file = self.incoming()?;
        file.write_all(content).at("write", file.path())?;
        make_dirs(parent(path))?;
        let (file, temporary) = file.into_parts();
        place(&file, temporary, path)
    }
}

/// Marks an empty directory as a registry's, or checks that it is one. The returned file locks the directory while it
/// is open.
fn mark(root: &Path) -> Result<File, RegistryStoreError> {
    let path = root.join(MARK);
    // The root of a file system has `lost+found`.
    if !path.is_file() {
        files::each_name(root, |name| match name {
            "lost+found" => Ok(()),
            _ => Err(RegistryStoreError::Foreign(root.to_owned())),
        })?;
    }
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = options.at("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(RegistryStoreError::Busy(root.to_owned())),
        Err(TryLockError::Error(source)) => return Err(PathError { verb: "lock", path, source }.into()),
    }
    let mut version = String::new();
    file.read_to_string(&mut version).at("read", &path)?;
    match version.as_str() {
        VERSION => {}
        // The file is new, or the process was interrupted when it created it.
        "" => file.write_all(VERSION.as_bytes()).and_then(|()| file.sync_all()).at("write", &path)?,
        _ => return Err(RegistryStoreError::Version(root.to_owned())),
    }
    Ok(file)
}
