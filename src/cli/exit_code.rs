//! What a process ends with, as the README documents it. 0 is done.

/// Anything that has no code of its own.
pub(super) const FAILED: u8 = 1;
/// The command was called wrongly.
pub(super) const USAGE: u8 = 2;
/// A path, a reference, a tag or a repository that is not there.
pub(super) const NOT_FOUND: u8 = 3;
/// The registry wants other credentials, or any.
pub(super) const UNAUTHORIZED: u8 = 4;
/// Something is there already, or is not what was asked for.
pub const EXISTS: u8 = 5;
/// The registry could not be reached, after retries.
pub(super) const UNREACHABLE: u8 = 6;
/// Content is not what its digest says.
pub(super) const MISMATCH: u8 = 7;

/// What each code means, as `--help` and the man pages have it.
pub(super) const MEANINGS: [(u8, &str); 8] = [
    (0, "done"),
    (FAILED, "failed"),
    (USAGE, "called wrongly"),
    (NOT_FOUND, "not found"),
    (UNAUTHORIZED, "not authorised"),
    (EXISTS, "exists already, or is not what was asked for"),
    (UNREACHABLE, "registry not reached, after retries"),
    (MISMATCH, "verification failed: damaged cache, lying registry"),
];
