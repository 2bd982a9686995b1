//! Places: how many connections there may be at once, and which one ends when another comes and there is none left.
//!
//! A connection that the registry has work for is never ended. One whose client is to do something, and does not, is: where
//! no place is left, the one goes first that has been silent for longest between two requests, and then the one that has
//! fallen behind most in the middle of one. So neither connections without requests nor requests that trickle keep others
//! out, and where there is room for all, both may take their time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::threads::locked;

/// A client that has a place to itself needs less to send a request. For so long a new connection is safe.
const SILENCE: Duration = Duration::from_secs(2);
/// In the middle of a request, a client may fall behind [`PACE`] by so much; networks have pauses.
const LAG: Duration = Duration::from_secs(10);
/// What is expected of a client in the middle of a request while others wait for its place, in bytes a second.
const PACE: u32 = 16 << 10;
/// How often it is looked again whose place could be had.
const AGAIN: Duration = Duration::from_millis(100);

/// All places, and who has them.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    guests: Mutex<Guests>,
}

#[derive(Debug, Default)]
struct Guests {
    present: HashMap<u64, Arc<Guest>>,
    /// How many there ever were.
    count: u64,
}

/// One connection's place, until this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPlace {
    places: Arc<Places>,
    number: u64,
    guest: Arc<Guest>,
    _permit: OwnedSemaphorePermit,
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Guest {
    state: Mutex<PlaceState>,
    asked_to_leave: Notify,
}

#[derive(Clone, Copy, Debug)]
enum PlaceState {
    /// Since then, there is no request.
    Silent(Instant),
    /// The client is to send or to take something. It is as far behind as this lies back: bytes move it on.
    Awaited {
        since: Instant,
        /// Whether the response has been handed over, and all that is left is to take it.
        answered: bool,
    },
    /// The registry is at work for it. It was so far behind before.
    Served(Duration),
}

impl Places {
    /// So many places.
    pub(super) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), guests: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        locked(&self.guests)
    }

    /// Waits for a place. Where there is none, another connection may have to end for it.
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

    /// Asks one connection to end: a silent one, if that is of use; else the one that has fallen behind most.
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
    /// Who has it.
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

    /// Returns when the connection is to end. The caller looks first whether there is anything to do for it: its client may have
    /// sent something that the registry has had no time for yet.
    pub(super) async fn leaves(&self) {
        loop {
            self.asked_to_leave.notified().await;
            let now = Instant::now();
            if self.silence(now).or_else(|| self.lag(now)).is_some() {
                return;
            }
        }
    }

    /// A request has come: the registry has work to do.
    pub(super) fn has_asked(&self) {
        *self.lock() = PlaceState::Served(Duration::ZERO);
    }

    /// A part of a request's body has come, or its end.
    pub(super) fn has_sent(&self, bytes: usize) {
        let mut state = self.lock();
        if let PlaceState::Awaited { since, .. } = *state {
            *state = PlaceState::Served(moved_on(since, bytes).elapsed());
        }
    }

    /// The registry can do nothing before the client sends more.
    pub(super) fn is_to_send(&self) {
        self.await_client(false);
    }

    /// The registry has given its answer, which the client is to take.
    pub(super) fn is_to_take(&self) {
        self.await_client(false);
    }

    /// All of the answer is on its way.
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

    /// The client has taken a part of the answer.
    pub(super) fn has_taken(&self, bytes: usize) {
        let mut state = self.lock();
        if let PlaceState::Awaited { since, answered } = *state {
            *state = PlaceState::Awaited { since: moved_on(since, bytes), answered };
        }
    }

    /// The client has taken all that there was to send.
    pub(super) fn has_taken_all(&self) {
        let mut state = self.lock();
        if let PlaceState::Awaited { answered: true, .. } = *state {
            *state = PlaceState::Silent(Instant::now());
        }
    }

    /// How long it has been silent, if that is long enough to end it.
    fn silence(&self, now: Instant) -> Option<Duration> {
        match *self.lock() {
            PlaceState::Silent(since) => {
                Some(now.saturating_duration_since(since)).filter(|idle| *idle >= SILENCE)
            }
            _ => None,
        }
    }

    /// How far it is behind, if that is far enough to end it.
    fn lag(&self, now: Instant) -> Option<Duration> {
        match *self.lock() {
            PlaceState::Awaited { since, .. } => {
                Some(now.saturating_duration_since(since)).filter(|lag| *lag >= LAG)
            }
            _ => None,
        }
    }
}

/// Bytes make up for the time that they may take, and for no more: who was fast is not allowed to be slow later on.
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
        // There are places now; and nobody is in the way.
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
        // All that has been handed over is taken: the client may ask for something else, or nothing.
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
        // So has one whose request has come before it could be asked to leave.
        behind(place.guest(), 5);
        places.dismiss(true);
        place.guest().has_asked();
        assert!(!is_leaving(&place).await);
    }
}
