//! What heads of requests and answers are like.

/// What we call ourselves.
pub(super) const USER_AGENT: &str = concat!("helm-oci/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer, in bytes. More is nonsense: a redirect to storage takes two or three KiB.
pub(super) const MAX_HEAD: usize = 32 << 10;

/// The most fields in the head of an answer.
pub(super) const MAX_FIELDS: usize = 128;
