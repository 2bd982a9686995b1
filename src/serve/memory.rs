//! Memory: what documents and lists take, of all requests together.
//!
//! A request waits for its part before it builds anything. Blobs and manifests pass through in small pieces and need none;
//! what connections take by themselves is bounded by their number.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::places::Places;
use super::refusal::RequestRefusal;
use crate::limits::SERVER_HELD;

/// Memory is counted in these.
const UNIT: u64 = 1 << 10;
/// So often, while a request waits, the client that holds others up most is made to go.
const MOMENT: Duration = Duration::from_secs(1);
/// After so many moments, a request is refused.
const MOMENTS: u32 = 30;

/// What there is for all requests.
#[derive(Debug)]
pub(super) struct RequestMemory {
    free: Arc<Semaphore>,
    places: Arc<Places>,
}

/// A request's part, until this is dropped.
#[derive(Debug)]
pub(super) struct Share(OwnedSemaphorePermit);

impl RequestMemory {
    /// All of it, for the connections that have these places.
    pub(super) fn new(places: Arc<Places>) -> Self {
        let units = usize::try_from(SERVER_HELD / UNIT).unwrap_or(usize::MAX);
        Self { free: Arc::new(Semaphore::new(units)), places }
    }

    /// Waits for so many bytes. A request asks once, for all that it will need: two that have a part each and wait for the
    /// other's would wait for ever.
    pub(super) async fn share(&self, bytes: u64) -> Result<Share, RequestRefusal> {
        let mut granted = pin!(Arc::clone(&self.free).acquire_many_owned(units(bytes)));
        for _ in 0..MOMENTS {
            if let Ok(permit) = timeout(MOMENT, &mut granted).await {
                return permit.map(Share).map_err(|_| RequestRefusal::Stopping);
            }
            // Only answers that their clients do not read are held for longer.
            self.places.dismiss(false);
        }
        Err(RequestRefusal::Busy)
    }
}

impl Share {
    /// Gives back all but so many bytes.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let surplus = self.0.num_permits().saturating_sub(units(bytes) as usize);
        drop(self.0.split(surplus));
    }

    /// Bytes that hold this until they, and all that is cut from them, are dropped.
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
