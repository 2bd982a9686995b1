//! The bodies of requests, which must not come too slowly, and the parameters of queries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use super::places::Guest;
use super::refusal::RequestRefusal;

/// How long a body may pause, and the time in which it has to bring [`LEAST`] bytes or end: about 1 KiB per second. A
/// client on a bad network manages that; one that only keeps a connection occupied does not. Only the time that the
/// registry spends waiting counts.
const PATIENCE: Duration = Duration::from_secs(60);
const LEAST: usize = 64 << 10;
/// An unread rest of a body of up to this many bytes is read and dropped, so that the connection can be used again.
const SMALL: u64 = 256 << 10;

/// How long a body may still take.
#[derive(Debug, Default)]
struct BodyPace {
    /// How long was waited, and how many bytes came, since [`LEAST`] bytes were last complete.
    waited: Duration,
    brought: usize,
}

impl BodyPace {
    /// How long to wait for more bytes.
    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.waited)
    }

    /// Counts bytes that came after this wait.
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
    /// Whether the client waits for `100 Continue`, which hyper sends when the body is first read (RFC 9110 10.1.1).
    waiting: bool,
    ended: bool,
    pace: BodyPace,
    received: u64,
}

impl RequestBody {
    /// A body of which nothing has been read.
    pub(super) fn new(incoming: Incoming, waiting: bool, guest: Arc<Guest>) -> Self {
        let ended = incoming.is_end_stream();
        Self { incoming, guest, waiting, ended, pace: BodyPace::default(), received: 0 }
    }

    /// The value of Content-Length, if there is one.
    pub(super) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// How many bytes of the body have come.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The next piece of the body; `None` after the last.
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
                // Trailers are not content.
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

    /// Reads and drops what the handler has not read, if it is little. Returns whether the body has ended, so that the
    /// next request can follow.
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
        // A pause does not start the time anew, but counts until there are enough bytes.
        pace.came(LEAST, PATIENCE);
        assert_eq!(pace.left(), PATIENCE);
    }
}
