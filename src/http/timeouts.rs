//! How long to wait for what.

use std::time::Duration;

/// How long to wait for each phase of a request. There is no limit for the whole: content may be large and lines slow.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a name to resolve.
    pub resolve: Duration,
    /// For a connection, with TLS.
    pub connect: Duration,
    /// For the header of an answer.
    pub response: Duration,
    /// For the header of the answer to a PUT: some servers first copy what they got into their storage.
    pub put_response: Duration,
    /// For the next bytes, either way.
    pub idle: Duration,
    /// The length of the windows of time in each of which a body has to move by `pace_bytes`.
    pub pace_window: Duration,
    /// How many bytes of a body have to move in each window.
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
    /// Those of a user with this much patience, for a server that is silent and for one that all but is.
    pub fn of(patience: Duration) -> Self {
        let usual = Self::default();
        Self {
            resolve: usual.resolve.min(patience),
            connect: usual.connect.min(patience),
            response: patience,
            put_response: patience,
            idle: patience,
            pace_window: patience,
            // 1 KiB a second, as usual.
            pace_bytes: (patience.as_secs() << 10).max(1),
        }
    }
}
