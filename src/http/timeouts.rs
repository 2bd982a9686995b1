//! The time limits of the phases of a request.

use std::time::Duration;

/// The time limits of the phases of a request. There is none for the whole: content may be large and lines slow.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To resolve a name.
    pub resolve: Duration,
    /// To connect, including the TLS handshake.
    pub connect: Duration,
    /// To receive the head of an answer.
    pub response: Duration,
    /// To receive the head of the answer to a `PUT`: some servers first copy the content into their storage.
    pub put_response: Duration,
    /// To read or write the next bytes.
    pub idle: Duration,
    /// The length of each window of time in which `pace_bytes` of a body have to move.
    pub pace_window: Duration,
    /// The least number of bytes of a body that have to move in each window.
    pub pace_bytes: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(15),
            response: Duration::from_secs(60),
            put_response: Duration::from_secs(300),
            idle: Duration::from_secs(30),
            pace_window: Duration::from_secs(60),
            pace_bytes: 60 << 10,
        }
    }
}

impl Timeouts {
    /// The limits for a user who waits at most this long for a server that is silent or almost silent.
    pub fn of(patience: Duration) -> Self {
        let usual = Self::default();
        Self {
            resolve: usual.resolve.min(patience),
            connect: usual.connect.min(patience),
            response: patience,
            put_response: patience,
            idle: patience,
            pace_window: patience,
            // 1 KiB a second, as in the defaults.
            pace_bytes: (patience.as_secs() << 10).max(1),
        }
    }
}
