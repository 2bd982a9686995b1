//! Requests: their bodies, with limits on patience, and the parameters of their queries.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::timeout;

use super::refusal::Refusal;

/// How long a body may pause. A client on a bad network gets on within that; one that holds a connection for nothing
/// does not get to keep it.
const IDLE: Duration = Duration::from_secs(60);
/// An unread rest up to here is read and dropped, so that the connection can be used again.
const SMALL: u64 = 256 << 10;

/// The body of a request.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    /// The client waits for `100 Continue`, which hyper sends once the body is first asked for (RFC 9110 10.1.1).
    waiting: bool,
    ended: bool,
}

impl RequestBody {
    /// A body of which nothing was read.
    pub(super) fn new(incoming: Incoming, waiting: bool) -> Self {
        let ended = incoming.is_end_stream();
        Self { incoming, waiting, ended }
    }

    /// What Content-Length says, if it is there.
    pub(super) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next piece, or `None` after the last.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Refusal> {
        self.waiting = false;
        while !self.ended {
            match timeout(IDLE, self.incoming.frame()).await {
                Err(_) => return Err(Refusal::BodyBroken("the body stopped coming")),
                Ok(Some(Err(_))) => return Err(Refusal::BodyBroken("the body broke off")),
                Ok(None) => self.ended = true,
                // Trailers are no content.
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
        Ok(None)
    }

    /// All of it, or `None` if it is longer than `limit`.
    pub(super) async fn whole(&mut self, limit: u64) -> Result<Option<Bytes>, Refusal> {
        if self.length().is_some_and(|length| length > limit) {
            return Ok(None);
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.piece().await? {
            if (whole.len() + piece.len()) as u64 > limit {
                return Ok(None);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.into()))
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
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
