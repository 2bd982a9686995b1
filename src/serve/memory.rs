//! The memory that documents and lists of all requests take together.
//!
//! A request waits for its share before it builds anything. Blobs and manifests are received and sent in small pieces
//! and need no share; what connections take is limited by their number.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::places::Places;
use super::refusal::RequestRefusal;
use crate::limits::SERVER_HELD;

/// The unit in which memory is counted, in bytes.
const UNIT: u64 = 1 << 10;
/// How often a waiting request makes the client leave that is furthest behind.
const MOMENT: Duration = Duration::from_secs(1);
/// After how many such moments a request is refused.
const MOMENTS: u32 = 30;

/// The memory for all requests.
#[derive(Debug)]
pub(super) struct RequestMemory {
    free: Arc<Semaphore>,
    places: Arc<Places>,
}

/// The share of one request. It is returned when this is dropped.
#[derive(Debug)]
pub(super) struct Share(OwnedSemaphorePermit);

impl RequestMemory {
    /// The whole memory. `places` are those of the connections, one of which may have to leave.
    pub(super) fn new(places: Arc<Places>) -> Self {
        let units = usize::try_from(SERVER_HELD / UNIT).unwrap_or(usize::MAX);
        Self { free: Arc::new(Semaphore::new(units)), places }
    }

    /// Waits for this many bytes; `Busy` if they do not become free in time. A request must ask once for all that it
    /// needs: two requests that hold a share and wait for more could wait for each other for ever.
    pub(super) async fn share(&self, bytes: u64) -> Result<Share, RequestRefusal> {
        let mut granted = pin!(Arc::clone(&self.free).acquire_many_owned(units(bytes)));
        for _ in 0..MOMENTS {
            if let Ok(permit) = timeout(MOMENT, &mut granted).await {
                return permit.map(Share).map_err(|_| RequestRefusal::Stopping);
            }
            // Only answers that their clients do not read hold memory for so long.
            self.places.dismiss(false);
        }
        Err(RequestRefusal::Busy)
    }
}

impl Share {
    /// Returns all but this many bytes.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let surplus = self.0.num_permits().saturating_sub(units(bytes) as usize);
        drop(self.0.split(surplus));
    }

    /// Bytes that hold this share until they, and all slices of them, are dropped.
    pub(super) fn hold(mut self, bytes: Vec<u8>) -> Bytes {
        struct Held(Vec<u8>, #[expect(dead_code, reason = "it is there to be dropped")] Share);
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        self.shrink(bytes.capacity() as u64);
        Bytes::from_owner(Held(bytes, self))
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_is_held_until_the_last_piece_is_gone() {
        let memory = RequestMemory::new(Arc::new(Places::new(1)));
        let all = memory.free.available_permits();
        let share = memory.share(SERVER_HELD).await.unwrap();
        assert_eq!(memory.free.available_permits(), 0);
        let waits = timeout(Duration::from_millis(10), memory.share(1)).await;
        assert!(waits.is_err());
        let mut bytes = share.hold(vec![0; 4096]);
        assert_eq!(memory.free.available_permits(), all - 4);
        let piece = bytes.split_to(10);
        drop(bytes);
        assert_eq!(memory.free.available_permits(), all - 4);
        drop(piece);
        assert_eq!(memory.free.available_permits(), all);
    }
}
