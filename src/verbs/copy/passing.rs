//! Streams a blob from one registry to another through memory, piece by piece.
//!
//! A thread downloads, and the upload reads the pieces that it passes on. The last piece is passed on only when the
//! whole blob has been verified, so no upload of wrong content is ever finished.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::rate::Throttle;
use crate::digest::{Digest, Hasher};
use crate::http::{BodySource, Sink};
use crate::manifest::Descriptor;
use crate::registry::{self, RepositoryClient};
use crate::threads::locked;

/// A blob that is downloaded while it is read.
pub(in crate::verbs) struct Passing {
    from: RepositoryClient,
    blob: Descriptor,
    throttle: Option<Arc<Throttle>>,
    failure: Arc<Mutex<Option<PassingFailure>>>,
}

/// Why the source did not deliver all of a blob.
pub(in crate::verbs) struct PassingFailure {
    pub(in crate::verbs) error: registry::RegistryError,
    /// Whether to fetch the whole blob again: a part of it was passed on, and then the download had to start again.
    pub(in crate::verbs) is_worth_another: bool,
}

impl Passing {
    pub(in crate::verbs) fn new(
        from: &RepositoryClient,
        blob: &Descriptor,
        throttle: Option<&Arc<Throttle>>,
    ) -> Self {
        let (blob, throttle) = (blob.clone(), throttle.cloned());
        Self { from: from.clone(), blob, throttle, failure: Arc::default() }
    }

    /// The error of the source, if there is one.
    pub(in crate::verbs) fn failure(&self) -> Option<PassingFailure> {
        locked(&self.failure).take()
    }
}

impl BodySource for Passing {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let (sender, receiver) = sync_channel(1);
        let (from, blob, failure) = (self.from.clone(), self.blob.clone(), Arc::clone(&self.failure));
        *locked(&failure) = None;
        let download = move || {
            let hasher = blob.digest.hasher();
            let mut pieces = Pieces {
                blob: &blob,
                to: sender,
                last: Vec::new(),
                held: 0,
                passed_on: 0,
                hasher,
                is_torn: false,
            };
            match from.fetch_blob(&blob, &mut pieces) {
                Ok(()) => pieces.finish(),
                // Stored before the channel closes, so that a reader that misses the end finds the reason.
                Err(error) if !pieces.is_unread() => {
                    let is_worth_another = pieces.is_torn;
                    *locked(&failure) = Some(PassingFailure { error, is_worth_another });
                }
                Err(_) => {}
            }
        };
        thread::Builder::new().spawn(download)?;
        let throttle = self.throttle.as_deref();
        Ok(Box::new(Arriving { from: receiver, throttle, piece: Vec::new(), at: 0, is_whole: false }))
    }
}

/// A piece of a blob, or its end.
enum Piece {
    Bytes(Vec<u8>),
    /// The whole blob has come, and is verified.
    End,
}

/// The downloading side.
struct Pieces<'a> {
    blob: &'a Descriptor,
    to: SyncSender<Piece>,
    /// The last piece, which is not passed on yet.
    last: Vec<u8>,
    held: u64,
    passed_on: u64,
    hasher: Hasher,
    /// Whether the download had to start again after some pieces were passed on.
    is_torn: bool,
}

impl Pieces<'_> {
    fn finish(self) {
        let last = self.last;
        if last.is_empty() || self.to.send(Piece::Bytes(last)).is_ok() {
            // If the upload has failed meanwhile, it reports that itself.
            let _ = self.to.send(Piece::End);
        }
    }

    /// Whether nobody reads the pieces any more.
    fn is_unread(&self) -> bool {
        self.held > self.passed_on + self.last.len() as u64
    }
}

impl Sink for Pieces<'_> {
    fn held(&self) -> u64 {
        self.held
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.held += bytes.len() as u64;
        let before = std::mem::replace(&mut self.last, bytes.to_vec());
        if before.is_empty() {
            return Ok(());
        }
        let size = before.len() as u64;
        self.to.send(Piece::Bytes(before)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.passed_on += size;
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        if self.passed_on > 0 {
            self.is_torn = true;
            return Err(io::Error::other("the download began again, and a part of it had been passed on"));
        }
        self.hasher = self.blob.digest.hasher();
        self.last.clear();
        self.held = 0;
        Ok(())
    }

    fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }
}

/// The uploading side.
struct Arriving<'a> {
    from: Receiver<Piece>,
    throttle: Option<&'a Throttle>,
    piece: Vec<u8>,
    at: usize,
    is_whole: bool,
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if self.is_whole {
                return Ok(0);
            }
            match self.from.recv() {
                Ok(Piece::Bytes(bytes)) => (self.piece, self.at) = (bytes, 0),
                Ok(Piece::End) => self.is_whole = true,
                Err(_) => {
                    return Err(io::Error::other("the registry that it comes from has not given all of it"));
                }
            }
        }
        let mut rest = self.piece.get(self.at..).unwrap_or_default();
        let most = self.throttle.map_or(buffer.len(), |throttle| throttle.piece(buffer.len()));
        let read = rest.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.at += read;
        if let Some(throttle) = self.throttle {
            throttle.pass(read);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_arrives_goes_on_at_the_rate_that_is_allowed() {
        let throttle = Throttle::new(NonZeroU64::new(8_000_000).unwrap());
        let (sender, from) = sync_channel(4);
        for _ in 0..2 {
            sender.send(Piece::Bytes(vec![7; 1_200_000])).unwrap();
        }
        sender.send(Piece::End).unwrap();
        let throttled = Some(&throttle);
        let mut arriving = Arriving { from, throttle: throttled, piece: Vec::new(), at: 0, is_whole: false };
        let (mut buffer, mut sizes) = (vec![0; 2_000_000], Vec::new());
        while let read @ 1.. = arriving.read(&mut buffer).unwrap() {
            sizes.push(read);
        }
        // Pieces of an eighth of a second each.
        assert_eq!(sizes, [1_000_000, 200_000, 1_000_000, 200_000]);
        assert!(throttle.paid_at() >= Duration::from_millis(300));
    }
}
