//! Limits the number of connections, and decides which one is closed when another comes and the limit is reached.
//!
//! A connection for which the registry is working is never closed. If a connection has to go, it is the one that has
//! been silent for longest between two requests; if none has, the one whose client is furthest behind in the middle of
//! a request. So neither idle connections nor requests that trickle keep others out, and while there is room for all,
//! both may take their time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::threads::locked;

/// For how long a new or idle connection is safe. A client that wants to send a request needs less.
const SILENCE: Duration = Duration::from_secs(2);
/// How far a client in the middle of a request may fall behind [`PACE`]; networks have pauses.
const LAG: Duration = Duration::from_secs(10);
/// The speed that is expected of a client in the middle of a request while others wait for its place, in bytes per
/// second.
const PACE: u32 = 16 << 10;
/// How often a connection that waits for a place tries to make another one leave.
const AGAIN: Duration = Duration::from_millis(100);

/// All places, and the connections that have them.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    guests: Mutex<Guests>,
}

#[derive(Debug, Default)]
struct Guests {
    present: HashMap<u64, Arc<Guest>>,
    /// How many connections have had a place so far.
    count: u64,
}

/// The place of one connection, until this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPlace {
    places: Arc<Places>,
    number: u64,
    guest: Arc<Guest>,
    _permit: OwnedSemaphorePermit,
}

/// The state of a connection.
#[derive(Debug)]
pub(super) struct Guest {
    state: Mutex<PlaceState>,
    asked_to_leave: Notify,
}

#[derive(Clone, Copy, Debug)]
enum PlaceState {
    /// No request is in progress since this moment.
    Silent(Instant),
    /// The client has to send or to read something. It is behind by the time since this moment, which bytes move
    /// forward.
    Awaited {
        since: Instant,
        /// Whether the response has been handed over completely, so that the client only has to read it.
        answered: bool,
    },
    /// The registry is working for it. It was this far behind before.
    Served(Duration),
}

impl Places {
    /// This many places.
    pub(super) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), guests: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        locked(&self.guests)
    }

    /// Waits for a place. If there is none, another connection may have to leave.
    pub(super) async fn enter(self: &Arc<Self>) -> ConnectionPlace {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            self.dismiss(true);
            if let Ok(Ok(permit)) = timeout(AGAIN, Arc::clone(&self.free).acquire_owned()).await {
                break permit;
            }
        };
        let guest = Arc::new(Guest {
            state: Mutex::new(PlaceState::Silent(Instant::now())),
            asked_to_leave: Notify::new(),
        });
        let mut guests = self.lock();
        guests.count += 1;
        let number = guests.count;
        guests.present.insert(number, Arc::clone(&guest));
        ConnectionPlace { places: Arc::clone(self), number, guest, _permit: permit }
    }

    /// Asks one connection to leave: the one that has been silent for longest, if `silent` is set and there is one;
    /// otherwise the one that is furthest behind. None, if none is silent or behind for long enough.
    pub(super) fn dismiss(&self, silent: bool) {
        let now = Instant::now();
        let guests = self.lock();
        let longest = |idle: fn(&Guest, Instant) -> Option<Duration>| {
            let idle = guests.present.values().filter_map(|guest| Some((idle(guest, now)?, guest)));
            idle.max_by_key(|(idle, _)| *idle).map(|(_, guest)| guest)
        };
        let of_the_silent = if silent { longest(Guest::silence) } else { None };
        if let Some(guest) = of_the_silent.or_else(|| longest(Guest::lag)) {
            guest.asked_to_leave.notify_one();
        }
    }
}

impl ConnectionPlace {
    /// The state of the connection that has this place.
    pub(super) fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.places.lock().present.remove(&self.number);
    }
}

impl Guest {
    fn lock(&self) -> MutexGuard<'_, PlaceState> {
        locked(&self.state)
    }

    /// Returns when the connection has to leave. The caller must first process what has arrived: the client may have
    /// sent something that the registry has not seen yet.
    pub(super) async fn leaves(&self) {
        loop {
            self.asked_to_leave.notified().await;
            let now = Instant::now();
            if self.silence(now).or_else(|| self.lag(now)).is_some() {
                return;
            }
        }
    }

    /// A request has come, so the registry has work to do.
    pub(super) fn has_asked(&self) {
        *self.lock() = PlaceState::Served(Duration::ZERO);
    }

    /// A piece of a request's body has come, or its end.
    pub(super) fn has_sent(&self, bytes: usize) {
        let mut state = self.lock();
        if let PlaceState::Awaited { since, .. } = *state {
            *state = PlaceState::Served(moved_on(since, bytes).elapsed());
        }
    }

    /// The registry cannot continue before the client sends more.
    pub(super) fn is_to_send(&self) {
        self.await_client(false);
    }

    /// The registry has an answer, which the client has to read.
    pub(super) fn is_to_take(&self) {
        self.await_client(false);
    }

    /// The whole answer has been handed over.
    pub(super) fn is_answered(&self) {
        self.await_client(true);
    }

    fn await_client(&self, answered: bool) {
        let mut state = self.lock();
        *state = match *state {
            PlaceState::Served(lag) => {
                let since = Instant::now().checked_sub(lag).unwrap_or_else(Instant::now);
                PlaceState::Awaited { since, answered }
            }
            PlaceState::Awaited { since, .. } => PlaceState::Awaited { since, answered },
            PlaceState::Silent(since) => PlaceState::Silent(since),
        };
    }

    /// The client has read a part of the answer.
    pub(super) fn has_taken(&self, bytes: usize) {
        let mut state = self.lock();
        if let PlaceState::Awaited { since, answered } = *state {
            *state = PlaceState::Awaited { since: moved_on(since, bytes), answered };
        }
    }

    /// The client has read everything that was written.
    pub(super) fn has_taken_all(&self) {
        let mut state = self.lock();
        if let PlaceState::Awaited { answered: true, .. } = *state {
            *state = PlaceState::Silent(Instant::now());
        }
    }

    /// For how long it has been silent, if that is long enough to close it.
    fn silence(&self, now: Instant) -> Option<Duration> {
        match *self.lock() {
            PlaceState::Silent(since) => {
                Some(now.saturating_duration_since(since)).filter(|idle| *idle >= SILENCE)
            }
            _ => None,
        }
    }

    /// How far it is behind, if that is far enough to close it.
    fn lag(&self, now: Instant) -> Option<Duration> {
        match *self.lock() {
            PlaceState::Awaited { since, .. } => {
                Some(now.saturating_duration_since(since)).filter(|lag| *lag >= LAG)
            }
            _ => None,
        }
    }
}

/// Moves the moment forward by the time that these bytes may take, and not beyond now: having been fast does not allow
/// a client to be slow later on.
fn moved_on(since: Instant, bytes: usize) -> Instant {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    (since + Duration::from_secs(1) * bytes / PACE).min(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(guest: &Guest, seconds: u64) {
        let since = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let mut state = guest.lock();
        *state = match *state {
            PlaceState::Silent(_) => PlaceState::Silent(since),
            PlaceState::Awaited { answered, .. } => PlaceState::Awaited { since, answered },
            other => other,
        };
    }

    async fn is_leaving(place: &ConnectionPlace) -> bool {
        timeout(Duration::ZERO, place.guest().leaves()).await.is_ok()
    }

    #[tokio::test]
    async fn who_is_silent_longest_goes_first_then_who_is_slowest_and_who_is_served_never() {
        let places = Arc::new(Places::new(4));
        let (silent, longer) = (places.enter().await, places.enter().await);
        let (slow, served) = (places.enter().await, places.enter().await);
        behind(silent.guest(), 5);
        behind(longer.guest(), 9);
        slow.guest().has_asked();
        slow.guest().is_to_send();
        behind(slow.guest(), 60);
        behind(served.guest(), 90);
        served.guest().has_asked();

        for one in [longer, silent, slow] {
            places.dismiss(true);
            assert!(is_leaving(&one).await);
            drop(one);
        }
        places.dismiss(true);
        assert!(!is_leaving(&served).await);
        // Places are free now, and no connection has to leave.
        timeout(Duration::from_secs(60), places.enter()).await.unwrap();
    }

    #[tokio::test]
    async fn bytes_make_up_for_time() {
        let places = Arc::new(Places::new(1));
        let place = places.enter().await;
        let guest = place.guest();
        let lag = || guest.lag(Instant::now());
        guest.has_asked();
        guest.is_to_send();
        behind(guest, 30);
        assert!(lag().is_some());
        guest.has_sent(PACE as usize * 5);
        guest.is_to_send();
        assert!(lag().is_some_and(|lag| lag.as_secs() == 25), "{:?}", lag());
        guest.has_sent(PACE as usize * 500);
        guest.is_to_take();
        assert_eq!(lag(), None);
        behind(guest, 30);
        guest.has_taken(PACE as usize * 25);
        assert_eq!(lag(), None);
        // Everything that was handed over has been read: the client may send the next request, or none.
        guest.has_taken_all();
        assert!(matches!(*guest.lock(), PlaceState::Awaited { .. }));
        guest.is_answered();
        guest.has_taken_all();
        assert!(matches!(*guest.lock(), PlaceState::Silent(_)));
    }

    #[tokio::test]
    async fn a_new_connection_has_its_moment() {
        let places = Arc::new(Places::new(1));
        let place = places.enter().await;
        places.dismiss(true);
        assert!(!is_leaving(&place).await);
        // So does a connection whose request arrived before it could be asked to leave.
        behind(place.guest(), 5);
        places.dismiss(true);
        place.guest().has_asked();
        assert!(!is_leaving(&place).await);
    }
}
