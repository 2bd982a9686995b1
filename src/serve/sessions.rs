//! Upload sessions: uploads that take several requests. They end with the process.
//!
//! A session that its client has left never causes another to be refused. The number of sessions is limited, and so are
//! the bytes of idle ones; if the disk is full, idle ones are dropped. The session that no request has used for longest
//! goes first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::append::{Append, Received};
use super::refusal::RequestRefusal;
use super::store::RegistryStore;
use crate::disk::PathError;
use crate::reference::Repository;
use crate::threads::locked;

/// The most open sessions: more than honest clients have at once. Each takes at most one KiB of memory.
const MAX_SESSIONS: usize = 5_000;
/// The most open sessions of one repository.
const MAX_OF_REPOSITORY: usize = 1_000;
/// How many bytes of sessions are kept that no request has used for [`IDLE`].
const MAX_IDLE_BYTES: u64 = 4 << 30;
/// Longer than a client that is at work pauses between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// A session that no request has used for this long is abandoned.
pub(super) const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// All open sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<String, ServedSession>>,
    /// How many bytes all uploads have together, including those without a session.
    total: Arc<AtomicU64>,
}

#[derive(Debug)]
struct ServedSession {
    repository: Repository,
    /// `None` once the upload has ended. A request holds the lock while it works on the session.
    received: Arc<tokio::sync::Mutex<Option<Received>>>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, ServedSession>> {
        locked(&self.open)
    }

    /// Opens a session and returns its id. `Busy` if there are too many and none may be ended.
    pub(super) fn open(&self, repository: &Repository) -> Result<String, RequestRefusal> {
        let mut sessions = self.lock();
        if sessions.len() >= MAX_OF_REPOSITORY {
            let ours = |session: &ServedSession| session.repository == *repository;
            let here = sessions.values().filter(|session| ours(session)).count();
            let is_room = (here < MAX_OF_REPOSITORY || end_idlest(&mut sessions, |session, _| ours(session)))
                && (sessions.len() < MAX_SESSIONS || end_idlest(&mut sessions, |_, _| true));
            if !is_room {
                return Err(RequestRefusal::Busy);
            }
        }
        // "The <location> MUST contain a UUID representing a unique session ID."
        let id = Uuid::new_v4().to_string();
        let received = Arc::new(tokio::sync::Mutex::new(Some(Received::nothing(&self.total))));
        sessions.insert(id.clone(), ServedSession { repository: repository.clone(), received });
        Ok(id)
    }

    /// Locks a session for one request.
    async fn take(
        &self,
        repository: &Repository,
        id: &str,
    ) -> Result<OwnedMutexGuard<Option<Received>>, RequestRefusal> {
        let received = {
            let sessions = self.lock();
            let session = sessions.get(id).filter(|session| session.repository == *repository);
            Arc::clone(&session.ok_or(RequestRefusal::BlobUploadUnknown)?.received)
        };
        let received = received.lock_owned().await;
        // The request that held it before may have ended it.
        if received.is_none() { Err(RequestRefusal::BlobUploadUnknown) } else { Ok(received) }
    }

    /// How many bytes a session has received.
    pub(super) async fn size(&self, repository: &Repository, id: &str) -> Result<u64, RequestRefusal> {
        let received = self.take(repository, id).await?;
        received.as_ref().map(Received::size).ok_or(RequestRefusal::BlobUploadUnknown)
    }

    /// Continues a session with another request.
    pub(super) async fn append(
        &self,
        store: &RegistryStore,
        repository: &Repository,
        id: &str,
    ) -> Result<Append, RequestRefusal> {
        self.begin(store, self.take(repository, id).await?)
    }

    /// Begins an upload that comes in one request, without a session.
    pub(super) async fn whole(&self, store: &RegistryStore) -> Result<Append, RequestRefusal> {
        let received = Arc::new(tokio::sync::Mutex::new(Some(Received::nothing(&self.total))));
        self.begin(store, received.lock_owned().await)
    }

    fn begin(
        &self,
        store: &RegistryStore,
        mut received: OwnedMutexGuard<Option<Received>>,
    ) -> Result<Append, RequestRefusal> {
        let file = self.with_room(|| received.as_mut().map(|received| received.open(store)).transpose())?;
        Append::new(received, file)
    }

    /// Adds the next bytes of a request. If the disk is full, idle sessions are ended to make room.
    pub(super) fn write(&self, append: &mut Append, piece: &[u8]) -> Result<(), PathError> {
        self.with_room(|| append.write(piece))
    }

    /// Makes the bytes of a request part of its session. Idle sessions end if they have too many bytes together.
    pub(super) fn accept(&self, append: Append) {
        append.accept();
        let idle = |_: &ServedSession, received: &Received| received.touched().elapsed() >= IDLE;
        while self.total.load(Ordering::Relaxed) > MAX_IDLE_BYTES && end_idlest(&mut self.lock(), idle) {}
    }

    /// Does work that needs room on the disk. As long as there is none, sessions that no request uses are ended one by
    /// one.
    pub(super) fn with_room<T>(
        &self,
        mut work: impl FnMut() -> Result<T, PathError>,
    ) -> Result<T, PathError> {
        loop {
            match work() {
                Err(e) if e.is_full() && self.make_room() => {}
                result => return result,
            }
        }
    }

    /// Ends the session with bytes that no request has used for longest. Returns whether there was one.
    fn make_room(&self) -> bool {
        end_idlest(&mut self.lock(), |_, received| received.size() > 0)
    }

    /// Ends a session, and returns whether there was one. Its file is deleted as soon as no request writes to it.
    pub(super) fn close(&self, repository: &Repository, id: &str) -> bool {
        let mut sessions = self.lock();
        match sessions.get(id).is_some_and(|session| session.repository == *repository) {
            true => sessions.remove(id).is_some(),
            false => false,
        }
    }

    /// Ends all sessions that no request has used for this long.
    pub(super) fn close_abandoned(&self, after: Duration) {
        self.lock().retain(|_, session| match session.received.try_lock() {
            Ok(received) => received.as_ref().is_some_and(|received| received.touched().elapsed() < after),
            // A locked session is in use, even if the request takes long.
            Err(_) => true,
        });
    }
}

/// Ends the session that no request has used for longest, among those that `may_go` accepts. Returns whether there was
/// one.
fn end_idlest(
    sessions: &mut HashMap<String, ServedSession>,
    may_go: impl Fn(&ServedSession, &Received) -> bool,
) -> bool {
    let mut idlest: Option<(Instant, &String)> = None;
    for (id, session) in &*sessions {
        let Ok(received) = session.received.try_lock() else { continue };
        if let Some(received) = received.as_ref()
            && idlest.is_none_or(|(earliest, _)| received.touched() < earliest)
            && may_go(session, received)
        {
            idlest = Some((received.touched(), id));
        }
    }
    let Some(id) = idlest.map(|(_, id)| id.clone()) else { return false };
    if let Some(session) = sessions.remove(&id)
        && let Ok(mut received) = session.received.try_lock()
    {
        // A request that waits for this session then sees that it has ended.
        received.take();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn at_work() -> (tempfile::TempDir, RegistryStore, Sessions) {
        let dir = tempfile::tempdir().unwrap();
        let store = RegistryStore::open(dir.path()).unwrap();
        (dir, store, Sessions::default())
    }

    fn bytes(dir: &tempfile::TempDir) -> Vec<u64> {
        let files = std::fs::read_dir(dir.path().join("uploads")).unwrap();
        let mut sizes: Vec<_> = files.map(|file| file.unwrap().metadata().unwrap().len()).collect();
        sizes.sort_unstable();
        sizes
    }

    #[tokio::test]
    async fn abandoned_sessions_go_with_their_files_unless_in_use() {
        let (dir, store, sessions) = at_work();
        let name = "a".parse().unwrap();
        let (idle, used) = (sessions.open(&name).unwrap(), sessions.open(&name).unwrap());
        assert!(bytes(&dir).is_empty());
        let mut append = sessions.append(&store, &name, &idle).await.unwrap();
        append.write(b"idle").unwrap();
        sessions.accept(append);
        let mut append = sessions.append(&store, &name, &used).await.unwrap();

        sessions.close_abandoned(ABANDONED);
        assert_eq!(bytes(&dir), [0, 4]);
        sessions.close_abandoned(Duration::ZERO);
        assert_eq!(bytes(&dir), [0]);
        assert!(sessions.size(&name, &idle).await.is_err());

        append.write(b"chart").unwrap();
        sessions.accept(append);
        assert_eq!(sessions.size(&name, &used).await.unwrap(), 5);
        sessions.close_abandoned(Duration::ZERO);
        assert!(bytes(&dir).is_empty());
        assert_eq!(sessions.total.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_adds_nothing_and_keeps_nothing() {
        let (dir, store, sessions) = at_work();
        let name = "a".parse::<Repository>().unwrap();
        let id = sessions.open(&name).unwrap();
        let mut append = sessions.append(&store, &name, &id).await.unwrap();
        append.write(b"wrong and long").unwrap();
        drop(append);
        assert_eq!(sessions.size(&name, &id).await.unwrap(), 0);
        assert!(bytes(&dir).is_empty());

        let mut append = sessions.append(&store, &name, &id).await.unwrap();
        append.write(b"cha").unwrap();
        sessions.accept(append);
        let mut append = sessions.append(&store, &name, &id).await.unwrap();
        append.write(b"wrong again").unwrap();
        drop(append);
        assert_eq!(bytes(&dir), [3]);
        let mut append = sessions.append(&store, &name, &id).await.unwrap();
        append.write(b"rt").unwrap();
        let complete = append.complete(Some(&Digest::of(b"chart"))).unwrap();
        assert_eq!((complete.size, sessions.total.load(Ordering::Relaxed)), (5, 0));
    }

    #[tokio::test]
    async fn who_opens_too_many_sessions_loses_the_oldest_and_keeps_nobody_out() {
        let (_dir, store, sessions) = at_work();
        let (name, other) = ("a".parse().unwrap(), "b".parse().unwrap());
        let elsewhere = sessions.open(&other).unwrap();
        let first = sessions.open(&name).unwrap();
        let used = sessions.open(&name).unwrap();
        let append = sessions.append(&store, &name, &used).await.unwrap();
        let second = sessions.open(&name).unwrap();
        for _ in 3..MAX_OF_REPOSITORY {
            sessions.open(&name).unwrap();
        }
        assert!(sessions.size(&name, &first).await.is_ok());
        sessions.open(&name).unwrap();
        assert!(sessions.size(&name, &first).await.is_err());
        sessions.open(&name).unwrap();
        assert!(sessions.size(&name, &second).await.is_err());
        sessions.accept(append);
        assert!(sessions.size(&name, &used).await.is_ok());
        assert!(sessions.size(&other, &elsewhere).await.is_ok());
        for number in 0..MAX_SESSIONS {
            sessions.open(&format!("c{}", number / 100).parse().unwrap()).unwrap();
        }
        assert_eq!(sessions.lock().len(), MAX_SESSIONS);
        assert!(sessions.size(&other, &elsewhere).await.is_err());
    }

    #[tokio::test]
    async fn sessions_make_room_on_a_full_disk_the_idlest_first() {
        let (dir, store, sessions) = at_work();
        let name = "a".parse().unwrap();
        let mut ids = Vec::new();
        for content in [&b"1"[..], b"22", b"333"] {
            let id = sessions.open(&name).unwrap();
            let mut append = sessions.append(&store, &name, &id).await.unwrap();
            append.write(content).unwrap();
            sessions.accept(append);
            ids.push(id);
        }
        let in_use = sessions.append(&store, &name, &ids[0]).await.unwrap();
        let full = || {
            Err(PathError { verb: "write", path: "x".into(), source: std::io::ErrorKind::StorageFull.into() })
        };
        let mut left = 2;
        let result = sessions.with_room(|| {
            left -= 1;
            if left == 0 { Ok(()) } else { full() }
        });
        assert!(result.is_ok());
        assert_eq!(bytes(&dir), [1, 3]);
        assert!(sessions.with_room(full).is_err());
        assert_eq!(bytes(&dir), [1]);
        drop(in_use);
    }
}
