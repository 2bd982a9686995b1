//! Reads a blob while it is still being downloaded, so that the time of a large download can be used.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::read_at;
use crate::threads::locked;

/// Followers are woken up each time that this many more bytes have come.
const STEP: u64 = 128 << 10;

/// The progress of a blob.
#[derive(Clone, Copy, Debug, Default)]
struct FollowState {
    /// How many bytes are in the file.
    size: u64,
    /// How many times the download started over.
    round: u32,
    end: FollowEnd,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FollowEnd {
    #[default]
    Coming,
    /// All bytes are there, and they have the right digest.
    Complete,
    /// The download failed, and no more bytes will come.
    Abandoned,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<FollowState>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, FollowState> {
        locked(&self.state)
    }

    fn change(&self, change: impl FnOnce(&mut FollowState)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits until there are more than `size` bytes, the download has ended, or it has started over since `round`.
    fn wait(&self, round: u32, size: u64) -> FollowState {
        let nothing_new = |state: &mut FollowState| {
            state.round == round && state.size <= size && state.end == FollowEnd::Coming
        };
        *self.changed.wait_while(self.state(), nothing_new).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side of a blob that can be followed. When it is dropped before the blob is complete, followers stop
/// waiting.
#[derive(Debug, Default)]
pub(super) struct Growth(Arc<Shared>);

impl Growth {
    pub(super) fn reaches(&self, size: u64) {
        let before = std::mem::replace(&mut self.0.state().size, size);
        if size / STEP > before / STEP {
            self.0.changed.notify_all();
        }
    }

    /// Announces that the bytes so far will be removed. Must be called before they are.
    pub(super) fn begins_anew(&self) {
        self.0.change(|state| *state = FollowState { size: 0, round: state.round + 1, end: state.end });
    }

    pub(super) fn is_complete(&self) {
        self.0.change(|state| state.end = FollowEnd::Complete);
    }

    /// A handle by which others can read what the writer writes into `file`.
    pub(super) fn follow(&self, file: Arc<File>) -> Follow {
        Follow { file, shared: Arc::clone(&self.0) }
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        self.0.change(|state| {
            if state.end == FollowEnd::Coming {
                state.end = FollowEnd::Abandoned;
            }
        });
    }
}

/// A blob that is being downloaded, or is complete.
#[derive(Clone, Debug)]
pub struct Follow {
    file: Arc<File>,
    shared: Arc<Shared>,
}

impl Follow {
    /// Calls `look` with a reader of the content as it comes, and once more each time that the download starts over.
    /// Returns the result for the content that is there in the end, or None if the download fails.
    pub fn to_its_end<T>(&self, look: impl Fn(Follower) -> T) -> Option<T> {
        loop {
            let round = self.shared.state().round;
            let follower = Follower { follow: self.clone(), round, at: 0, there: 0 };
            let seen = look(follower);
            match self.shared.wait(round, u64::MAX) {
                FollowState { end: FollowEnd::Abandoned, .. } => return None,
                state if state.round == round => return Some(seen),
                _ => {}
            }
        }
    }
}

/// A reader of a blob as it is downloaded. It waits for bytes that have not come yet, and ends where the blob ends. It
/// waits until two bytes are there before it returns any, except for the last byte.
#[derive(Debug)]
pub struct Follower {
    follow: Follow,
    round: u32,
    at: u64,
    /// How many bytes are known to be there.
    there: u64,
}

impl Follower {
    /// Continues reading at this byte of the blob.
    pub fn go_to(&mut self, at: u64) {
        self.at = at;
    }
}

impl Read for Follower {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at.saturating_add(1) >= self.there {
            let state = self.follow.shared.wait(self.round, self.at.saturating_add(STEP));
            if state.round != self.round || state.end == FollowEnd::Abandoned {
                return Err(io::Error::other("the download was broken off"));
            }
            self.there = state.size;
        }
        let there = usize::try_from(self.there.saturating_sub(self.at))
            .map_or(buffer.len(), |there| there.min(buffer.len()));
        let read = read_at(&self.follow.file, &mut buffer[..there], self.at)?;
        self.at += read as u64;
        match read {
            0 if there > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    struct Coming {
        file: File,
        growth: Growth,
        size: u64,
    }

    impl Coming {
        fn new() -> Self {
            Self { file: tempfile::tempfile().unwrap(), growth: Growth::default(), size: 0 }
        }

        fn follow(&self) -> Follow {
            self.growth.follow(Arc::new(self.file.try_clone().unwrap()))
        }

        fn write(&mut self, bytes: &[u8]) {
            self.file.write_all(bytes).unwrap();
            self.size += bytes.len() as u64;
            self.growth.reaches(self.size);
        }

        fn begin_anew(&mut self) {
            self.growth.begins_anew();
            self.file.set_len(0).unwrap();
            self.file.rewind().unwrap();
            self.size = 0;
        }
    }

    /// Reads everything, and checks that each read returns at least two bytes, except the last one.
    fn all(mut follower: Follower) -> io::Result<Vec<u8>> {
        let (mut all, mut buffer, mut is_last) = (Vec::new(), [0; 1000], false);
        loop {
            let read = follower.read(&mut buffer)?;
            assert!(read == 0 || !is_last, "a read gave one byte, and it was not the last");
            all.extend_from_slice(&buffer[..read]);
            match read {
                0 => return Ok(all),
                read => is_last = read < 2,
            }
        }
    }

    #[test]
    fn all_of_it_is_seen_however_it_comes() {
        let mut coming = Coming::new();
        coming.write(b"before ");
        let follow = coming.follow();
        let seen = thread::spawn(move || follow.to_its_end(all));
        let mut expected = b"before ".to_vec();
        let step = usize::try_from(STEP).unwrap();
        for (piece, size) in
            [1, step - 8, 1, 0, step + 1, step - 1, 1, 2 * step + 3, 999, 1, 7].iter().enumerate()
        {
            let piece = vec![u8::try_from(piece).unwrap(); *size];
            coming.write(&piece);
            expected.extend(piece);
            thread::yield_now();
        }
        coming.growth.is_complete();
        assert!(seen.join().unwrap().unwrap().unwrap() == expected);
        // Following a complete blob gives the same.
        assert!(coming.follow().to_its_end(all).unwrap().unwrap() == expected);
    }

    #[test]
    fn what_has_begun_anew_is_looked_at_anew() {
        let mut coming = Coming::new();
        coming.write(&b"wrong".repeat(STEP as usize));
        let (follow, looks) = (coming.follow(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&looks);
        let seen = thread::spawn(move || {
            follow.to_its_end(|mut follower| {
                let mut first = [0; 5];
                follower.read_exact(&mut first).unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                // This looks before all of it is there.
                first
            })
        });
        while looks.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        coming.begin_anew();
        coming.write(b"right, and more");
        coming.growth.is_complete();
        assert_eq!(seen.join().unwrap().unwrap(), *b"right");
        assert_eq!(looks.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn nobody_waits_for_what_will_never_come() {
        let mut coming = Coming::new();
        coming.write(b"a beginning");
        let follow = coming.follow();
        let seen = thread::spawn(move || follow.to_its_end(all).is_none());
        drop(coming);
        assert!(seen.join().unwrap());
    }
}
