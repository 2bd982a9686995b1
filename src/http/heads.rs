//! Limits on the heads of answers, and our `User-Agent`.

/// The value of `User-Agent`.
pub(super) const USER_AGENT: &str = concat!("helm-oci/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer, in bytes. Real ones are much shorter: a redirect to storage has two or three KiB.
pub(super) const MAX_HEAD: usize = 32 << 10;

/// The most fields in the head of an answer.
pub(super) const MAX_FIELDS: usize = 128;
