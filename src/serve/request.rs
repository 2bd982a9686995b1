//! Requests: their bodies, which must not come too slowly, and the parameters of their queries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use super::places::Guest;
use super::refusal::RequestRefusal;

/// A body may pause for so long, and has to bring [`LEAST`] bytes, or its end, within so long: about 1 KiB a second. A client
/// on a bad network does; one that holds a connection for nothing does not get to keep it. Only the time counts that the
/// registry waits.
const PATIENCE: Duration = Duration::from_secs(60);
const LEAST: usize = 64 << 10;
/// An unread rest up to here is read and dropped, so that the connection can be used again.
const SMALL: u64 = 256 << 10;

/// How much time a body has yet.
#[derive(Debug, Default)]
struct BodyPace {
    /// How long was waited for how many bytes, since there were last enough of them.
    waited: Duration,
    brought: usize,
}

impl BodyPace {
    /// How long may be waited for more.
    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.waited)
    }

    /// So many bytes have come, after so long.
    fn came(&mut self, bytes: usize, after: Duration) {
        self.waited += after;
        self.brought += bytes;
        if self.brought >= LEAST {
            *self = Self::default();
        }
    }
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    guest: Arc<Guest>,
    /// The client waits for `100 Continue`, which hyper sends once the body is first asked for (RFC 9110 10.1.1).
    waiting: bool,
    ended: bool,
    pace: BodyPace,
    received: u64,
}

impl RequestBody {
    /// A body of which nothing was read.
    pub(super) fn new(incoming: Incoming, waiting: bool, guest: Arc<Guest>) -> Self {
        let ended = incoming.is_end_stream();
        Self { incoming, guest, waiting, ended, pace: BodyPace::default(), received: 0 }
    }

    /// What Content-Length says, if it is there.
    pub(super) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// How many bytes of it have come.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The next piece, or `None` after the last.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, RequestRefusal> {
        self.waiting = false;
        while !self.ended {
            self.guest.is_to_send();
            let began = Instant::now();
            let frame = timeout(self.pace.left(), self.incoming.frame()).await;
            let piece = match frame {
                Err(_) => return Err(RequestRefusal::BodyLate),
                Ok(Some(Err(_))) => return Err(RequestRefusal::BodyBroken),
                Ok(None) => {
                    self.ended = true;
                    None
                }
                // Trailers are no content.
                Ok(Some(Ok(frame))) => frame.into_data().ok(),
            };
            let length = piece.as_ref().map_or(0, Bytes::len);
            self.guest.has_sent(length);
            self.received += length as u64;
            self.pace.came(length, began.elapsed());
            if piece.is_some() {
                return Ok(piece);
            }
        }
        Ok(None)
    }

    /// Reads what no handler wanted, if it is little. Says whether the connection is at the next request.
    pub(super) async fn drain(&mut self) -> bool {
        if self.waiting || self.length().is_some_and(|length| length > SMALL) {
            return self.ended;
        }
        let rest = async {
            let mut seen = 0;
            while let Ok(Some(piece)) = self.piece().await {
                seen += piece.len() as u64;
                if seen > SMALL {
                    break;
                }
            }
            self.ended
        };
        timeout(Duration::from_secs(1), rest).await.unwrap_or(false)
    }
}

/// The first value of a parameter in a query.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    parameters(query, name).next()
}

/// All values of a parameter in a query.
pub(super) fn parameters<'a>(query: Option<&'a str>, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(move |(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_trickles_runs_out_of_time_and_one_that_flows_does_not() {
        let second = Duration::from_secs(1);
        let mut pace = BodyPace::default();
        let trickled = (0..1000).take_while(|_| {
            pace.came(1, second);
            !pace.left().is_zero()
        });
        assert_eq!(trickled.count(), 59);
        let mut pace = BodyPace::default();
        for _ in 0..1000 {
            pace.came(2 << 10, second);
            assert!(!pace.left().is_zero());
        }
        // A pause is none of its own, but counts until there is enough.
        pace.came(LEAST, PATIENCE);
        assert_eq!(pace.left(), PATIENCE);
    }
}
