//! The exit codes, as the README documents them. 0 means success.

/// Any error without a code of its own.
pub(super) const FAILED: u8 = 1;
/// The command was called with wrong arguments.
pub(super) const USAGE: u8 = 2;
/// A path, reference, tag or repository does not exist.
pub(super) const NOT_FOUND: u8 = 3;
/// The registry asks for a credential, or for another one.
pub(super) const UNAUTHORIZED: u8 = 4;
/// Something else already exists, or content is not what was asked for.
pub const EXISTS: u8 = 5;
/// The registry could not be reached, even after retries.
pub(super) const UNREACHABLE: u8 = 6;
/// Content does not have its digest.
pub(super) const MISMATCH: u8 = 7;

/// The meaning of each code, for `--help` and the man pages.
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
