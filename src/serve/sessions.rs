//! Upload sessions: content that comes in one request or in many.
//!
//! What one request brings counts once all of it has come. Until then the session is as long as it was before, whatever
//! the file behind it holds: a request that broke off can simply be sent again. Sessions end with the process.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempPath;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::blocking;
use super::refusal::Refusal;
use super::store::Store;
use crate::digest::{Digest, Hasher};
use crate::disk::{At, PathError};
use crate::reference::Repository;

/// More than any number of honest clients has open at once; each one costs a file.
const MAX_SESSIONS: usize = 10_000;
/// A session that nobody came back to for so long is abandoned.
pub(super) const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// All sessions that are open.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Debug)]
struct Session {
    repository: Repository,
    touched: Instant,
    /// `None` once it is done.
    received: Arc<tokio::sync::Mutex<Option<Received>>>,
}

/// What has come so far. The file goes with it, unless it became a blob.
#[derive(Debug)]
struct Received {
    path: TempPath,
    size: u64,
    hasher: Hasher,
}

impl Received {
    fn new(store: &Store) -> Result<Self, PathError> {
        Ok(Self { path: store.incoming()?.into_temp_path(), size: 0, hasher: Hasher::sha256() })
    }
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session and gives its id.
    pub(super) fn open(&self, store: &Store, repository: &Repository) -> Result<String, Refusal> {
        if self.lock().len() >= MAX_SESSIONS {
            return Err(Refusal::TooManyRequests);
        }
        let received = Received::new(store)?;
        // "The <location> MUST contain a UUID representing a unique session ID."
        let id = Uuid::new_v4().to_string();
        let session = Session {
            repository: repository.clone(),
            touched: Instant::now(),
            received: Arc::new(tokio::sync::Mutex::new(Some(received))),
        };
        self.lock().insert(id.clone(), session);
        Ok(id)
    }

    /// Takes a session for oneself, for as long as one request lasts.
    async fn take(
        &self,
        repository: &Repository,
        id: &str,
    ) -> Result<OwnedMutexGuard<Option<Received>>, Refusal> {
        let received = {
            let mut sessions = self.lock();
            let session = sessions.get_mut(id).filter(|session| session.repository == *repository);
            let session = session.ok_or(Refusal::BlobUploadUnknown)?;
            session.touched = Instant::now();
            Arc::clone(&session.received)
        };
        let received = received.lock_owned().await;
        // Whoever had it before us may have ended it.
        if received.is_none() { Err(Refusal::BlobUploadUnknown) } else { Ok(received) }
    }

    /// How many bytes a session has.
    pub(super) async fn size(&self, repository: &Repository, id: &str) -> Result<u64, Refusal> {
        let received = self.take(repository, id).await?;
        received.as_ref().map(|received| received.size).ok_or(Refusal::BlobUploadUnknown)
    }

    /// Goes on with a session.
    pub(super) async fn append(&self, repository: &Repository, id: &str) -> Result<Append, Refusal> {
        Append::new(self.take(repository, id).await?)
    }

    /// Begins content that comes in one request, without a session.
    pub(super) async fn whole(store: &Store) -> Result<Append, Refusal> {
        let received = Received::new(store)?;
        let received = Arc::new(tokio::sync::Mutex::new(Some(received)));
        Append::new(received.lock_owned().await)
    }

    /// Ends a session; says whether there was one. Its file goes as soon as no request writes to it.
    pub(super) fn close(&self, repository: &Repository, id: &str) -> bool {
        let mut sessions = self.lock();
        match sessions.get(id).is_some_and(|session| session.repository == *repository) {
            true => sessions.remove(id).is_some(),
            false => false,
        }
    }

    /// Ends all sessions that nobody came back to.
    pub(super) fn close_abandoned(&self, after: Duration) {
        self.lock().retain(|_, session| {
            // A session that a request has hold of is in use, however long the request takes.
            session.touched.elapsed() < after || session.received.try_lock().is_err()
        });
    }
}

/// What one request adds to a session.
///
/// It travels into the work that ends it: also if the request is given up meanwhile, nobody else gets at the session.
#[derive(Debug)]
pub(super) struct Append {
    received: OwnedMutexGuard<Option<Received>>,
    file: File,
    size: u64,
    hasher: Hasher,
}

impl Append {
    fn new(received: OwnedMutexGuard<Option<Received>>) -> Result<Self, Refusal> {
        let Some(now) = received.as_ref() else { return Err(Refusal::BlobUploadUnknown) };
        let path: &std::path::Path = &now.path;
        let mut file = OpenOptions::new().read(true).write(true).open(path).at("open", path)?;
        // A request that broke off may have left more.
        file.set_len(now.size).at("shorten", path)?;
        file.seek(SeekFrom::End(0)).at("write", path)?;
        let (size, hasher) = (now.size, now.hasher.clone());
        Ok(Self { received, file, size, hasher })
    }

    /// How many bytes the session has, with those that this request added.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Announces the digest that is expected in the end: with nothing received yet, it need not be read twice.
    pub(super) fn announce(&mut self, digest: &Digest) {
        if self.size == 0 {
            self.hasher = digest.hasher();
        }
    }

    /// Adds the next bytes.
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), PathError> {
        if let Some(received) = self.received.as_ref() {
            self.file.write_all(piece).at("write", &received.path)?;
        }
        self.hasher.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }

    /// Makes what came part of the session.
    pub(super) fn accept(mut self) {
        if let Some(received) = self.received.as_mut() {
            received.size = self.size;
            received.hasher = self.hasher;
        }
    }

    /// Ends the session: everything that came becomes a blob of the repository, if it has the digest.
    pub(super) async fn finish(
        mut self,
        store: Arc<Store>,
        repository: Repository,
        provided: Digest,
    ) -> Result<(), Refusal> {
        let Some(received) = self.received.take() else { return Err(Refusal::BlobUploadUnknown) };
        let mismatch = blocking(move || {
            let mut found = self.hasher.finish();
            if found.algorithm() != provided.algorithm() {
                found = digest_again(&mut self.file, provided.hasher()).at("read", &received.path)?;
            }
            if found != provided {
                return Ok(Some(Refusal::DigestMismatch { provided, found }));
            }
            store.keep(&self.file, received.path, &provided)?;
            store.add_blob(&repository, &provided)?;
            Ok(None)
        });
        mismatch.await?.map_or(Ok(()), Err)
    }
}

/// For chunks that came before it was known that they would be wanted by another algorithm than SHA-256.
fn digest_again(file: &mut File, mut hasher: Hasher) -> std::io::Result<Digest> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn abandoned_sessions_go_with_their_files_unless_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let files = || std::fs::read_dir(dir.path().join("uploads")).unwrap().count();
        let (sessions, name) = (Sessions::default(), "a".parse().unwrap());
        let (idle, used) = (sessions.open(&store, &name).unwrap(), sessions.open(&store, &name).unwrap());
        let mut append = sessions.append(&name, &used).await.unwrap();

        sessions.close_abandoned(ABANDONED);
        assert_eq!(files(), 2);
        sessions.close_abandoned(Duration::ZERO);
        assert_eq!(files(), 1);
        assert!(sessions.size(&name, &idle).await.is_err());

        append.write(b"chart").unwrap();
        append.accept();
        assert_eq!(sessions.size(&name, &used).await.unwrap(), 5);
        sessions.close_abandoned(Duration::ZERO);
        assert_eq!(files(), 0);
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_adds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let (sessions, name) = (Sessions::default(), "a".parse::<Repository>().unwrap());
        let id = sessions.open(&store, &name).unwrap();
        let mut append = sessions.append(&name, &id).await.unwrap();
        append.write(b"wrong and long").unwrap();
        drop(append);
        assert_eq!(sessions.size(&name, &id).await.unwrap(), 0);

        let mut append = sessions.append(&name, &id).await.unwrap();
        append.write(b"chart").unwrap();
        append.finish(Arc::clone(&store), name.clone(), Digest::of(b"chart")).await.unwrap();
        assert_eq!(store.open_blob(&name, &Digest::of(b"chart")).unwrap().unwrap().1, 5);
    }
}
